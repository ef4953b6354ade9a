// SPDX-License-Identifier: GPL-2.0-only
/* An instance answers (Respond), and prints (Log). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "channel.h"
#include "config.h"
#include "function.h"
#include "function_log.h"
#include "header.h"
#include "next.h"
#include "order.h"
#include "worker.h"

struct respond {
	struct invocation *inv;		/* NULL: a failed start that nobody waits for */
	uint64_t received;
};

static const char too_large[] = "Response payload size exceeded maximum allowed payload size (6291456 bytes).";
static const char stream_too_large[] = "Response stream exceeded maximum allowed size (209715200 bytes).";

_Static_assert(INVOCATION_PAYLOAD_MAX == 6291456 && INVOCATION_STREAM_MAX == 209715200, "the messages say so");

static struct function *respond_function(const struct op *op)
{
	struct function *function = function_find(op->channel->guest->function);

	return function && function->config->tenant == op->tenant ? function : NULL;
}

/* ---- the end ---- */

static void respond_report(struct invocation *inv)
{
	uint64_t ms = loop_now_ms(inv->worker->loop) - inv->started_ms;

	invocation_logf(inv, "END RequestId: %s\nREPORT RequestId: %s\tDuration: %" PRIu64 ".00 ms\t"
			"Billed Duration: %" PRIu64 " ms\n", inv->id, inv->id, ms, ms ? ms : 1);
}

static void respond_complete(struct op *op)
{
	const Nexus__V1__Respond *request = op->request->respond;
	struct respond *respond = op->state;
	struct invocation *inv = respond->inv;
	bool error = request->error || request->init;

	if (inv) {
		if (error)
			function_count(inv->function, errors);
		respond_report(inv);
		inv->respond = NULL;
		instance_release(inv);
		invocation_end(inv, error ? INVOCATION_FUNCTION_ERROR : INVOCATION_ANSWERED);
		invocation_put(inv);
	}
	op_finish(op, 0);
}

/* The answer is none: so is the invocation. */
static int respond_fail(struct op *op, int status, const char *type, const char *message)
{
	struct respond *respond = op->state;
	struct invocation *inv = respond->inv;

	respond->inv = NULL;
	if (inv) {
		inv->respond = NULL;
		instance_fail(inv, type, message);
	}
	return op_error(op, status, "NexusBadRequest", "%s", message);
}

void respond_cut(struct invocation *inv)
{
	struct op *op = inv->respond;

	if (!op)
		return;
	((struct respond *)op->state)->inv = NULL;
	inv->respond = NULL;
	op_finish(op, op_error(op, -ENOENT, "NexusNoInvocation", "nobody waits for the rest of this answer"));
}

/* The caller has left in the middle of it. Nobody is told how it ended. */
static int respond_unwanted(struct op *op)
{
	struct respond *respond = op->state;
	struct invocation *inv = respond->inv;

	respond->inv = NULL;
	inv->respond = NULL;
	instance_release(inv);
	invocation_end(inv, INVOCATION_STOPPED);
	invocation_put(inv);
	return op_error(op, -EPIPE, "NexusCallerGone", "the caller has left");
}

/* ---- windows ---- */

/* Take what came. 0: all of it was the answer, or some is still to come; or -errno after op_error(). */
static int respond_read(struct op *op)
{
	const Nexus__V1__Respond *request = op->request->respond;
	struct respond *respond = op->state;
	bool error = request->error || request->init;
	struct op_window *window;

	if (respond->inv && invocation_is_unwanted(respond->inv))
		return respond_unwanted(op);
	while ((window = op->windows)) {
		uint32_t left = window->len - window->done;
		ssize_t n = left;

		if (respond->inv && left)
			n = (error ? invocation_write_error : invocation_write)(respond->inv, window->data + window->done, left);
		if (n < 0)
			return respond_fail(op, -EMSGSIZE, "Function.ResponseSizeTooLarge",
					    respond->inv->answer.total > INVOCATION_PAYLOAD_MAX ? stream_too_large : too_large);
		window->done += n;
		respond->received += n;
		if (!request->chunked && respond->received > request->content_length)
			return respond_fail(op, -EINVAL, "Runtime.InvalidResponse", "the answer is longer than announced");
		if (n < left)
			return 0;	/* respond_room() will follow */
		if (window->fin) {
			if (!request->chunked && respond->received < request->content_length)
				return respond_fail(op, -EINVAL, "Runtime.InvalidResponse",
						    "the answer is shorter than announced");
			respond_complete(op);
			return 0;
		}
		op_window_done(op);
	}
	return 0;
}

static void respond_window(struct op *op)
{
	int ret = respond_read(op);

	if (ret)
		op_finish(op, ret);
}

static void respond_room(struct invocation *inv)
{
	if (inv->respond)
		respond_window(inv->respond);
}

/* ---- the beginning ---- */

/* A caller over plain HTTP may have it as it comes, unless it may be a description of an answer (ingress_http.c). */
static bool respond_may_stream(const struct invocation *inv, const Nexus__V1__Respond *request)
{
	return inv->streams && !request->error && !request->init &&
	       (inv->streams == INVOCATION_STREAMS_ALL || request->chunked || request->http_status ||
		(*request->content_type && strncasecmp(request->content_type, "application/json", 16)));
}

static void respond_head(struct invocation *inv, const Nexus__V1__Respond *request)
{
	struct answer *answer = &inv->answer;

	pthread_mutex_lock(&inv->lock);
	if (answer->head) {
		pthread_mutex_unlock(&inv->lock);
		return;		/* the caller has seen another one */
	}
	answer->http_status = request->http_status;
	snprintf(answer->content_type, sizeof(answer->content_type), "%s", request->content_type);
	for (size_t i = 0; i < request->n_headers; i++)
		answer_field_add(answer, request->headers[i]->name, request->headers[i]->value);
	if (respond_may_stream(inv, request)) {
		answer->head = true;
		if (inv->news)
			inv->news(inv);
	}
	pthread_mutex_unlock(&inv->lock);
}

static int respond_check(struct op *op)
{
	const Nexus__V1__Respond *request = op->request->respond;
	int ret;

	if (request->http_status && (request->http_status < 200 || request->http_status > 599))
		return op_error(op, -EINVAL, "NexusBadRequest", "%u is no final HTTP status", request->http_status);
	ret = header_check_value(op, "content-type", request->content_type);
	for (size_t i = 0; !ret && i < request->n_headers; i++) {
		const Nexus__V1__Field *field = request->headers[i];

		if (!header_name_is_token(field->name))
			return op_error(op, -EINVAL, "NexusBadRequest", "the header name \"%.64s\" is no HTTP token", field->name);
		ret = header_check_value(op, field->name, field->value);
	}
	return ret;
}

static int respond_start(struct op *op)
{
	const Nexus__V1__Respond *request = op->request->respond;
	struct function *function = respond_function(op);
	struct respond *respond = op->state;
	struct invocation *inv;
	int ret = respond_check(op);

	if (ret)
		return ret;
	if (request->init) {
		inv = function ? function_take_waiting(function) : NULL;
		if (inv) {
			instance_begin(inv, op->channel);
			inv->responding = true;
			loop_timer_stop(op->worker->loop, &inv->deadline);
		}
	} else {
		inv = instance_invocation(op->channel, request->request_id);
		if (!inv || (inv->respond && !request->error))
			return op_error(op, -ENOENT, "NexusNoInvocation", "nobody waits for an answer to %.64s",
					request->request_id);
	}
	/* Every write that the guest submitted before has ended: order_gate waited. */
	ret = order_settled(op);
	if (ret) {
		if (inv)
			instance_fail(inv, "Nexus.WriteFailed", op->response.error->message);
		return ret;
	}
	respond->inv = inv;
	if (inv) {
		timeline_mark(&inv->timeline, TIMELINE_DURABLE);
		if (inv->respond) {
			/* What it streams has failed. */
			respond_cut(inv);
			invocation_restart(inv);
		}
		inv->respond = op;
		inv->room = respond_room;
		respond_head(inv, request);
	}
	return respond_read(op);
}

static void respond_abort(struct op *op)
{
	struct respond *respond = op->state;

	/* The one that says what failed of it is on its way. */
	if (respond->inv && respond->inv->failing && !op->request->respond->error) {
		respond->inv->respond = NULL;
		respond->inv = NULL;
		return;
	}
	respond_fail(op, -ECONNRESET, "Runtime.ExitError", "Runtime exited without providing a reason");
}

const struct op_type respond_type = {
	.name = "respond",
	.op_case = NEXUS__V1__REQUEST__OP_RESPOND,
	.state_size = sizeof(struct respond),
	.start = respond_start,
	.window = respond_window,
	.abort = respond_abort,
};

/* ---- logs ---- */

static int log_start(struct op *op)
{
	const Nexus__V1__Log *request = op->request->log;
	struct function *function = respond_function(op);
	struct invocation *inv = instance_invocation(op->channel, request->request_id);

	if (inv)
		invocation_log(inv, (const char *)request->text.data, request->text.len);
	if (function)
		function_log(function, inv ? inv->id : "", (const char *)request->text.data, request->text.len);
	op_finish(op, 0);
	return 0;
}

const struct op_type log_type = {
	.name = "log",
	.op_case = NEXUS__V1__REQUEST__OP_LOG,
	.start = log_start,
};
