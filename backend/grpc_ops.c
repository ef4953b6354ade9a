// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "channel.h"
#include "function.h"
#include "grpc_call.h"
#include "grpc_client.h"
#include "grpc_ops.h"
#include "next.h"
#include "order.h"
#include "origin.h"
#include "worker_core.h"

#define MESSAGE_LIMIT	(1U << 30)	/* bytes of one message: more than any peer takes */

/* ---- calls that the guest makes ---- */

/* What the guest wants in the request's headers. 0, or -EINVAL after op_error(). */
static int start_check(struct op *op, const Nexus__V1__GrpcStart *start)
{
	if (!grpc_encoding(start->encoding, strlen(start->encoding)))
		return op_error(op, -EINVAL, "NexusBadRequest", "encoding \"%.32s\": write gzip or deflate", start->encoding);
	if (strlen(start->user_agent) > GRPC_AGENT_MAX)
		return op_error(op, -EINVAL, "NexusBadRequest", "a user agent of more than %d bytes", GRPC_AGENT_MAX);
	for (const char *p = start->user_agent; *p; p++) {
		if (*p < 0x20 || *p > 0x7e)
			return op_error(op, -EINVAL, "NexusBadRequest", "a user agent is printable ASCII");
	}
	return 0;
}

/* With the other side on its way. NULL after op_error(), which *ret has. */
static struct grpc_call *call_open(struct op *op, const Nexus__V1__GrpcStart *start, bool handle, int *ret)
{
	struct grpc_metadata metadata = { 0 };
	struct grpc_call *call = NULL;
	struct origin origin;

	*ret = origin_grpc(op, start, &origin);
	if (!*ret)
		*ret = start_check(op, start);
	if (!*ret)
		*ret = grpc_metadata_take(op, &metadata, start->metadata, start->n_metadata);
	if (!*ret) {
		call = grpc_call_new(op->worker, handle ? op->channel : NULL);
		if (!call)
			*ret = op_error(op, -EBUSY, "NexusLimitExceeded", "%u calls are open; a channel may have %u, all "
					"channels together %u: close some", op->channel->guest->grpc_calls, GRPC_CALLS_MAX,
					GRPC_GUEST_CALLS_MAX);
	}
	if (!*ret) {
		if (start->max_message)
			call->max_message = start->max_message;
		call->tx_encoding = grpc_encoding(start->encoding, strlen(start->encoding));
		call->takes_compressed = start->takes_compressed;
		counter_add(&op->worker->counters.grpc_calls, 1);
		*ret = grpc_client_open(op, call, start, &origin, &metadata);
		if (!*ret)
			grpc_call_deadline(call, start->timeout_ms);
	}
	grpc_metadata_clear(&metadata);
	if (*ret && call) {
		if (handle)
			grpc_call_close(call);
		else
			grpc_call_put(call);
		call = NULL;
	}
	return call;
}

static int unary_start(struct op *op)
{
	const Nexus__V1__GrpcCall *request = op->request->grpc_call;
	struct grpc_send *state = op->state;
	int ret;

	if (request->content_length > MESSAGE_LIMIT)
		return op_error(op, -EMSGSIZE, "NexusLimitExceeded", "a message of %" PRIu64 " bytes; the limit is %u",
				request->content_length, MESSAGE_LIMIT);
	state->call = call_open(op, request->start, false, &ret);
	if (!state->call)
		return ret;
	state->unary = true;
	state->end = true;
	state->length = request->content_length;
	state->compressed = request->compressed && *state->call->tx_encoding;
	state->call->sender = op;
	grpc_call_send(state->call);
	return 0;
}

static void unary_window(struct op *op)
{
	struct grpc_send *state = op->state;
	struct grpc_call *call = state->call;

	grpc_call_get(call);
	if (call->sender)
		grpc_call_send(call);
	else
		grpc_call_receive(call);
	grpc_call_put(call);
}

static void unary_abort(struct op *op)
{
	struct grpc_send *state = op->state;

	state->call->sender = state->call->receiver = NULL;
	grpc_call_cancel(state->call, GRPC_CANCELLED, "");
	grpc_call_put(state->call);
}

const struct op_type grpc_call_type = {
	.name = "grpc_call",
	.op_case = NEXUS__V1__REQUEST__OP_GRPC_CALL,
	.state_size = sizeof(struct grpc_send),
	.exchange = true,
	.start = unary_start,
	.window = unary_window,
	.abort = unary_abort,
};

static int start_start(struct op *op)
{
	Nexus__V1__GrpcResult *result = op_alloc(op, sizeof(*result));
	struct grpc_call *call;
	int ret;

	call = call_open(op, op->request->grpc_start, true, &ret);
	if (!call)
		return ret;
	nexus__v1__grpc_result__init(result);
	result->handle = call->handle;
	op->response.grpc = result;
	op_finish(op, 0);
	return 0;
}

const struct op_type grpc_start_type = {
	.name = "grpc_start",
	.op_case = NEXUS__V1__REQUEST__OP_GRPC_START,
	.start = start_start,
};

/* ---- what is done with a handle ---- */

static struct grpc_call *call_of(struct op *op, uint32_t handle, int *ret)
{
	struct grpc_call *call = grpc_call_find(op->channel, handle);

	if (!call)
		*ret = op_error(op, -ENOENT, "NexusBadRequest", "no call has handle %u", handle);
	return call;
}

static int send_start(struct op *op)
{
	const Nexus__V1__GrpcSend *request = op->request->grpc_send;
	struct grpc_send *state = op->state;
	int ret;

	state->call = call_of(op, request->handle, &ret);
	if (!state->call)
		return ret;
	if (state->call->sender)
		return op_error(op, -EBUSY, "NexusLimitExceeded", "another message of this call is on its way: wait for it");
	if (state->call->over || state->call->ended)
		return op_error(op, -EPIPE, "NexusBadRequest", state->call->over ? "the call is over" :
				"nothing may follow a message with `end`");
	if (request->content_length > MESSAGE_LIMIT)
		return op_error(op, -EMSGSIZE, "NexusLimitExceeded", "a message of %" PRIu64 " bytes; the limit is %u",
				request->content_length, MESSAGE_LIMIT);
	if (request->end && state->call->server)
		return op_error(op, -EINVAL, "NexusBadRequest", "a server ends its call by finishing it");
	if (request->compressed && !*state->call->tx_encoding)
		return op_error(op, -EINVAL, "NexusBadRequest", "a compressed message of a call without an encoding");
	state->length = request->content_length;
	state->compressed = request->compressed;
	state->empty = request->empty;
	state->end = request->end;
	state->call->sent_headers = true;
	state->call->sender = op;
	grpc_call_send(state->call);
	return 0;
}

static void send_window(struct op *op)
{
	struct grpc_send *state = op->state;

	grpc_call_send(state->call);
}

static void send_abort(struct op *op)
{
	struct grpc_send *state = op->state;

	state->call->sender = NULL;
	if (state->prefix_sent)
		grpc_call_break(state->call);
}

const struct op_type grpc_send_type = {
	.name = "grpc_send",
	.op_case = NEXUS__V1__REQUEST__OP_GRPC_SEND,
	.state_size = sizeof(struct grpc_send),
	.start = send_start,
	.window = send_window,
	.abort = send_abort,
};

static int receive_start(struct op *op)
{
	struct grpc_send *state = op->state;
	int ret;

	state->call = call_of(op, op->request->grpc_receive->handle, &ret);
	if (!state->call)
		return ret;
	if (state->call->receiver)
		return op_error(op, -EBUSY, "NexusLimitExceeded", "somebody else receives from this call: wait for him");
	if (op->request->grpc_receive->max_message)
		state->call->max_message = op->request->grpc_receive->max_message;
	state->call->receiver = op;
	grpc_call_receive(state->call);
	return 0;
}

static void receive_window(struct op *op)
{
	struct grpc_send *state = op->state;

	grpc_call_receive(state->call);
}

static void receive_abort(struct op *op)
{
	struct grpc_send *state = op->state;

	grpc_call_counts(state->call, true);
	state->call->receiver = NULL;
	if (state->call->in_message)
		grpc_call_break(state->call);
}

const struct op_type grpc_receive_type = {
	.name = "grpc_receive",
	.op_case = NEXUS__V1__REQUEST__OP_GRPC_RECEIVE,
	.state_size = sizeof(struct grpc_send),
	.start = receive_start,
	.window = receive_window,
	.abort = receive_abort,
};

static int cancel_start(struct op *op)
{
	const Nexus__V1__GrpcCancel *request = op->request->grpc_cancel;
	struct grpc_call *call;
	int ret;

	call = call_of(op, request->handle, &ret);
	if (!call)
		return ret;
	if (request->close)
		grpc_call_close(call);
	else
		grpc_call_cancel(call, call->server ? GRPC_UNKNOWN : GRPC_CANCELLED,
				 call->server ? "the function cancelled the call" : "Cancelled by the caller");
	op_finish(op, 0);
	return 0;
}

const struct op_type grpc_cancel_type = {
	.name = "grpc_cancel",
	.op_case = NEXUS__V1__REQUEST__OP_GRPC_CANCEL,
	.start = cancel_start,
};

/* ---- calls that come to the guest ---- */

static struct grpc_call *served_of(struct op *op, uint32_t handle, int *ret)
{
	struct grpc_call *call = call_of(op, handle, ret);

	if (!call)
		return NULL;
	if (!call->server) {
		*ret = op_error(op, -EINVAL, "NexusBadRequest", "handle %u is no call that came in", handle);
		return NULL;
	}
	if (call->over || !call->far) {
		*ret = op_error(op, -EPIPE, "NexusBadRequest", "the caller has left");
		return NULL;
	}
	return call;
}

static int headers_start(struct op *op)
{
	const Nexus__V1__GrpcHeaders *request = op->request->grpc_headers;
	struct grpc_metadata metadata = { 0 };
	const char *encoding;
	struct grpc_call *call;
	int ret;

	call = served_of(op, request->handle, &ret);
	if (!call)
		return ret;
	encoding = grpc_encoding(request->encoding, strlen(request->encoding));
	if (!encoding)
		return op_error(op, -EINVAL, "NexusBadRequest", "encoding \"%.32s\": write gzip or deflate", request->encoding);
	if (call->sent_headers)
		return op_error(op, -EINVAL, "NexusBadRequest", "initial metadata were sent already");
	ret = grpc_metadata_take(op, &metadata, request->metadata, request->n_metadata);
	if (ret) {
		grpc_metadata_clear(&metadata);
		return ret;
	}
	call->sent_headers = true;
	call->tx_encoding = encoding;
	call->type->headers(call, &metadata, encoding);
	op_finish(op, 0);
	return 0;
}

const struct op_type grpc_headers_type = {
	.name = "grpc_headers",
	.op_case = NEXUS__V1__REQUEST__OP_GRPC_HEADERS,
	.start = headers_start,
};

static int finish_start(struct op *op)
{
	const Nexus__V1__GrpcFinish *request = op->request->grpc_finish;
	struct grpc_metadata metadata = { 0 };
	struct grpc_call *call;
	int ret;

	call = served_of(op, request->handle, &ret);
	if (!call)
		return ret;
	if (call->sender)
		return op_error(op, -EBUSY, "NexusLimitExceeded", "a message of this call is on its way: wait for it");
	/* As for Respond: what was acknowledged is durable before the caller is told. */
	ret = order_settled(op);
	if (ret)
		return ret;
	ret = grpc_metadata_take(op, &metadata, request->metadata, request->n_metadata);
	if (ret) {
		grpc_metadata_clear(&metadata);
		return ret;
	}
	call->type->finish(call, request->status, request->details, &metadata);
	grpc_call_over(call, GRPC_OK, "");
	/* Whoever waits for the end has it, and the handle is gone; or nobody does. */
	call = grpc_call_find(op->channel, request->handle);
	if (call)
		grpc_call_close(call);
	op_finish(op, 0);
	return 0;
}

const struct op_type grpc_finish_type = {
	.name = "grpc_finish",
	.op_case = NEXUS__V1__REQUEST__OP_GRPC_FINISH,
	.start = finish_start,
};
