// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include "../uapi/nexus_hypercall.h"
#include "queue.h"
#include "stream.h"

struct window *stream_add(struct nexus_op *op)
{
	for (struct window *w = op->windows; w < op->windows + OP_WINDOWS; w++) {
		uint32_t cap = op->window_size;
		ssize_t off;

		if (w->state != WINDOW_ABSENT)
			continue;
		off = channel_alloc(op->nx, cap);
		/* The first window is a must, however small; the others only overlap. */
		while (off < 0 && w == op->windows && cap > NEXUS_PAGE_SIZE) {
			cap = cap / 2 & ~(NEXUS_PAGE_SIZE - 1);
			off = channel_alloc(op->nx, cap);
		}
		if (off < 0)
			return NULL;
		*w = (struct window){ .state = WINDOW_IDLE, .cap = cap, .off = off };
		op->window_size = cap;
		return w;
	}
	return NULL;
}

bool stream_has_slot(const struct nexus_op *op)
{
	return op->spare_slot != NO_SLOT || op->nx->nr_free;
}

void stream_reserve(struct nexus_op *op)
{
	if (op->spare_slot == NO_SLOT)
		op->spare_slot = queue_slot(op->nx);
}

void stream_submit(struct nexus_op *op, struct window *w, uint32_t len, bool fin)
{
	struct submission s = {
		.kind = NEXUS_SLOT_WINDOW,
		.flags = fin ? NEXUS_SLOT_FIN : 0,
		.stream = op->slot,
		.msg_off = op->msg_off + op->msg_cap + (w - op->windows) * op->window_msg,
		.msg_cap = op->window_msg,
		.data_off = w->off,
		.data_len = len,
	};

	if (op->exchange && fin) {
		s.msg_off = op->msg_off + op->msg_cap + OP_WINDOWS * op->window_msg;
		s.msg_cap = OP_MSG_CAP;
	}
	stream_reserve(op);
	w->state = WINDOW_QUEUED;
	op->queued += len;
	queue_submit(op->nx, op->spare_slot, &s, op, w);
	op->spare_slot = NO_SLOT;
}

void stream_release(struct nexus_op *op)
{
	for (struct window *w = op->windows; w < op->windows + OP_WINDOWS; w++) {
		if (w->state == WINDOW_ABSENT || w->state == WINDOW_HELD)
			continue;
		channel_free(op->nx, w->off);
		w->state = WINDOW_ABSENT;
	}
}

bool stream_ready(const struct nexus_op *op)
{
	if (op->ended || op->closed || op->nx->dead)
		return true;
	if (!op->upload)
		return op->nr_order && op->order[0]->state == WINDOW_FULL;
	if (op->held)
		return true;
	if (op->queued == op->total || (op->started && !stream_has_slot(op)))
		return false;
	for (const struct window *w = op->windows; w < op->windows + OP_WINDOWS; w++)
		if (w->state == WINDOW_IDLE)
			return true;
	return false;
}

void stream_widen(struct nexus_op *op)
{
	bool takes = op->upload && !op->held && op->queued < op->total && (!op->started || stream_has_slot(op));

	if (takes && !stream_ready(op))
		stream_add(op);
}

bool stream_is_ready(void *op)
{
	return stream_ready(op);
}

void stream_pump(struct nexus_op *op)
{
	if (op->upload)
		upload_pump(op);
	else
		download_pump(op);
}
