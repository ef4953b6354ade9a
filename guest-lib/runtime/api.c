// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* AWS's Lambda Runtime API, version 2018-06-01. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../cleanup.h"
#include "runtime.h"

#define PREFIX		"/2018-06-01/runtime/"
#define EXTENSIONS	"/2020-01-01/"
#define ERROR_MAX	(256U << 10)	/* bytes of a description of an error */
#define JSON		"Content-Type: application/json\r\n"

static struct nexus *api_nx;

void api_start(struct nexus *nx)
{
	api_nx = nx;
}

static void api_error(struct http_call *call, unsigned int status, const char *type, const char *message)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}", message, type);

	http_answer(call, status, JSON, text, n);
}

static void api_accepted(struct http_call *call)
{
	static const char ok[] = "{\"status\":\"OK\"}\n";

	http_answer(call, 202, JSON, ok, sizeof(ok) - 1);
}

static void api_failed(struct http_call *call, int ret)
{
	/* What the function still sends is not read. */
	if (ret == -ENOENT)
		api_error(call, 400, "InvalidRequestID", "nobody waits for this answer any more");
	else if (ret == -EMSGSIZE || ret == -EFBIG)
		api_error(call, 413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291456 bytes).");
	else
		api_error(call, 500, "ServiceError", strerrordesc_np(-ret) ? strerrordesc_np(-ret) : "the host is lost");
}

/* ---- next ---- */

/* One line, or nothing where a line's end would forge another. */
static int field_print(char *out, size_t size, const char *name, const char *value)
{
	if (!*value || strpbrk(value, "\r\n"))
		return 0;
	return snprintf(out, size, "%s: %s\r\n", name, value);
}

static void next_answer(struct http_call *call, const struct nexus_event *e)
{
	char fields[12288], number[24], name[96];
	size_t n = 0;

	turn_invocation(name);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)e->deadline_ms);
	n += field_print(fields + n, sizeof(fields) - n, "Lambda-Runtime-Aws-Request-Id", e->request_id);
	n += field_print(fields + n, sizeof(fields) - n, "Lambda-Runtime-Deadline-Ms", number);
	n += field_print(fields + n, sizeof(fields) - n, "Lambda-Runtime-Invocation-Id", name);
	n += field_print(fields + n, sizeof(fields) - n, "Lambda-Runtime-Invoked-Function-Arn", e->function_arn);
	n += field_print(fields + n, sizeof(fields) - n, "Lambda-Runtime-Trace-Id", e->trace_id);
	n += field_print(fields + n, sizeof(fields) - n, "Lambda-Runtime-Client-Context", e->client_context);
	n += field_print(fields + n, sizeof(fields) - n, "Content-Type",
			 *e->content_type ? e->content_type : "application/json");
	if (n >= sizeof(fields))
		snprintf(fields, sizeof(fields), "Lambda-Runtime-Aws-Request-Id: %s\r\n", e->request_id);
	if (http_answer(call, 200, fields, e->payload, e->payload_len))
		turn_back();
}

static void api_next(struct http_call *call)
{
	const struct nexus_event *event;
	int ret = turn_next(call, &event);

	if (!ret)
		next_answer(call, event);
	else if (ret == -EBUSY)
		api_error(call, 403, "InvalidStateTransition", "the last event was not answered");
	else
		call->keep = false;
}

/* ---- answers ---- */

/* 0: the answer to the present event is this thread's. */
static int api_claim(struct http_call *call, const char *id)
{
	int ret = turn_begin_answer(id, http_field(call, "Lambda-Runtime-Invocation-Id"));

	if (ret == -EINVAL)
		api_error(call, 400, "InvalidRequestID", "Invalid request ID");
	else if (ret)
		api_error(call, 403, "InvalidStateTransition", "no event was given out, or it was answered");
	return ret;
}

static int response_whole(struct http_call *call, const char *id, const struct nexus_respond_options *o, size_t max)
{
	autofree char *body = NULL;
	ssize_t n = http_read_all(call, &body, max);

	return n < 0 ? n : nexus_respond(api_nx, id, body, n, o);
}

/* Four characters' 24 bits; -1: they are none of base64's. */
static long base64_group(const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	long bits = 0;

	for (int i = 0; i < 4; i++) {
		const char *digit = text[i] == '=' && i > 1 ? digits : text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return -1;
		bits = bits << 6 | (digit - digits);
	}
	return bits;
}

/* From malloc, with its padding as NULs; NULL: it is no base64. */
static char *base64_decode(const char *text, size_t *len)
{
	size_t n = strlen(text);
	char *out = n % 4 ? NULL : malloc(n / 4 * 3 + 1);

	*len = 0;
	for (size_t i = 0; out && i < n; i += 4) {
		long bits = base64_group(text + i);

		if (bits < 0) {
			free(out);
			return NULL;
		}
		out[(*len)++] = bits >> 16;
		out[(*len)++] = bits >> 8;
		out[(*len)++] = bits;
	}
	while (out && n && text[n - 1] == '=' && *len) {
		(*len)--;
		n--;
	}
	return out;
}

/* A stream that its function ends with trailers which say that it failed. */
static int stream_failed(struct http_call *call, const char *id, const char *type)
{
	struct nexus_respond_options o = { .size = sizeof(o), .flags = NEXUS_RESPOND_ERROR };
	const char *text = http_field(call, "Lambda-Runtime-Function-Error-Body");
	size_t len = 0;
	autofree char *body = text ? base64_decode(text, &len) : NULL;

	return len ? nexus_respond(api_nx, id, body, len, &o) :
		     nexus_respond_error(api_nx, id, type, "the function ended its answer with an error");
}

/* Bytes as they come, from the socket into the arena. */
static int response_stream(struct http_call *call, const char *id, const struct nexus_respond_options *o)
{
	struct nexus_op *op = nexus_respond_stream(api_nx, id, NEXUS_LENGTH_UNKNOWN, o);
	int ret = op ? 0 : -ENOMEM;
	const char *error;
	ssize_t n = 1;

	while (!ret && n) {
		size_t cap;
		void *data;

		ret = nexus_write_window(op, &data, &cap);
		if (ret)
			break;
		n = http_read(call, data, cap);
		if (n < 0)
			ret = n;
		else if (n)
			ret = nexus_write_commit(op, n);
	}
	error = http_field(call, "Lambda-Runtime-Function-Error-Type");
	if (!ret)
		ret = error ? stream_failed(call, id, error) : nexus_finish(op);
	nexus_op_free(op);
	return ret;
}

static void too_large(const char *id)
{
	nexus_respond_error(api_nx, id, "Function.ResponseSizeTooLarge",
			    "Response payload size exceeded maximum allowed payload size (6291456 bytes).");
}

static void api_response(struct http_call *call, const char *id)
{
	struct nexus_respond_options o = NEXUS_RESPOND_OPTIONS_INIT;
	const char *mode = http_field(call, "Lambda-Runtime-Function-Response-Mode");
	bool stream = mode && !strcasecmp(mode, "streaming");
	int ret = api_claim(call, id);

	if (ret)
		return;
	o.content_type = http_field(call, "Content-Type");
	/* What curl says when nobody told it. */
	if (o.content_type && !strcasecmp(o.content_type, "application/x-www-form-urlencoded"))
		o.content_type = NULL;
	child_flush();
	ret = stream ? response_stream(call, id, &o) : response_whole(call, id, &o, 6U << 20);
	if (ret == -EFBIG)
		too_large(id);
	turn_end();
	/* A caller who has left is not the function's fault. */
	if (ret && ret != -EPIPE)
		api_failed(call, ret);
	else
		api_accepted(call);
}

static void api_function_error(struct http_call *call, const char *id)
{
	struct nexus_respond_options o = { .size = sizeof(o), .flags = NEXUS_RESPOND_ERROR };
	int ret = api_claim(call, id);

	if (ret)
		return;
	child_flush();
	ret = response_whole(call, id, &o, ERROR_MAX);
	if (ret == -EFBIG)
		nexus_respond_error(api_nx, id, "Runtime.ErrorTooLarge", "the description of the error is too large");
	turn_end();
	if (ret)
		api_failed(call, ret);
	else
		api_accepted(call);
}

static void api_init_error(struct http_call *call)
{
	struct nexus_respond_options o = { .size = sizeof(o), .flags = NEXUS_RESPOND_INIT };
	int ret;

	if (turn_has_begun()) {
		api_error(call, 403, "InvalidStateTransition", "the function has asked for events: its start is over");
		return;
	}
	child_flush();
	turn_start_failed();
	ret = response_whole(call, "", &o, ERROR_MAX);
	if (ret)
		api_failed(call, ret);
	else
		api_accepted(call);
}

/* ---- snapshots ---- */

/* What has to be done after a restore is done before the event is taken, which may be the one that made it necessary. */
static void api_restore_next(struct http_call *call)
{
	int ret = turn_await(call);

	if (!ret)
		http_answer(call, 200, JSON, "{}", 2);
	else if (ret == -EBUSY)
		api_error(call, 403, "InvalidStateTransition", "the last event was not answered");
	else
		call->keep = false;
}

static void api_restore_error(struct http_call *call)
{
	struct nexus_respond_options o = { .size = sizeof(o), .flags = NEXUS_RESPOND_ERROR };
	char id[64];
	int ret;

	if (turn_begin_refusal(id)) {
		api_error(call, 403, "InvalidStateTransition", "no restore was told of, or an event was taken since");
		return;
	}
	child_flush();
	ret = response_whole(call, id, &o, ERROR_MAX);
	turn_end();
	if (ret)
		api_failed(call, ret);
	else
		api_accepted(call);
}

/* ---- which ---- */

/* invocation/ID/WHAT; the id is copied out. */
static bool api_path(const char *path, const char *what, char id[64])
{
	size_t n;

	if (strncmp(path, "invocation/", 11))
		return false;
	path += 11;
	n = strcspn(path, "/");
	if (!n || n >= 64 || strcmp(path + n, what))
		return false;
	memcpy(id, path, n);
	id[n] = '\0';
	return true;
}

void api_handle(struct http_call *call)
{
	const char *path = call->url + sizeof(PREFIX) - 1;
	bool get = !strcmp(call->method, "GET"), post = !strcmp(call->method, "POST");
	char id[64];

	if (!strncmp(call->url, EXTENSIONS, sizeof(EXTENSIONS) - 1))
		api_error(call, 403, "Extension.NotSupported", "there are no extensions here: the host has the function's output");
	else if (strncmp(call->url, PREFIX, sizeof(PREFIX) - 1))
		api_error(call, 404, "NotFound", "the Runtime API is below " PREFIX);
	else if (get && !strcmp(path, "invocation/next"))
		api_next(call);
	else if (post && api_path(path, "/response", id))
		api_response(call, id);
	else if (post && api_path(path, "/error", id))
		api_function_error(call, id);
	else if (post && !strcmp(path, "init/error"))
		api_init_error(call);
	else if (get && !strcmp(path, "restore/next"))
		api_restore_next(call);
	else if (post && !strcmp(path, "restore/error"))
		api_restore_error(call);
	else
		api_error(call, 404, "NotFound", "there is no such call in the Runtime API");
}
