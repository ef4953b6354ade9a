// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <string.h>
#include "op.h"

static struct nexus_op *http_begin(struct nexus *nx, const struct nexus_http *from, const uint64_t *len,
				   const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__HttpRequest http = NEXUS__V1__HTTP_REQUEST__INIT;
	struct op_payload payload = { .upload = true, .exchange = true, .stream = true };
	struct nexus_http request = NEXUS_HTTP_INIT;
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op)
		return NULL;
	if (from->size < offsetof(struct nexus_http, content_length) || from->size > sizeof(request)) {
		op_fail(op, -EINVAL, "NexusBadRequest", "a request of size %zu: use NEXUS_HTTP_INIT", from->size);
		return op;
	}
	memcpy(&request, from, from->size);
	if (len) {
		request.content_length = *len;
		request.chunked = 0;
	}
	if (op_options(op, &o, options, OPTION_WINDOW | OPTION_HEADERS) ||
	    op_fields(op, o.headers, http.n_headers = o.nr_headers, "headers", &http.headers))
		return op;
	http.method = op_text(request.method ? request.method : "GET");
	http.url = op_text(request.url);
	http.content_length = payload.len = request.content_length;
	http.chunked = payload.chunked = request.chunked;
	http.max_redirects = request.max_redirects;
	req.op_case = NEXUS__V1__REQUEST__OP_HTTP_REQUEST;
	req.http_request = &http;
	op_start(op, &req, &payload, &o, block);
	return op;
}

struct nexus_op *nexus_http_stream(struct nexus *nx, const struct nexus_http *request,
				   const struct nexus_options *options)
{
	return http_begin(nx, request, NULL, options, false);
}

ssize_t nexus_http(struct nexus *nx, const struct nexus_http *request, const void *body, size_t len,
		   void *buf, size_t cap, const struct nexus_options *options, struct nexus_op **out)
{
	struct nexus_op *op = http_begin(nx, request, &(uint64_t){ len }, options, true);
	ssize_t ret = op ? op_exchange(op, body, len, buf, cap) : -ENOMEM;

	op_return(op, out, 0);
	return ret;
}
