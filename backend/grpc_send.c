// SPDX-License-Identifier: GPL-2.0-only
/* What a guest sends: from its windows to the other side, as far as there is room. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include "grpc_call.h"
#include "op.h"

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
		grpc_call_leave(call);
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

	prefix[0] = state->compressed;
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
