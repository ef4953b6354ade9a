// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "prefetch.h"
#include "queue.h"
#include "stream.h"

#define LET_GO_MS	1000	/* the daemon answers a cancel from its loop */
#define GRACE_MS	1000	/* the daemon keeps the time; this side only if it does not */

struct nexus_op *op_new(struct nexus *nx)
{
	CHANNEL_LOCK(nx);
	struct nexus_op *op = nx->spare_ops;
	size_t msg_off = 0;
	uint32_t msg_size = 0;

	if (op) {
		nx->spare_ops = op->next;
		nx->nr_spare_ops--;
		msg_off = op->msg_off;
		msg_size = op->msg_size;
		/* All but `memory`, which is large, and was reset when it was spared. */
		memset(op, 0, offsetof(struct nexus_op, memory));
	} else {
		op = calloc(1, sizeof(*op));
		if (!op)
			return NULL;
	}
	op->nx = nx;
	op->status = -EINPROGRESS;
	op->slot = op->spare_slot = NO_SLOT;
	op->msg_off = msg_off;
	op->msg_size = msg_size;
	op->deadline = FOREVER;
	op->next = nx->ops;
	if (op->next)
		op->next->prev = op;
	nx->ops = op;
	return op;
}

/* Keep it with its message buffer for the next one. */
static void op_recycle(struct nexus_op *op)
{
	struct nexus *nx = op->nx;

	if (op->prev)
		op->prev->next = op->next;
	else
		nx->ops = op->next;
	if (op->next)
		op->next->prev = op->prev;
	bump_reset(&op->memory);
	if (op->msg_size && (op->msg_size != OP_MSG_CAP || nx->nr_spare_ops == OP_SPARES)) {
		channel_free(nx, op->msg_off);
		op->msg_size = 0;
	}
	if (nx->nr_spare_ops == OP_SPARES) {
		free(op);
		return;
	}
	op->next = nx->spare_ops;
	nx->spare_ops = op;
	nx->nr_spare_ops++;
}

void op_spares_trim(struct nexus *nx)
{
	for (struct nexus_op *op = nx->spare_ops; op; op = op->next) {
		if (!op->msg_size || op->msg_off + op->msg_size <= nx->transport->size)
			continue;
		channel_free(nx, op->msg_off);
		op->msg_size = 0;
	}
}

void op_end(struct nexus_op *op, int status)
{
	if (op->ended)
		return;
	op->ended = true;
	op->status = status;
}

int op_fail(struct nexus_op *op, int status, const char *code, const char *fmt, ...)
{
	va_list ap;

	if (op->ended)
		return op->status;
	op->code = code;
	va_start(ap, fmt);
	vsnprintf(op->message, sizeof(op->message), fmt, ap);
	va_end(ap);
	op_end(op, status);
	return status;
}

int op_fail_dead(struct nexus_op *op)
{
	return op_fail(op, op->nx->dead, "NexusConnectionLost", "%s", op->nx->dead_reason);
}

void op_progress(struct nexus_op *op)
{
	if (op->timeout_ms)
		op->deadline = channel_deadline((int64_t)op->timeout_ms + GRACE_MS);
}

void op_acknowledge(struct nexus_op *op)
{
	uint32_t flags = nexus_load(&op->nx->header->host_flags);

	if (!op->deferred || op->ended || flags & NEXUS_HOST_THROUGH)
		return;
	op->acknowledged = true;
	op->nx->written = channel_now();
	op->nx->held_write = op->hold;
	op_end(op, 0);
}

void op_kick(struct nexus_op *op)
{
	if (op->hold)
		queue_hold(op->nx);
	else
		queue_kick(op->nx);
}

/* An acknowledged write failed: only a flush can tell now. */
static void op_lost(struct nexus_op *op, int status)
{
	struct write_failure *f = &op->nx->failure;
	const Nexus__V1__Error *e = op->failure ? op->failure->error : op->response ? op->response->error : NULL;

	if (f->status)
		return;
	f->status = status;
	snprintf(f->code, sizeof(f->code), "%s", e && *e->code ? e->code : "NexusConnectionLost");
	snprintf(f->message, sizeof(f->message), "the deferred write of s3://%s failed: %.100s", op->target,
		 e && *e->message ? e->message : op->nx->dead ? op->nx->dead_reason : strerror(-status));
}

/* This process's own failures come first: the daemon that saw them may have died. */
static void op_complete_flush(struct nexus_op *op)
{
	struct write_failure *f = &op->nx->failure;

	if (!f->status || op->ended)
		return;
	op_fail(op, f->status, "", "%s", f->message);
	snprintf(op->target, sizeof(op->target), "%s", f->code);
	op->code = op->target;
	f->status = 0;
}

static void op_complete_direct(struct nexus_op *op, const struct completion *c)
{
	result_take(op, c);
	op->moved = c->data_len;
	op->closed = !c->more;
	if (op->flush)
		op_complete_flush(op);
	if (c->more && op->upload) {
		op_fail(op, -EPROTO, "NexusInternal", "the host wants more than the %llu bytes it was sent",
			(unsigned long long)op->data_len);
		op_cancel(op);
	} else if (c->more) {
		op_fail(op, -EFBIG, "NexusGuestBuffer", "the object has %llu bytes, the buffer %llu",
			(unsigned long long)result_length(op), (unsigned long long)op->data_len);
		op_cancel(op);
	} else {
		op_end(op, c->status);
	}
}

void op_complete(struct nexus_op *op, struct window *w, const struct completion *c)
{
	struct nexus *nx = op->nx;

	if (nx->dead)
		op_fail_dead(op);
	if (c->slot == nx->cancel_slot) {
		op->closed = true;
		op_end(op, -ECANCELED);
	} else if (op->mode == OP_DIRECT) {
		op_complete_direct(op, c);
	} else {
		if (c->slot != op->slot) {
			if (op->spare_slot == NO_SLOT)
				op->spare_slot = c->slot;
			else
				queue_slot_free(nx, c->slot);
		}
		if (op->upload)
			upload_complete(op, w, c);
		else
			download_complete(op, w, c);
	}
	if (op->acknowledged && op->closed) {
		op->acknowledged = false;
		if (c->status < 0 || op->cancelled)
			op_lost(op, op->cancelled ? -EPROTO : c->status);
	}
	op_settle(op);
}

static void op_forget_cancel(struct nexus_op *op)
{
	for (struct nexus_op **p = &op->nx->cancels; *p; p = &(*p)->next_cancel) {
		if (*p == op) {
			*p = op->next_cancel;
			return;
		}
	}
}

void op_settle(struct nexus_op *op)
{
	struct nexus *nx = op->nx;

	if (!op->ended || op->in_flight || (op->started && !op->closed && !nx->dead))
		return;
	if (op->cancelled)
		op_forget_cancel(op);
	prefetch_write_end(op);
	if (op->pinned)
		arena_unpin(&nx->arena, op->pinned);
	op->pinned = NULL;
	queue_slot_free(nx, op->slot);
	queue_slot_free(nx, op->spare_slot);
	op->slot = op->spare_slot = NO_SLOT;
	stream_release(op);
	if (op->released)
		op_recycle(op);
}

void op_cancel(struct nexus_op *op)
{
	struct nexus_op **p = &op->nx->cancels;

	if (!op->started || op->closed || op->cancelled || op->nx->dead)
		return;
	op->cancelled = true;
	op->next_cancel = NULL;
	while (*p)
		p = &(*p)->next_cancel;
	*p = op;
	queue_cancel_next(op->nx);
}

static bool op_idle(void *arg)
{
	struct nexus_op *op = arg;

	return op->ended && !op->in_flight;
}

int op_expire(struct nexus_op *op)
{
	op_fail(op, -ETIMEDOUT, "NexusTimeout", "no answer from the host in time");
	op_cancel(op);
	queue_wait(op->nx, op_idle, op, channel_deadline(LET_GO_MS));
	op_settle(op);
	return op->status;
}

static bool op_ended(void *arg)
{
	return ((struct nexus_op *)arg)->ended;
}

int op_finish(struct nexus_op *op)
{
	struct nexus *nx = op->nx;

	for (;;) {
		int ret;

		if (op->pumped)
			stream_pump(op);
		CHANNEL_LOCK(nx);
		ret = queue_wait(nx, op->pumped ? stream_is_ready : op_ended, op, op->deadline);
		if (op->ended)
			return op->status;
		if (ret)
			return op_expire(op);
	}
}

int op_return(struct nexus_op *op, struct nexus_op **out, int ret)
{
	if (out)
		*out = op;
	else
		nexus_op_free(op);
	return ret;
}

void op_detach(struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);
	op->released = true;
	op_settle(op);
}

int nexus_op_cancel(struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);

	if (!op->started)
		op_fail(op, -ECANCELED, "NexusCanceled", "cancelled before it was sent");
	if (!op->acknowledged)
		op_cancel(op);
	op_settle(op);
	return 0;
}

void op_drop(struct nexus_op *op)
{
	if (!op->acknowledged)
		op_cancel(op);
	op_end(op, -ECANCELED);
	if (op->held)
		op->held->state = WINDOW_IDLE;
	op->held = NULL;
	op->released = true;
	op_settle(op);
}

void nexus_op_free(struct nexus_op *op)
{
	if (!op)
		return;

	CHANNEL_LOCK(op->nx);
	op_drop(op);
}
