// SPDX-License-Identifier: GPL-2.0-only
/* What came for a guest: messages are found in the stream, and moved into its windows. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "grpc_call.h"
#include "op.h"
#include "worker_core.h"

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
	if (call->compressed)
		result->encoding = op_strdup(op, call->rx_encoding);
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
	grpc_call_forget(call);
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
	unsigned char compressed;
	uint32_t length;
	char details[80];

	if (grpc_call_waiting(call) < GRPC_PREFIX)
		return false;
	memcpy(&length, call->rx + call->rx_pos + 1, sizeof(length));
	length = ntohl(length);
	compressed = call->rx[call->rx_pos];
	if (compressed > 1 || (compressed && (!*call->rx_encoding || !call->takes_compressed))) {
		grpc_call_cancel(call, GRPC_INTERNAL, "a message is compressed, which was not agreed upon: use identity");
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
	call->compressed = compressed;
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
	uint32_t n = grpc_call_waiting(call);

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
	bool torn = call->in_message || grpc_call_waiting(call);

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
		if (call->receiver && (!call->in_message || call->over) && !(call->left && grpc_call_waiting(call) && !call->cut))
			receive_state(call);
	}
	if (call->receiver && !call->in_message)
		grpc_call_counts(call, false);
	grpc_call_put(call);
}
