// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <string.h>
#include "queue.h"
#include "stream.h"

void upload_complete(struct nexus_op *op, struct window *w, const struct completion *c)
{
	w->state = WINDOW_IDLE;
	w->sends = false;	/* an exchange may receive into it later */
	if (op->closed)
		return;
	op->moved += c->data_len;
	if (c->more) {
		op_progress(op);
		if (op->queued == op->total && !op->in_flight) {
			op_fail(op, -EPROTO, "NexusInternal", "the host wants more than the %llu bytes it was sent",
				(unsigned long long)op->total);
			op_cancel(op);
		}
		return;
	}
	result_take(op, c);
	op->closed = true;
	if (!c->status && op->queued < op->total)
		op_fail(op, -EPROTO, "NexusInternal", "the host ended the upload after %llu bytes of %llu",
			(unsigned long long)op->queued, (unsigned long long)op->total);
	op_end(op, c->status);
}

int upload_take(struct nexus_op *op)
{
	if (op->nx->dead)
		op_fail_dead(op);
	if (op->ended)
		return op->status ? op->status : -EPIPE;
	if (op->held)
		return 0;
	if (op->started && !stream_has_slot(op))
		return -EAGAIN;
	for (struct window *w = op->windows; w < op->windows + OP_WINDOWS; w++) {
		if (w->state == WINDOW_ABSENT && !stream_add(op))
			break;
		if (w->state != WINDOW_IDLE)
			continue;
		w->state = WINDOW_HELD;
		op->held = w;
		op->pos = 0;
		stream_reserve(op);
		return 0;
	}
	return -EAGAIN;
}

void upload_send(struct nexus_op *op)
{
	struct window *w = op->held;
	uint64_t len = op->pos;
	bool fin = op->chunked ? op->finishing : op->queued + len == op->total;
	bool whole = fin && !op->started;	/* a daemon that takes over has it all */

	op->held = NULL;
	op->pos = 0;
	w->sends = op->exchange && !fin;
	/* All of it is room for what comes back, but where its length tells how much is sent. */
	if (op->exchange && fin && !op->chunked)
		len = w->cap;
	if (op->ended) {
		w->state = WINDOW_IDLE;
		op_settle(op);
	} else if (op->started) {
		stream_submit(op, w, len, fin);
	} else {
		w->state = WINDOW_QUEUED;
		op->queued += len;
		op_submit(op, w, w->off, len, fin);
	}
	if (op->exchange && fin && !op->ended)
		exchange_turn(op, w, len);
	op_kick(op);
	if (whole)
		op_acknowledge(op);
}

/* Bytes that the held window can still take. */
static size_t upload_room(const struct nexus_op *op)
{
	uint64_t left = op->total - op->queued;

	return (left < op->held->cap ? left : op->held->cap) - op->pos;
}

void upload_pump(struct nexus_op *op)
{
	for (;;) {
		{
			CHANNEL_LOCK(op->nx);
			if (op->ended || op->queued == op->total || upload_take(op))
				return;
		}
		op->pos = upload_room(op);
		memcpy(channel_at(op->nx, op->held->off), op->buf + op->queued, op->pos);
		CHANNEL_LOCK(op->nx);
		op->nx->copied += op->pos;
		upload_send(op);
	}
}

static bool upload_is_stream(const struct nexus_op *op)
{
	return op->mode == OP_UPLOAD && !op->pumped;
}

/* Why it takes no more; nx->lock held. */
static int upload_refuse(const struct nexus_op *op)
{
	return op->ended && op->status < 0 ? op->status : -EINVAL;
}

int nexus_write_window(struct nexus_op *op, void **data, size_t *cap)
{
	CHANNEL_LOCK(op->nx);
	int ret;

	if (!upload_is_stream(op) || op->queued == op->total)
		return upload_refuse(op);
	while ((ret = upload_take(op)) == -EAGAIN && !op->ended)
		if (queue_wait(op->nx, stream_is_ready, op, op->deadline))
			return op_expire(op);
	if (ret)
		return ret;
	*data = (char *)channel_at(op->nx, op->held->off) + op->pos;
	*cap = upload_room(op);
	return 0;
}

int nexus_write_commit(struct nexus_op *op, size_t n)
{
	CHANNEL_LOCK(op->nx);

	if (!upload_is_stream(op) || !op->held || n > upload_room(op))
		return upload_refuse(op);
	op->pos += n;
	if (op->pos)
		upload_send(op);
	return op->ended && op->status < 0 ? op->status : 0;
}

ssize_t nexus_write(struct nexus_op *op, const void *src, size_t n)
{
	size_t done = 0;

	if (!upload_is_stream(op) || n > op->total - op->queued - op->pos) {
		CHANNEL_LOCK(op->nx);
		return upload_refuse(op);
	}
	while (done < n) {
		size_t cap;
		void *data;
		int ret;

		ret = nexus_write_window(op, &data, &cap);
		if (ret)
			return ret;
		if (cap > n - done)
			cap = n - done;
		memcpy(data, (const char *)src + done, cap);
		__atomic_fetch_add(&op->nx->copied, cap, __ATOMIC_RELAXED);
		done += cap;
		CHANNEL_LOCK(op->nx);
		op->pos += cap;
		if (!upload_room(op))
			upload_send(op);
	}
	return done;
}

/* The length is known now: what is held, or an empty window, goes as the last. nx->lock held. */
static void upload_last(struct nexus_op *op)
{
	int ret;

	while ((ret = upload_take(op)) == -EAGAIN && !op->ended)
		if (queue_wait(op->nx, stream_is_ready, op, op->deadline)) {
			op_expire(op);
			return;
		}
	if (ret)
		return;
	op->total = op->queued + op->pos;
	upload_send(op);
}

int nexus_finish_start(struct nexus_op *op)
{
	if (op->exchange)
		return exchange_send_end(op);

	CHANNEL_LOCK(op->nx);
	if (!upload_is_stream(op))
		return upload_refuse(op);
	if (!op->ended && op->nx->dead)
		op_fail_dead(op);
	if (!op->ended && op->total == NEXUS_LENGTH_UNKNOWN)
		upload_last(op);
	if (!op->ended && op->queued < op->total) {
		op_fail(op, -EINVAL, "NexusBadRequest", "finished after %llu bytes of %llu",
			(unsigned long long)(op->queued + op->pos), (unsigned long long)op->total);
		op_cancel(op);
		op_settle(op);
	}
	if (!op->started && !op->ended && !upload_take(op))
		upload_send(op);	/* empty: the request is all there is */
	return op->ended && op->status < 0 ? op->status : 0;
}

int nexus_finish(struct nexus_op *op)
{
	int ret = nexus_finish_start(op);

	if (op->exchange)
		return ret ? ret : exchange_finish(op);
	return ret ? ret : op_finish(op);
}
