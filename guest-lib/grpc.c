// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* gRPC: a call of one message each way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "grpc.h"
#include "stream.h"

#define MAX_FIELDS	128
#define MAX_MESSAGE	(4U << 20)
#define WINDOW_MSG	4096U	/* trailing metadata behind an answer of several windows */
#define WINDOW_SMALL	(32U << 10)
#define WINDOW_LARGE	(256U << 10)
#define WAIT_SLICE_MS	100	/* after which one asks whether to go on */

enum { CANCELLED = 1, DEADLINE_EXCEEDED = 4, PERMISSION_DENIED = 7, RESOURCE_EXHAUSTED = 8, UNIMPLEMENTED = 12,
       INTERNAL = 13, UNAVAILABLE = 14 };

static int status_of(int ret)
{
	switch (ret) {
	case -EACCES:
		return PERMISSION_DENIED;
	case -ETIMEDOUT:
		return DEADLINE_EXCEEDED;
	case -ECANCELED:
		return CANCELLED;
	case -EBUSY:
	case -EMSGSIZE:
	case -EFBIG:
	case -ENOMEM:
	case -ENOSPC:
	case -E2BIG:
		return RESOURCE_EXHAUSTED;
	case -EINVAL:
	case -EPROTO:
		return INTERNAL;
	case -ENOTSUP:
		return UNIMPLEMENTED;
	default:
		return UNAVAILABLE;
	}
}

void grpc_reply_fail(struct nexus_grpc_reply *reply, int ret, const char *details)
{
	*reply = (struct nexus_grpc_reply){
		.kind = NEXUS_GRPC_END, .status = status_of(ret), .details = details, .message = "", .encoding = "",
	};
}

int grpc_metadata(struct nexus_op *op, const struct nexus_grpc_field *fields, size_t nr,
		  Nexus__V1__GrpcField ***list)
{
	Nexus__V1__GrpcField *to;

	if (nr > MAX_FIELDS)
		return op_fail(op, -E2BIG, "NexusBadRequest", "%zu pieces of metadata; the limit is %d", nr, MAX_FIELDS);
	to = op_alloc(op, nr * sizeof(*to));
	*list = to ? op_alloc(op, nr * sizeof(**list)) : NULL;
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		if (!fields[i].name || (!fields[i].value && fields[i].len))
			return op_fail(op, -EINVAL, "NexusBadRequest", "metadata %zu has no name or no value", i);
		nexus__v1__grpc_field__init(&to[i]);
		to[i].name = (char *)fields[i].name;
		to[i].value.data = (uint8_t *)fields[i].value;
		to[i].value.len = fields[i].len;
		(*list)[i] = &to[i];
	}
	return 0;
}

int grpc_options(struct nexus_grpc *options, const struct nexus_grpc *from)
{
	*options = (struct nexus_grpc)NEXUS_GRPC_INIT;
	if (from->size < offsetof(struct nexus_grpc, tls) || from->size > sizeof(*options))
		return -EINVAL;
	memcpy(options, from, from->size);
	return 0;
}

int grpc_start_fill(struct nexus_op *op, Nexus__V1__GrpcStart *start, const struct nexus_grpc *call,
		    struct nexus_grpc *options)
{
	if (grpc_options(options, call))
		return op_fail(op, -EINVAL, "NexusBadRequest", "a call of size %zu: use NEXUS_GRPC_INIT", call->size);
	start->target = op_text(options->target);
	start->method = op_text(options->method);
	start->tls = options->tls;
	start->timeout_ms = options->timeout_ms;
	start->max_message = options->max_message;
	start->encoding = op_text(options->encoding);
	start->takes_compressed = options->takes_compressed;
	start->authority = op_text(options->authority);
	start->user_agent = op_text(options->user_agent);
	return grpc_metadata(op, options->metadata, start->n_metadata = options->nr_metadata, &start->metadata);
}

struct nexus_grpc_field *grpc_fields(struct nexus_op *op, Nexus__V1__GrpcField *const *list, size_t nr)
{
	struct nexus_grpc_field *fields = bump_alloc(&op->memory, nr * sizeof(*fields) + 1);

	for (size_t i = 0; fields && i < nr; i++) {
		fields[i].name = list[i]->name;
		fields[i].value = list[i]->value.len ? (const void *)list[i]->value.data : "";
		fields[i].len = list[i]->value.len;
	}
	return fields;
}

/* ---- what came ---- */

/* All of the message, in one piece. */
static int reply_message(struct grpc_reply *reply)
{
	const void *data = "";
	ssize_t n = nexus_read_window(reply->op, &data);
	uint64_t total = nexus_op_content_length(reply->op);

	if (n < 0)
		return n;
	if ((uint64_t)n > total)
		return -EPROTO;
	reply->public.message = data;
	reply->public.message_len = total;
	if ((uint64_t)n == total)
		return 0;
	reply->copy = malloc(total);
	if (!reply->copy)
		return -ENOMEM;
	memcpy(reply->copy, data, n);
	reply->public.message = reply->copy;
	while ((uint64_t)n < total) {
		ssize_t more = nexus_read(reply->op, reply->copy + n, total - n);

		if (more <= 0)
			return more ? more : -EPROTO;
		n += more;
	}
	return 0;
}

/* The operation's end comes after its last byte: GrpcCall's tells the status there. */
static int reply_end(struct nexus_op *op)
{
	const void *data;
	ssize_t n = nexus_read_window(op, &data);

	return n > 0 ? -EPROTO : n;
}

static int reply_fill(struct grpc_reply *reply)
{
	struct nexus_grpc_reply *to = &reply->public;
	struct nexus_op *op = reply->op;
	const Nexus__V1__GrpcResult *first, *from;
	CHANNEL_LOCK(op->nx);

	first = result_response(op) ? op->response->grpc : NULL;
	from = op->failure && op->failure->grpc ? op->failure->grpc : first;
	if (!first)
		return -EPROTO;
	to->kind = (enum nexus_grpc_kind)from->kind;
	to->status = from->status;
	to->details = from->details;
	to->initial = grpc_fields(op, first->initial, to->nr_initial = first->n_initial);
	to->trailing = grpc_fields(op, from->trailing, to->nr_trailing = from->n_trailing);
	to->has_message = op->exchange && !from->status;
	to->encoding = *from->encoding ? from->encoding : first->encoding;
	return to->initial && to->trailing ? 0 : -ENOMEM;
}

struct grpc_reply *grpc_reply_take(struct nexus_op *op, int ret)
{
	struct grpc_reply *reply = calloc(1, sizeof(*reply));

	if (!reply) {
		nexus_op_free(op);
		return NULL;
	}
	reply->op = op;
	reply->public.message = reply->public.encoding = "";
	if (!ret)
		ret = reply_message(reply);
	/* The window with the message is held until the reply goes; a further one would give it back. */
	if (!ret && reply->copy)
		ret = reply_end(op);
	if (!ret)
		ret = reply_fill(reply);
	if (ret)
		grpc_reply_fail(&reply->public, ret, nexus_op_status(op) < 0 ? nexus_op_error_message(op) : strerror(-ret));
	return reply;
}

void nexus_grpc_reply_free(struct nexus_grpc_reply *public)
{
	struct grpc_reply *reply = (struct grpc_reply *)public;

	if (!reply || reply->kept)
		return;
	nexus_op_free(reply->op);
	free(reply->copy);
	free(reply);
}

/* ---- the call ---- */

int grpc_wait(struct nexus_op *op, int (*interrupted)(void *arg), void *arg)
{
	while (interrupted && nexus_op_wait(op, WAIT_SLICE_MS) == -ETIMEDOUT) {
		if (interrupted(arg))
			return -EINTR;
	}
	return 0;
}

int nexus_grpc_call(struct nexus *nx, const struct nexus_grpc *call, const void *message, size_t len,
		    struct nexus_grpc_reply **out)
{
	struct op_payload payload = { .upload = true, .exchange = true, .stream = true, .len = len };
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__GrpcCall grpc = NEXUS__V1__GRPC_CALL__INIT;
	Nexus__V1__GrpcStart start = NEXUS__V1__GRPC_START__INIT;
	struct nexus_options options = NEXUS_OPTIONS_INIT;
	struct nexus_op *op = op_new(nx);
	struct grpc_reply *reply;
	struct nexus_grpc o;
	ssize_t ret;

	if (!op)
		return -ENOMEM;
	ret = grpc_start_fill(op, &start, call, &o);
	if (!ret) {
		options.timeout_ms = o.timeout_ms && o.timeout_ms < GRPC_FOREVER_MS - GRPC_GRACE_MS ?
				     o.timeout_ms + GRPC_GRACE_MS : GRPC_FOREVER_MS;
		options.window = len < WINDOW_SMALL ? WINDOW_SMALL : WINDOW_LARGE;
		op->answer_cap = NEXUS_MSG_MAX;
		op->window_msg = WINDOW_MSG;
		op->split = true;
		grpc.start = &start;
		grpc.content_length = len;
		grpc.compressed = o.compressed;
		req.op_case = NEXUS__V1__REQUEST__OP_GRPC_CALL;
		req.grpc_call = &grpc;
		op_start(op, &req, &payload, &options, true);
		ret = len ? nexus_write(op, message, len) : 0;
		if (ret >= 0)
			ret = exchange_send_end(op);
		if (ret >= 0 && grpc_wait(op, o.interrupted, o.interrupted_arg)) {
			nexus_op_cancel(op);
			nexus_op_free(op);
			return -EINTR;
		}
		ret = ret < 0 ? ret : nexus_finish(op);
	}
	reply = grpc_reply_take(op, ret);
	if (!reply)
		return -ENOMEM;
	*out = &reply->public;
	return 0;
}
