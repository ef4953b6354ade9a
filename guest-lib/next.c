// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A function's instance: the next event. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "grpc.h"
#include "prefetch.h"
#include "queue.h"
#include "stream.h"

#define EVENT_WINDOW	(64U << 10)	/* larger events are copied together */
#define EVENT_MAX	(64U << 20)	/* bytes; the daemon's own limit is far below */
#define LENT_WINDOW	(256U << 10)

/* What the caller sees, and what it lives in. */
struct event {
	struct nexus_event public;
	struct nexus_grpc_incoming grpc;
	struct nexus_op *op;		/* holds the strings, and the window of a small payload */
	char *copy;			/* of a large one */
};

static int next_options(struct nexus_next_options *o, const struct nexus_next_options *from)
{
	*o = (struct nexus_next_options)NEXUS_NEXT_OPTIONS_INIT;
	if (!from)
		return 0;
	if (from->size < sizeof(from->size) || from->size > sizeof(*o))
		return -EINVAL;
	memcpy(o, from, from->size);
	return o->prefetches > NEXUS_LEND_MAX ? -EINVAL : 0;
}

/* ---- lent windows ---- */

static struct nexus_op *lend_start(struct nexus *nx, uint32_t window)
{
	struct nexus_options options = { .size = sizeof(options), .window = window };
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__Lend lend = NEXUS__V1__LEND__INIT;
	struct nexus_op *op = op_new(nx);

	if (!op)
		return NULL;
	req.op_case = NEXUS__V1__REQUEST__OP_LEND;
	req.lend = &lend;
	op->hold = true;	/* the NEXT follows ... */
	op->quiet = true;	/* ... and what it brings comes first */
	op_start(op, &req, &(struct op_payload){ .stream = true }, &options, false);
	if (!op->ended)
		return op;
	nexus_op_free(op);
	return NULL;
}

/* As many as were asked for, if there is room; those that the daemon gave back are of no use. */
static void lend_windows(struct nexus *nx, const struct nexus_next_options *o)
{
	for (unsigned int i = 0; i < NEXUS_LEND_MAX; i++) {
		bool over = i >= o->prefetches;

		if (nx->lent[i] && (over || nx->lent[i]->closed || nx->lent[i]->ended)) {
			nexus_op_free(nx->lent[i]);
			nx->lent[i] = NULL;
		}
		if (!over && !nx->lent[i])
			nx->lent[i] = lend_start(nx, o->prefetch_window ? o->prefetch_window : LENT_WINDOW);
	}
}

/* The daemon fetches something into a lent window: from now on it is a prefetch. nx->lock held. */
static void lend_take(struct nexus *nx, const Nexus__V1__Fetching *f)
{
	struct prefetch what = {
		.range = "", .if_match = f->if_match, .version_id = f->version_id, .expires = FOREVER,
	};

	if (!f->object)
		return;
	what.bucket = f->object->bucket;
	what.key = f->object->key;
	for (unsigned int i = 0; i < NEXUS_LEND_MAX; i++) {
		struct nexus_op *op = nx->lent[i];

		if (!op || op->slot != f->slot)
			continue;
		nx->lent[i] = NULL;
		if (prefetch_add(op, &what))
			op_drop(op);
		return;
	}
}

/* ---- the event ---- */

static struct nexus_op *next_start(struct nexus *nx, const struct nexus_next_options *o)
{
	struct nexus_options options = { .size = sizeof(options), .window = o->window ? o->window : EVENT_WINDOW };
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__Next next = NEXUS__V1__NEXT__INIT;
	struct nexus_op *op = op_new(nx);

	if (!op)
		return NULL;
	options.timeout_ms = o->timeout_ms;
	op->answer_cap = NEXUS_MSG_MAX;
	op->hold = true;	/* it is waited for at once */
	req.op_case = NEXUS__V1__REQUEST__OP_NEXT;
	req.next = &next;
	op_start(op, &req, &(struct op_payload){ .stream = true }, &options, true);
	return op;
}

/* The way an instance spends its time: how its last answer and writes ended is nothing to wake it for. */
static void event_wait(struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);

	queue_wait_quiet(op->nx, stream_is_ready, op, op->deadline);
}

/* All of the payload, in one piece. */
static int event_payload(struct event *e)
{
	const void *data = "";
	uint64_t total;
	ssize_t n;

	event_wait(e->op);
	n = nexus_read_window(e->op, &data);
	if (n < 0)
		return n;
	total = nexus_op_content_length(e->op);
	if (total > EVENT_MAX || (uint64_t)n > total)
		return -EPROTO;
	e->public.payload = data;
	e->public.payload_len = total;
	if ((uint64_t)n == total)
		return 0;
	e->copy = malloc(total);
	if (!e->copy)
		return -ENOMEM;
	memcpy(e->copy, data, n);
	e->public.payload = e->copy;
	while ((uint64_t)n < total) {
		ssize_t more = nexus_read(e->op, e->copy + n, total - n);

		if (more <= 0)
			return more ? more : -EPROTO;
		n += more;
	}
	return 0;
}

static int event_grpc(struct event *e, const Nexus__V1__GrpcIncoming *from)
{
	e->grpc = (struct nexus_grpc_incoming){
		.method = from->method, .authority = from->authority, .peer = from->peer,
		.timeout_ms = from->timeout_ms, .handle = from->handle, .nr_metadata = from->n_metadata,
		.metadata = grpc_fields(e->op, from->metadata, from->n_metadata),
	};
	e->public.grpc = &e->grpc;
	e->grpc.encoding = from->encoding;
	e->grpc.accept_encoding = from->accept_encoding;
	return e->grpc.metadata ? 0 : -ENOMEM;
}

static int event_fill(struct event *e)
{
	struct nexus_event *to = &e->public;
	CHANNEL_LOCK(e->op->nx);
	const Nexus__V1__Invocation *from = result_response(e->op) ? e->op->response->invocation : NULL;
	struct nexus *nx = e->op->nx;

	if (!from)
		return -EPROTO;
	to->request_id = from->request_id;
	to->function_name = from->function_name;
	to->function_arn = from->function_arn;
	to->trace_id = from->trace_id;
	to->client_context = from->client_context;
	to->content_type = from->content_type;
	to->deadline_ms = from->deadline_ms;
	to->remaining_ms = from->remaining_ms;
	to->max_response = from->max_response;
	to->restore_generation = from->restore_generation;
	if (from->entropy.len == sizeof(to->entropy))
		memcpy(to->entropy, from->entropy.data, sizeof(to->entropy));
	for (size_t i = 0; i < from->n_fetching; i++)
		lend_take(nx, from->fetching[i]);
	/* Calls may be many at a time, and keep their deadlines themselves. */
	if (from->grpc)
		return event_grpc(e, from->grpc);
	prefetch_invocation(nx, true, channel_deadline(from->remaining_ms));
	return 0;
}

/* Before the function sees the event: what it draws from its kernel then is its own. */
static void next_reseed(struct nexus *nx, const struct nexus_event *event)
{
	bool same;

	{
		CHANNEL_LOCK(nx);
		same = nx->generation == event->restore_generation;
		nx->generation = event->restore_generation;
	}
	if (!same && nx->transport->ops->reseed)
		nx->transport->ops->reseed(nx->transport, event->entropy, sizeof(event->entropy),
					   event->deadline_ms - event->remaining_ms);
}

void nexus_event_free(struct nexus_event *event)
{
	struct event *e = (struct event *)event;

	if (!e)
		return;
	nexus_op_free(e->op);
	free(e->copy);
	free(e);
}

static int next_once(struct nexus *nx, const struct nexus_next_options *o, struct event **out)
{
	struct event *e = calloc(1, sizeof(*e));
	int ret;

	if (!e)
		return -ENOMEM;
	e->op = next_start(nx, o);
	ret = e->op ? event_payload(e) : -ENOMEM;
	if (!ret)
		ret = event_fill(e);
	if (ret)
		nexus_event_free(&e->public);
	else
		*out = e;
	return ret;
}

int nexus_next(struct nexus *nx, const struct nexus_next_options *options, struct nexus_event **event)
{
	struct nexus_next_options o;
	struct event *e;
	int ret = next_options(&o, options);

	if (ret)
		return ret;
	{
		CHANNEL_LOCK(nx);
		prefetch_invocation(nx, false, 0);
	}
	do {
		lend_windows(nx, &o);
		ret = next_once(nx, &o, &e);
		/* A daemon that restarted in the middle of an event: nobody waits for the answer any more. */
	} while (ret == -ECONNRESET && !nx->dead);
	if (ret)
		return ret;
	next_reseed(nx, &e->public);
	*event = &e->public;
	return 0;
}
