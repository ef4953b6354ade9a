// SPDX-License-Identifier: GPL-2.0-only
/*
 * POST /function/NAME: the body, of any type, is the event. The answer is the function's own body,
 * or, as with Lambda's function URLs, what its JSON describes: {"statusCode", "headers", "body",
 * "isBase64Encoded", "cookies"}. An answer of another type than JSON is passed on as it comes.
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "caller.h"
#include "cleanup.h"
#include "config.h"
#include "function.h"
#include "header.h"
#include "ingress.h"
#include "ingress_lambda.h"

#define STREAM_BLOCK	32768

static size_t function_limit(struct request *request)
{
	(void)request;
	return INVOCATION_PAYLOAD_MAX;
}

static void function_run(struct request *request)
{
	const struct tenant *tenant;
	enum caller_verdict verdict;
	struct function *function;
	const char *message, *error;
	int ret;

	if (strcmp(request->method, "POST")) {
		lambda_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, "MethodNotAllowedException", "the method is POST");
		request_answer_header(request, "Allow", "POST");
		return;
	}
	if (request->sent > INVOCATION_PAYLOAD_MAX) {
		lambda_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "RequestTooLargeException",
			     "the body has %llu bytes; the limit is %u", (unsigned long long)request->sent,
			     INVOCATION_PAYLOAD_MAX);
		return;
	}
	verdict = caller_check(ingress_config(), request, &tenant);
	if (verdict != CALLER_FINE) {
		error = caller_error(verdict, &message);
		lambda_error(request, verdict == CALLER_BROKEN ? 500 : MHD_HTTP_FORBIDDEN, error, "%s", message);
		return;
	}
	function = function_find(request->name);
	if (!function || (tenant && function->config->tenant != tenant)) {
		lambda_error(request, MHD_HTTP_NOT_FOUND, "ResourceNotFoundException", "Function not found: %s",
			     request->name);
		return;
	}
	ret = request_invoke(request, function, NULL, INVOCATION_STREAMS_PLAIN);
	if (ret)
		lambda_refused(request, ret);
}

/* ---- a description of an answer ---- */

static void description_header(struct request *request, const char *name, const char *value)
{
	char lower[32];

	/* Framing, and the connection, are ours. */
	for (size_t i = 0; i < sizeof(lower); i++) {
		lower[i] = tolower((unsigned char)name[i]);
		if (!name[i])
			break;
	}
	lower[sizeof(lower) - 1] = '\0';
	if (strcmp(lower, "content-length") && !header_is_hop_by_hop(lower) && header_name_is_token(name) &&
	    header_value_is_line(value))
		request_answer_header(request, name, value);
}

/* The body's bytes, from malloc; NULL: no base64. */
static char *description_body(const char *text, bool base64, size_t *len)
{
	size_t n = strlen(text), padding = 0;
	char *out;
	int got;

	*len = n;
	if (!base64)
		return strdup(text);
	if (n % 4)
		return NULL;
	while (padding < 2 && padding < n && text[n - 1 - padding] == '=')
		padding++;
	out = malloc(n + 1);
	got = out ? EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)text, n) : -1;
	if (got < 0) {
		free(out);
		return NULL;
	}
	*len = got - padding;
	return out;
}

/* False: the answer is no such description, but the body itself. */
static bool description_answer(struct request *request, json_t *json)
{
	json_t *status = json_object_get(json, "statusCode"), *value, *headers = json_object_get(json, "headers");
	const char *text = json_string_value(json_object_get(json, "body")), *name;
	bool base64 = json_is_true(json_object_get(json, "isBase64Encoded")), typed = false;
	size_t len, index;
	char *body;

	if (!json_is_integer(status) || json_integer_value(status) < 200 || json_integer_value(status) > 599)
		return false;
	body = description_body(text ? text : "", base64, &len);
	if (!body)
		return false;
	request_respond(request, json_integer_value(status),
			MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE));
	json_object_foreach(headers, name, value) {
		if (!json_is_string(value))
			continue;
		typed |= !strcasecmp(name, "content-type");
		description_header(request, name, json_string_value(value));
	}
	json_array_foreach(json_object_get(json, "cookies"), index, value)
		if (json_is_string(value))
			description_header(request, "Set-Cookie", json_string_value(value));
	if (!typed && len)
		request_answer_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	return true;
}

/* ---- the answer ---- */

static void function_headers(struct request *request, const struct answer *answer)
{
	request_answer_header(request, MHD_HTTP_HEADER_CONTENT_TYPE,
			      *answer->content_type ? answer->content_type : "application/json");
	for (const struct answer_field *field = answer->fields; field; field = field->next)
		description_header(request, field->name, field->value);
}

static ssize_t stream_read(void *arg, uint64_t pos, char *data, size_t max)
{
	(void)pos;
	return request_stream(arg, data, max);
}

static void function_whole(struct request *request, struct invocation *inv)
{
	struct answer *answer = &inv->answer;
	bool error = answer->end == INVOCATION_FUNCTION_ERROR;
	json_t *json = NULL;
	size_t len = answer->len;

	if (!error && !answer->http_status && !strncasecmp(*answer->content_type ? answer->content_type :
							   "application/json", "application/json", 16))
		json = json_loadb(answer->data ? answer->data : "", len, 0, NULL);
	if (!json || !description_answer(request, json)) {
		request_respond(request, error ? MHD_HTTP_BAD_GATEWAY : answer->http_status ? answer->http_status : 200,
				MHD_create_response_from_buffer(len, take_ptr(answer->data), MHD_RESPMEM_MUST_FREE));
		answer->len = answer->cap = 0;
		function_headers(request, answer);
	}
	json_decref(json);
	if (error)
		request_answer_header(request, "X-Amz-Function-Error", "Unhandled");
}

static bool function_answer(struct request *request)
{
	struct invocation *inv = request->inv;
	struct answer *answer = &inv->answer;

	if (answer->head) {
		request_respond(request, answer->http_status ? answer->http_status : 200,
				MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read, request, NULL));
		function_headers(request, answer);
	} else if (answer->end == INVOCATION_OPEN) {
		return false;
	} else if (!lambda_no_answer(request)) {
		function_whole(request, inv);
	}
	request_answer_header(request, "x-amzn-RequestId", inv->id);
	return true;
}

const struct route function_route = { function_limit, function_run, function_answer };
