// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <string.h>
#include "prefetch.h"
#include "queue.h"
#include "resume.h"
#include "stream.h"

void download_complete(struct nexus_op *op, struct window *w, const struct completion *c)
{
	if (op->closed || op->resuming) {
		/* It was queued behind the end. */
		w->state = WINDOW_IDLE;
		resume_go_on(op);
		return;
	}
	if (w->sends) {
		exchange_sent(op, w, c);
		return;
	}
	if (prefetch_again(op, w, c) || (!c->more && resume_begin(op, w, c)))
		return;
	result_take(op, c);
	w->state = WINDOW_FULL;
	w->len = c->data_len;
	w->last = !c->more;
	if (c->more) {
		op->resumes = 0;
		op_progress(op);
		return;
	}
	op->closed = true;
	op->host_status = c->status;
}

/* Queue what is idle, and more windows once it is clear that the object needs them. */
static void download_fill(struct nexus_op *op)
{
	uint64_t length = result_length(op);
	bool kick = false;

	resume_go_on(op);
	for (unsigned int i = 0; i < OP_WINDOWS && !op->closed && !op->resuming && op->response; i++) {
		struct window *w = &op->windows[i];

		/* Without one in flight the daemon could not say that it ends. */
		if (!stream_has_slot(op) || (length && op->queued >= length && op->nr_order))
			break;
		if (w->state == WINDOW_ABSENT && !stream_add(op))
			break;
		if (w->state != WINDOW_IDLE)
			continue;
		op->order[op->nr_order++] = w;
		stream_submit(op, w, w->cap, false);
		kick = true;
	}
	if (kick)
		queue_kick(op->nx);
}

/* The daemon's last word, once all before it was read. */
static ssize_t download_end(struct nexus_op *op)
{
	uint64_t length = result_length(op);
	int status = op->host_status;

	if (op->nr_order)
		op_fail(op, -EPROTO, "NexusInternal", "the host ended the stream out of order");
	else if (!status && length && length != op->moved && !op->exchange)	/* HEAD, 304: there is no body */
		op_fail(op, -EPROTO, "NexusInternal", "the host sent %llu bytes of %llu",
			(unsigned long long)op->moved, (unsigned long long)length);
	op_end(op, status);
	status = op->status;
	op_settle(op);
	return status;
}

ssize_t download_take(struct nexus_op *op)
{
	if (op->held)
		op->held->state = WINDOW_IDLE;
	op->held = NULL;
	op->pos = 0;
	while (op->nr_order && op->order[0]->state == WINDOW_FULL && !op->ended) {
		struct window *w = op->order[0];

		memmove(op->order, op->order + 1, --op->nr_order * sizeof(*op->order));
		if (w->last)
			op->nr_order = 0;
		w->state = w->len ? WINDOW_HELD : WINDOW_IDLE;
		op->moved += w->len;
		download_fill(op);
		if (!w->len)
			continue;
		op->held = w;
		return w->len;
	}
	if (op->ended) {
		op_settle(op);
		return op->status;
	}
	if (op->closed)
		return download_end(op);
	if (op->nx->dead)
		return op_fail_dead(op);
	download_fill(op);
	return -EAGAIN;
}

void download_pump(struct nexus_op *op)
{
	for (;;) {
		uint64_t done = op->moved;
		ssize_t n;

		{
			CHANNEL_LOCK(op->nx);
			if (op->ended)
				return;
			n = download_take(op);
			if (n > 0 && (result_length(op) > op->total || op->moved > op->total)) {
				op_fail(op, -EFBIG, "NexusGuestBuffer", "the object has %llu bytes, the buffer %llu",
					(unsigned long long)result_length(op), (unsigned long long)op->total);
				op->held->state = WINDOW_IDLE;
				op->held = NULL;
				op_cancel(op);
				op_settle(op);
			}
			if (n <= 0 || op->ended)
				return;
			op->nx->copied += n;
		}
		memcpy(op->buf + done, channel_at(op->nx, op->held->off), n);
	}
}

/* Hold the next window, waiting for it. */
static ssize_t download_next(struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);
	ssize_t n;

	while ((n = download_take(op)) == -EAGAIN && !op->ended)
		if (queue_wait(op->nx, stream_is_ready, op, op->deadline))
			return op_expire(op);
	return n;
}

/* 0; or why the caller cannot read from it. */
static int download_check(struct nexus_op *op)
{
	if (op->mode == OP_DOWNLOAD && !op->pumped)
		return 0;

	CHANNEL_LOCK(op->nx);
	return op->ended && op->status < 0 ? op->status : -EINVAL;
}

ssize_t nexus_read_window(struct nexus_op *op, const void **data)
{
	ssize_t n = download_check(op);

	if (n)
		return n;
	if (op->held && op->pos && op->pos < op->held->len)
		n = op->held->len - op->pos;	/* nexus_read() left it */
	else
		n = download_next(op);
	if (n > 0) {
		*data = (char *)channel_at(op->nx, op->held->off) + op->pos;
		op->pos = op->held->len;
	}
	return n;
}

ssize_t nexus_read(struct nexus_op *op, void *dst, size_t n)
{
	size_t done = 0, copied = 0;
	ssize_t ret = download_check(op);

	if (ret)
		return ret;
	while (done < n) {
		size_t len;

		if (!op->held || op->pos == op->held->len) {
			ret = download_next(op);
			if (ret <= 0)
				break;
		}
		len = op->held->len - op->pos;
		if (len > n - done)
			len = n - done;
		memcpy((char *)dst + done, (char *)channel_at(op->nx, op->held->off) + op->pos, len);
		op->pos += len;
		done += len;
		copied += len;
	}
	__atomic_fetch_add(&op->nx->copied, copied, __ATOMIC_RELAXED);
	return done ? (ssize_t)done : ret;
}
