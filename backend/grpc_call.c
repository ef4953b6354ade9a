// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "channel.h"
#include "container.h"
#include "grpc_call.h"
#include "h2.h"
#include "op.h"
#include "worker_core.h"

/* ---- life ---- */

static void call_expired(struct loop_timer *timer)
{
	struct grpc_call *call = container_of(timer, struct grpc_call, deadline);

	if (call->broken)
		grpc_call_cancel(call, GRPC_CANCELLED, "an operation was cancelled within a message");
	else
		grpc_call_cancel(call, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded");
}

static bool call_name(struct grpc_call *call, struct channel *channel)
{
	unsigned int count = 0;

	for (const struct grpc_call *other = channel->grpc_calls; other; other = other->next)
		count++;
	if (count >= GRPC_CALLS_MAX)
		return false;
	/* Of 2^32, so that a handle that is gone is nobody else's for long. */
	do {
		call->handle = ++channel->grpc_handles;
	} while (!call->handle || grpc_call_find(channel, call->handle));
	call->channel = channel;
	call->next = channel->grpc_calls;
	call->prev = &channel->grpc_calls;
	if (call->next)
		call->next->prev = &call->next;
	channel->grpc_calls = call;
	return true;
}

struct grpc_call *grpc_call_new(struct worker *worker, struct channel *channel)
{
	struct grpc_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	if (channel && !call_name(call, channel)) {
		free(call);
		return NULL;
	}
	call->worker = worker;
	call->refs = 1;
	call->max_message = GRPC_MESSAGE_MAX;
	call->deadline.expired = call_expired;
	return call;
}

struct grpc_call *grpc_call_find(struct channel *channel, uint32_t handle)
{
	struct grpc_call *call = channel->grpc_calls;

	while (call && call->handle != handle)
		call = call->next;
	return call;
}

void grpc_call_get(struct grpc_call *call)
{
	call->refs++;
}

/* Not inlined: gcc would take one reference for another. */
__attribute__((noinline)) void grpc_call_put(struct grpc_call *call)
{
	if (--call->refs)
		return;
	grpc_metadata_clear(&call->initial);
	grpc_metadata_clear(&call->trailing);
	free(call->details);
	free(call->invocation);
	free(call->rx);
	free(call);
}

static void call_leave(struct grpc_call *call)
{
	loop_timer_stop(call->worker->loop, &call->deadline);
	if (call->far)
		call->type->leave(call);
	call->far = NULL;
}

/* No handle any more; the reference that was its goes. */
static void call_forget(struct grpc_call *call)
{
	call_leave(call);
	if (call->prev) {
		*call->prev = call->next;
		if (call->next)
			call->next->prev = call->prev;
		call->prev = NULL;
		grpc_call_put(call);
	}
}

void grpc_call_close(struct grpc_call *call)
{
	grpc_call_get(call);
	if (!call->over)
		grpc_call_cancel(call, call->server ? GRPC_UNKNOWN : GRPC_CANCELLED, "the call was closed");
	call_forget(call);
	grpc_call_put(call);
}

void grpc_calls_close(struct channel *channel)
{
	struct grpc_call *call;

	while ((call = channel->grpc_calls)) {
		call->dying = true;
		grpc_call_get(call);
		grpc_call_cancel(call, GRPC_UNAVAILABLE, "the function's instance has died");
		call_forget(call);
		grpc_call_put(call);
	}
}

/* ---- to the guest ---- */

void grpc_call_counts(struct grpc_call *call, bool counts)
{
	struct grpc_send *state = call->receiver->state;

	if (!state->unary && state->waits == counts) {
		state->waits = !counts;
		worker_in_flight(call->worker, counts ? 1 : -1);
	}
}

/* The answer's `grpc`, begun. */
static Nexus__V1__GrpcResult *call_result(struct grpc_call *call, Nexus__V1__GrpcKind kind)
{
	struct op *op = call->receiver;
	Nexus__V1__GrpcResult *result = op_alloc(op, sizeof(*result));

	nexus__v1__grpc_result__init(result);
	result->kind = kind;
	if (call->has_initial && !call->told_initial && kind != NEXUS__V1__GRPC_KIND__GRPC_HALF_CLOSE) {
		result->n_initial = call->initial.nr;
		result->initial = grpc_metadata_give(op, &call->initial);
		call->told_initial = true;
	}
	if (kind == NEXUS__V1__GRPC_KIND__GRPC_END) {
		result->status = call->status;
		result->details = op_strdup(op, call->details ? call->details : "");
		result->n_trailing = call->trailing.nr;
		result->trailing = grpc_metadata_give(op, &call->trailing);
	}
	op->response.grpc = result;
	return result;
}

/* The receiving operation is done. */
static void receiver_finish(struct grpc_call *call, int status)
{
	struct op *op = call->receiver;
	bool unary = ((struct grpc_send *)op->state)->unary;

	call->receiver = NULL;
	op_finish(op, status);
	if (unary)
		grpc_call_put(call);
}

static void receiver_tell(struct grpc_call *call, Nexus__V1__GrpcKind kind)
{
	call_result(call, kind);
	receiver_finish(call, 0);
}

/* The end is told; nothing is left that the handle could be used for. */
static void call_tell_end(struct grpc_call *call)
{
	struct grpc_send *state = call->receiver->state;

	/* A message came, and more was to come: not the guest's to see. */
	if (state->unary && !call->status && !state->answered) {
		call->status = GRPC_INTERNAL;
		free(call->details);
		call->details = strdup("the server ended the call without a message");
	}
	receiver_tell(call, NEXUS__V1__GRPC_KIND__GRPC_END);
	call_forget(call);
}

static uint32_t rx_bytes(const struct grpc_call *call)
{
	return call->rx_len - call->rx_pos;
}

static void rx_take(struct grpc_call *call, uint32_t len)
{
	call->rx_pos += len;
	if (call->rx_pos == call->rx_len)
		call->rx_pos = call->rx_len = 0;
	if (call->far)
		call->type->consumed(call, len);
}

/* The next message's prefix. False: it is not all there, or the call is over now. */
static bool receive_prefix(struct grpc_call *call)
{
	struct grpc_send *state = call->receiver->state;
	uint32_t length;
	char details[80];

	if (rx_bytes(call) < GRPC_PREFIX)
		return false;
	memcpy(&length, call->rx + call->rx_pos + 1, sizeof(length));
	length = ntohl(length);
	if (call->rx[call->rx_pos]) {
		grpc_call_cancel(call, call->server ? GRPC_UNIMPLEMENTED : GRPC_INTERNAL,
				 "a message is compressed, which was not agreed upon: use identity");
		return false;
	}
	if (length > call->max_message) {
		/* The words that programs know from other gRPC libraries. */
		snprintf(details, sizeof(details), "Received message larger than max (%u vs. %u)", length, call->max_message);
		grpc_call_cancel(call, GRPC_RESOURCE_EXHAUSTED, details);
		return false;
	}
	if (state->unary && state->answered) {
		grpc_call_cancel(call, GRPC_INTERNAL, "the server sent a second message");
		return false;
	}
	rx_take(call, GRPC_PREFIX);
	call->in_message = true;
	call->left = length;
	call->receiver->response.content_length = length;
	return true;
}

/* Bytes of a message into the windows. False: there is nothing more to do now. */
static bool receive_bytes(struct grpc_call *call)
{
	struct op *op = call->receiver;
	struct op_window *window = op->windows;
	struct grpc_send *state = op->state;
	uint32_t n = rx_bytes(call);

	if (call->left) {
		if (n > call->left)
			n = call->left;
		if (!window || !n)
			return false;
		if (window->done == window->len) {
			/* Full, and more to come: the first tells what it is of. */
			if (!op->response.grpc)
				call_result(call, NEXUS__V1__GRPC_KIND__GRPC_MESSAGE);
			op_window_done(op);
			return true;
		}
		if (n > window->len - window->done)
			n = window->len - window->done;
		memcpy(window->data + window->done, call->rx + call->rx_pos, n);
		window->done += n;
		call->left -= n;
		rx_take(call, n);
		return true;
	}
	call->in_message = false;
	if (state->unary) {
		state->answered = true;
		return true;
	}
	receiver_tell(call, NEXUS__V1__GRPC_KIND__GRPC_MESSAGE);
	return false;
}

/* What is told when no message is there. */
static void receive_state(struct grpc_call *call)
{
	struct grpc_send *state = call->receiver->state;
	bool torn = call->in_message || rx_bytes(call);

	if (call->over && call->in_message && !state->unary) {
		/* Its beginning was told already: the next operation gets the end. */
		call->in_message = false;
		call->rx_pos = call->rx_len = 0;
		receiver_finish(call, op_error(call->receiver, -EPIPE, "NexusConnectionLost", "the call ended within a message"));
	} else if (call->over) {
		if (torn && !call->status) {
			call->status = GRPC_INTERNAL;
			free(call->details);
			call->details = strdup("the call ended within a message");
		}
		call_tell_end(call);
	} else if (call->half_closed && !call->told_half_close) {
		if (torn) {
			grpc_call_cancel(call, GRPC_INTERNAL, "the caller ended within a message");
			return;
		}
		call->told_half_close = true;
		receiver_tell(call, NEXUS__V1__GRPC_KIND__GRPC_HALF_CLOSE);
	}
}

void grpc_call_receive(struct grpc_call *call)
{
	struct grpc_send *state = call->receiver ? call->receiver->state : NULL;

	if (!call->receiver || (state->unary && call->sender))
		return;
	grpc_call_get(call);
	grpc_call_counts(call, true);
	if (!state->unary && call->has_initial && !call->told_initial) {
		receiver_tell(call, NEXUS__V1__GRPC_KIND__GRPC_INITIAL);
	} else {
		/* Whatever the other side's status is, the messages that came before it come first. */
		while (call->receiver && !(call->cut && !call->in_message) &&
		       (call->in_message ? receive_bytes(call) : receive_prefix(call)))
			;
		if (call->receiver && (!call->in_message || call->over) && !(call->left && rx_bytes(call) && !call->cut))
			receive_state(call);
	}
	if (call->receiver && !call->in_message)
		grpc_call_counts(call, false);
	grpc_call_put(call);
}

/* ---- from the guest ---- */

/* All of it is with the other side. */
static void sender_done(struct grpc_call *call)
{
	struct op *op = call->sender;
	struct grpc_send *state = op->state;

	call->sender = NULL;
	if (state->end) {
		call->ended = true;
		if (call->far)
			call->type->end(call);
	}
	if (!state->unary) {
		op_finish(op, 0);
		return;
	}
	op->windows->done = 0;		/* all of it is room now */
	call->receiver = op;
	grpc_call_receive(call);
}

static void sender_fail(struct grpc_call *call, int status, const char *why)
{
	struct op *op = call->sender;
	bool unary = ((struct grpc_send *)op->state)->unary;

	call->sender = NULL;
	op_finish(op, op_error(op, status, "NexusBadRequest", "%s", why));
	if (unary) {
		call_leave(call);
		grpc_call_put(call);
	}
}

/* The unary call is over before its message was sent: the windows that still come go by until FIN. */
static void sender_drop(struct grpc_call *call)
{
	struct op *op = call->sender;
	struct grpc_send *state = op->state;

	if (!state->unary) {
		sender_fail(call, -EPIPE, "the call is over");
		return;
	}
	while (op->windows && !op->windows->fin)
		op_window_done(op);
	if (!op->windows)
		return;
	call->sender = NULL;
	call->receiver = op;
	op->windows->done = 0;
	grpc_call_receive(call);
}

static bool send_prefix(struct grpc_call *call, struct grpc_send *state)
{
	uint8_t prefix[GRPC_PREFIX] = { 0 };
	uint32_t length = htonl(state->length);

	memcpy(prefix + 1, &length, sizeof(length));
	state->prefix_sent += call->type->write(call, prefix + state->prefix_sent, GRPC_PREFIX - state->prefix_sent);
	return state->prefix_sent == GRPC_PREFIX;
}

static void send_windows(struct grpc_call *call)
{
	struct op *op = call->sender;
	struct grpc_send *state = op->state;
	struct op_window *window;
	uint64_t left;
	size_t n;

	while ((window = op->windows)) {
		left = state->length - state->sent;
		if (left > window->len - window->done)
			left = window->len - window->done;
		n = left ? call->type->write(call, window->data + window->done, left) : 0;
		window->done += n;
		state->sent += n;
		if (n < left)
			return;
		if (state->sent == state->length && window->fin) {
			sender_done(call);
			return;
		}
		if (window->fin || state->sent == state->length) {
			sender_fail(call, -EINVAL, "the windows hold another number of bytes than content_length says");
			grpc_call_cancel(call, GRPC_INTERNAL, "the message was not complete");
			return;
		}
		op_window_done(op);
	}
}

void grpc_call_send(struct grpc_call *call)
{
	struct grpc_send *state;

	if (!call->sender)
		return;
	state = call->sender->state;
	grpc_call_get(call);
	if (call->over || !call->far)
		sender_drop(call);
	else if (state->empty)
		sender_done(call);
	else if (send_prefix(call, state))
		send_windows(call);
	grpc_call_put(call);
}

/* ---- from the other side ---- */

void grpc_call_initial(struct grpc_call *call)
{
	call->has_initial = true;
	grpc_call_receive(call);
}

bool grpc_call_data(struct grpc_call *call, const char *data, size_t len)
{
	char *grown;

	if (call->rx_pos) {
		memmove(call->rx, call->rx + call->rx_pos, rx_bytes(call));
		call->rx_len -= call->rx_pos;
		call->rx_pos = 0;
	}
	if (len > H2_WINDOW - call->rx_len)
		return false;
	if (call->rx_len + len > call->rx_cap) {
		call->rx_cap = call->rx_len + len < 4096 ? 4096 : H2_WINDOW;
		grown = realloc(call->rx, call->rx_cap);
		if (!grown)
			return false;
		call->rx = grown;
	}
	memcpy(call->rx + call->rx_len, data, len);
	call->rx_len += len;
	grpc_call_receive(call);
	return true;
}

void grpc_call_half_close(struct grpc_call *call)
{
	call->half_closed = true;
	grpc_call_receive(call);
}

void grpc_call_over(struct grpc_call *call, enum grpc_status status, const char *details)
{
	if (call->over)
		return;
	grpc_call_get(call);
	call->over = true;
	call->status = status;
	call->details = strndup(details, GRPC_DETAILS_MAX);
	call_leave(call);
	grpc_call_send(call);
	grpc_call_receive(call);
	grpc_call_put(call);
}

void grpc_call_cancel(struct grpc_call *call, enum grpc_status status, const char *details)
{
	if (call->over)
		return;
	if (call->server && call->far)
		call->type->finish(call, status, details, &(struct grpc_metadata){ 0 });
	/* What came is not what was asked for any more. */
	call->cut = true;
	grpc_metadata_clear(&call->trailing);
	if (!call->in_message)
		call->rx_pos = call->rx_len = 0;
	grpc_call_over(call, status, details);
}

void grpc_call_room(struct grpc_call *call)
{
	grpc_call_send(call);
}

void grpc_call_break(struct grpc_call *call)
{
	call->broken = true;
	loop_timer_start(call->worker->loop, &call->deadline, 0);
}

void grpc_call_deadline(struct grpc_call *call, uint32_t timeout_ms)
{
	if (timeout_ms)
		loop_timer_start(call->worker->loop, &call->deadline, timeout_ms);
}
