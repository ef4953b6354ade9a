// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request of the guest's own to a server of its choice, as far as the
 * tenant's policy allows, and of the servers that it is redirected to.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "answer.h"
#include "container.h"
#include "header.h"
#include "http.h"
#include "http_request.h"
#include "origin.h"
#include "policy.h"

#define REDIRECTS_MAX	10

struct request_state {
	struct http http;
	struct origin origin;		/* where it goes now */
	struct origin next;		/* where a redirect leads */
	const char *method;
	bool follow;			/* `next` is where to go */
	bool as_get;			/* it becomes a GET there */
	bool no_content;		/* became one: headers of the content are left out */
	bool no_credentials;		/* went to another origin: so are those with credentials */
	uint32_t redirects;		/* that may still be followed */
};

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (!strcasecmp(name, *names))
			return true;
	}
	return false;
}

bool method_is_idempotent(const char *method)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", NULL };

	return is_one_of(method, methods);
}

bool method_is_for_connections(const char *method)
{
	return !strcasecmp(method, "CONNECT") || !strcasecmp(method, "TRACE");
}

static bool header_is_dropped(const struct request_state *state, const char *name)
{
	static const char *const credentials[] = {
		"authorization", "cookie", "x-api-key", "x-amz-security-token", NULL,
	};

	return (state->no_content && (!strncasecmp(name, "content-", 8) || !strcasecmp(name, "digest"))) ||
	       (state->no_credentials && is_one_of(name, credentials));
}

static int request_write(struct http *http, struct text *out)
{
	struct request_state *state = container_of(http, struct request_state, http);
	const Nexus__V1__HttpRequest *request = http->op->request->http_request;
	static const char *const content[] = { "POST", "PUT", "PATCH", NULL };
	char length[24];

	text_puts(out, state->method);
	text_putc(out, ' ');
	text_puts(out, state->origin.target);
	text_puts(out, " HTTP/1.1\r\n");
	header_write(out, "host", state->origin.endpoint.authority);
	for (size_t i = 0; i < request->n_headers; i++) {
		if (!header_is_dropped(state, request->headers[i]->name))
			header_write(out, request->headers[i]->name, request->headers[i]->value);
	}
	snprintf(length, sizeof(length), "%" PRIu64, http->upload_length);
	if (http->upload && http->chunked)
		header_write(out, "transfer-encoding", "chunked");
	else if (http->upload && (http->upload_length || is_one_of(state->method, content)))
		header_write(out, "content-length", length);
	text_puts(out, "\r\n");
	return 0;
}

/* Does the answer lead elsewhere, and may we follow? RFC 9110, 15.4; policy is asked later. */
static bool request_redirected(struct request_state *state, const struct http_head *head)
{
	const struct http_field *location = http_head_field(head, "location");
	struct op *op = state->http.op;

	if (!location || !location->value_len || !state->redirects)
		return false;
	switch (head->status) {
	case 303:
		state->as_get = strcmp(state->method, "HEAD");
		break;
	case 301:
	case 302:
		state->as_get = !strcmp(state->method, "POST");
		break;
	case 307:
	case 308:
		state->as_get = false;
		break;
	default:
		return false;
	}
	/* What the guest got back cannot be sent again: then the redirect is the guest's to follow. */
	if (!state->as_get && state->http.upload && (state->http.upload_length || state->http.chunked) &&
	    !http_can_replay(&state->http))
		return false;
	if (!origin_parse(op, state->origin.url, answer_value(op, location), &state->next))
		return true;
	op->response.error = NULL;
	return false;
}

static void request_response(struct http *http, const struct http_head *head)
{
	static const struct answer_type type = { NULL, NULL, NULL };
	struct request_state *state = container_of(http, struct request_state, http);
	struct op *op = http->op;

	state->follow = request_redirected(state, head);
	if (state->follow) {
		http->payload = false;
		return;
	}
	op->response.http_status = head->status;
	op->response.content_length = head->content_length;
	answer_fill(op, head, &type);
}

static int request_follow(struct request_state *state)
{
	struct http *http = &state->http;
	const struct endpoint *from = &state->origin.endpoint, *to = &state->next.endpoint;
	int ret;

	if (state->as_get) {
		state->method = "GET";
		state->no_content = true;
		http->once = false;
		http->upload = false;
	}
	ret = policy_http(http->op, state->method, to);
	if (ret)
		return ret;
	state->no_credentials |= from->tls != to->tls || strcmp(from->authority, to->authority);
	state->origin = state->next;
	state->redirects--;
	http->op->response.url = (char *)state->origin.url;
	return HTTP_AGAIN;
}

/* Whatever the status: what it means is for the guest to judge. */
static int request_complete(struct http *http, const char *body, size_t len)
{
	struct request_state *state = container_of(http, struct request_state, http);

	(void)body;
	(void)len;
	return state->follow ? request_follow(state) : 0;
}

static const struct http_type request_type = {
	.request = request_write,
	.response = request_response,
	.complete = request_complete,
};

static int request_check(struct op *op, const Nexus__V1__HttpRequest *request)
{
	static const char *const none[] = { NULL };

	if (!header_name_is_token(request->method) || strlen(request->method) > 32)
		return op_error(op, -EINVAL, "NexusBadRequest", "\"%.64s\" is no method", request->method);
	if (method_is_for_connections(request->method))
		return op_error(op, -EINVAL, "NexusBadRequest", "the method %s is about connections, which are the daemon's",
				request->method);
	if (request->chunked && request->content_length)
		return op_error(op, -EINVAL, "NexusBadRequest", "both chunked and a content_length: give one of them");
	return header_check(op, request->headers, request->n_headers, none);
}

static int request_start(struct op *op)
{
	const Nexus__V1__HttpRequest *request = op->request->http_request;
	struct request_state *state = op->state;
	struct http *http = &state->http;
	int ret;

	ret = request_check(op, request);
	if (!ret)
		ret = origin_parse(op, NULL, request->url, &state->origin);
	if (ret)
		return ret;
	state->method = request->method;
	state->redirects = request->max_redirects < REDIRECTS_MAX ? request->max_redirects : REDIRECTS_MAX;
	http->op = op;
	http->type = &request_type;
	http->endpoint = &state->origin.endpoint;
	http->upload = http->download = http->exchange = http->any_status = true;
	http->upload_length = request->content_length;
	http->chunked = request->chunked;
	http->once = !method_is_idempotent(state->method);
	http->head_only = !strcmp(state->method, "HEAD");
	return http_start(http);
}

static void request_window(struct op *op)
{
	struct request_state *state = op->state;

	http_window(&state->http);
}

static void request_abort(struct op *op)
{
	struct request_state *state = op->state;

	http_abort(&state->http);
}

const struct op_type http_request_type = {
	.name = "http_request",
	.op_case = NEXUS__V1__REQUEST__OP_HTTP_REQUEST,
	.state_size = sizeof(struct request_state),
	.exchange = true,
	.start = request_start,
	.window = request_window,
	.abort = request_abort,
};
