// SPDX-License-Identifier: GPL-2.0-only
/* The worker's side of calls that come in: the far side of the guest's handle is a link. */
#include <stdlib.h>
#include <string.h>
#include "channel.h"
#include "function.h"
#include "grpc_call.h"
#include "grpc_link.h"
#include "next.h"
#include "op.h"
#include "worker.h"

/* The invocation that the call is has ended, well or because the caller left; if it has not already. */
static void served_end(struct grpc_call *call)
{
	struct invocation *inv;

	inv = call->dying ? NULL : instance_invocation(call->channel, call->invocation);
	if (!inv)
		return;
	instance_release(inv);
	invocation_end(inv, INVOCATION_ANSWERED);
	invocation_put(inv);
}

static size_t served_write(struct grpc_call *call, const void *data, size_t len)
{
	struct grpc_link *link = call->far;
	uint32_t n;

	pthread_mutex_lock(&link->lock);
	n = grpc_bytes_add(&link->tx, data, len);
	link->wants_room = n < len;
	grpc_link_post_ingress(link);
	pthread_mutex_unlock(&link->lock);
	return n;
}

static void served_consumed(struct grpc_call *call, size_t len)
{
	struct grpc_link *link = call->far;

	pthread_mutex_lock(&link->lock);
	link->consumed += len;
	grpc_link_post_ingress(link);
	pthread_mutex_unlock(&link->lock);
}

static void served_headers(struct grpc_call *call, struct grpc_metadata *metadata, const char *encoding)
{
	struct grpc_link *link = call->far;

	pthread_mutex_lock(&link->lock);
	link->has_headers = true;
	link->headers = *metadata;
	link->tx_encoding = encoding;
	grpc_link_post_ingress(link);
	pthread_mutex_unlock(&link->lock);
}

static void served_finish(struct grpc_call *call, unsigned int status, const char *details,
			  struct grpc_metadata *metadata)
{
	struct grpc_link *link = call->far;

	pthread_mutex_lock(&link->lock);
	link->finished = true;
	link->status = status;
	link->details = strndup(details, GRPC_DETAILS_MAX);
	link->trailing = *metadata;
	grpc_link_post_ingress(link);
	pthread_mutex_unlock(&link->lock);
	served_end(call);
}

static void served_leave(struct grpc_call *call)
{
	struct grpc_link *link = call->far;

	pthread_mutex_lock(&link->lock);
	link->worker = NULL;
	pthread_mutex_unlock(&link->lock);
	link->call = NULL;
	grpc_link_put(link);
}

static const struct grpc_far_type served_type = {
	.write = served_write,
	.consumed = served_consumed,
	.leave = served_leave,
	.headers = served_headers,
	.finish = served_finish,
};

/* The caller is gone: the guest learns it as the call's end. */
static void served_gone(struct grpc_link *link, enum grpc_status status)
{
	struct grpc_call *call = link->call;

	served_end(call);
	grpc_call_cancel(call, status, status == GRPC_CANCELLED ? "the caller has left" : "the deadline has passed");
}

void grpc_served_look(void *arg)
{
	struct grpc_link *link = arg;
	struct grpc_call *call;
	struct grpc_bytes rx;
	bool half_closed, gone, room, good = true;

	pthread_mutex_lock(&link->lock);
	link->worker_posted = false;
	rx = link->rx;
	link->rx = (struct grpc_bytes){ 0 };
	half_closed = link->half_closed;
	gone = link->gone;
	room = link->wants_room && link->tx.len < link->tx.cap;
	link->wants_room &= !room;
	pthread_mutex_unlock(&link->lock);

	call = link->call;
	if (call) {
		grpc_call_get(call);
		if (rx.len)
			good = grpc_call_data(call, rx.data, rx.len);
		if (link->call && !good)
			grpc_call_cancel(call, GRPC_RESOURCE_EXHAUSTED, "the host has not enough memory");
		if (link->call && half_closed && !call->half_closed)
			grpc_call_half_close(call);
		if (link->call && room)
			grpc_call_room(call);
		if (link->call && gone)
			served_gone(link, link->gone_status);
		grpc_call_put(call);
	}
	free(rx.data);
	grpc_link_put(link);
}

/* Until the caller's deadline: at least 1 ms; and, as two loops' clocks are read at other times, no more than he said. */
static uint32_t served_time_left(const struct grpc_link *link, uint64_t now)
{
	uint64_t left = link->deadline_ms > now ? link->deadline_ms - now : 1;

	if (left > link->timeout_ms)
		left = link->timeout_ms;
	return left < UINT32_MAX ? left : UINT32_MAX;
}

Nexus__V1__GrpcIncoming *grpc_served_take(struct op *op, struct invocation *inv)
{
	Nexus__V1__GrpcIncoming *in = op_alloc(op, sizeof(*in));
	uint64_t now = loop_now_ms(op->worker->loop);
	struct grpc_link *link = inv->grpc;
	struct grpc_call *call = grpc_call_new(op->worker, op->channel);

	nexus__v1__grpc_incoming__init(in);
	counter_add(&op->worker->counters.grpc_served, 1);
	in->method = op_strdup(op, link->method);
	in->authority = op_strdup(op, link->authority);
	in->peer = op_strdup(op, link->peer);
	in->n_metadata = link->metadata.nr;
	in->metadata = grpc_metadata_give(op, &link->metadata);
	in->encoding = op_strdup(op, link->encoding);
	in->accept_encoding = op_strdup(op, link->accept_encoding ? link->accept_encoding : "");
	if (link->timeout_ms)
		in->timeout_ms = served_time_left(link, now);
	if (call)
		call->invocation = strdup(inv->id);
	pthread_mutex_lock(&link->lock);
	if (call && call->invocation) {
		in->handle = call->handle;
		call->server = true;
		call->rx_encoding = link->encoding;
		call->takes_compressed = true;		/* or the guest's library says that it does not */
		call->type = &served_type;
		call->far = grpc_link_get(link);
		link->call = call;
		link->worker = op->worker;
		grpc_link_post_worker(link);
	} else {
		/* The guest finds a handle that is none. */
		link->finished = link->refused = true;
		link->status = GRPC_RESOURCE_EXHAUSTED;
		grpc_link_post_ingress(link);
	}
	pthread_mutex_unlock(&link->lock);
	return in;
}
