// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <string.h>
#include "op.h"

#define SEVERAL_MAX	(1U << 20)	/* bytes that the daemon takes in several windows */
#define ONE_MAX		(16U << 20)	/* in one */

static struct nexus_op *aws_begin(struct nexus *nx, const struct nexus_aws *from, const uint64_t *len,
				  const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__AwsRequest aws = NEXUS__V1__AWS_REQUEST__INIT;
	struct op_payload payload = { .upload = true, .exchange = true, .stream = true };
	struct nexus_aws request = NEXUS_AWS_INIT;
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op)
		return NULL;
	if (from->size < offsetof(struct nexus_aws, path) || from->size > sizeof(request)) {
		op_fail(op, -EINVAL, "NexusBadRequest", "a request of size %zu: use NEXUS_AWS_INIT", from->size);
		return op;
	}
	memcpy(&request, from, from->size);
	if (len)
		request.content_length = *len;
	if (op_options(op, &o, options, OPTION_WINDOW | OPTION_HEADERS) ||
	    op_fields(op, o.headers, aws.n_headers = o.nr_headers, "headers", &aws.headers))
		return op;
	if (!o.window && request.content_length > SEVERAL_MAX && request.content_length <= ONE_MAX)
		o.window = request.content_length;
	aws.service = op_text(request.service);
	aws.method = op_text(request.method ? request.method : "POST");
	aws.path = op_text(request.path ? request.path : "/");
	aws.query = op_text(request.query);
	aws.content_length = payload.len = request.content_length;
	req.op_case = NEXUS__V1__REQUEST__OP_AWS_REQUEST;
	req.aws_request = &aws;
	op_start(op, &req, &payload, &o, block);
	return op;
}

struct nexus_op *nexus_aws_stream(struct nexus *nx, const struct nexus_aws *request,
				  const struct nexus_options *options)
{
	return aws_begin(nx, request, NULL, options, false);
}

ssize_t nexus_aws(struct nexus *nx, const struct nexus_aws *request, const void *body, size_t len,
		  void *buf, size_t cap, const struct nexus_options *options, struct nexus_op **out)
{
	struct nexus_op *op = aws_begin(nx, request, &(uint64_t){ len }, options, true);
	ssize_t ret = op ? op_exchange(op, body, len, buf, cap) : -ENOMEM;

	op_return(op, out, 0);
	return ret;
}
