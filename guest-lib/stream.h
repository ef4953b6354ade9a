/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Payload in windows. With nx->lock held, unless it says otherwise. */
#ifndef STREAM_H
#define STREAM_H

#include "op.h"

/*
 * stream.c: what downloads and uploads share. Allocate one more window, of
 * window_size bytes or what the arena has. NULL: all are there, or no memory.
 */
struct window *stream_add(struct nexus_op *op);

/* A window can be submitted: there is a slot for it. */
bool stream_has_slot(const struct nexus_op *op);

/* Keep a slot for the next window, which the caller fills without the lock. Only after stream_has_slot(). */
void stream_reserve(struct nexus_op *op);

/* Submit a window behind the request. Only after stream_reserve() or stream_has_slot(). */
void stream_submit(struct nexus_op *op, struct window *w, uint32_t len, bool fin);

/* Nothing is in flight: free the windows, but the one that the caller holds. */
void stream_release(struct nexus_op *op);

/* A call for this stream would not block, or has something to do. */
bool stream_ready(const struct nexus_op *op);

/* An upload all of whose windows are on their way gets one more, if there is to be one: who waits could fill it. */
void stream_widen(struct nexus_op *op);

/* As stream_ready(), for queue_wait(). */
bool stream_is_ready(void *op);

/* Move plain memory through the windows as far as possible now. Lock NOT held. */
void stream_pump(struct nexus_op *op);

/* exchange.c: the window with the upload's end was submitted, with room for len bytes. */
void exchange_turn(struct nexus_op *op, struct window *w, uint64_t len);

/* A window of the upload came back after that. */
void exchange_sent(struct nexus_op *op, struct window *w, const struct completion *c);

/* The upload's end is sent, if it was not; what comes back is not waited for. 0, or the status. Lock NOT held. */
int exchange_send_end(struct nexus_op *op);

/* The answer's head, after exchange_send_end(). Lock NOT held. */
int exchange_finish(struct nexus_op *op);

void download_complete(struct nexus_op *op, struct window *w, const struct completion *c);

/*
 * Take back the held window, and hold the next. Its length; 0 the end; -EAGAIN
 * not there yet; the operation's status if that is an error, which may be
 * -EAGAIN too (a service that throttles): it has ended then.
 */
ssize_t download_take(struct nexus_op *op);
void download_pump(struct nexus_op *op);	/* lock NOT held */

void upload_complete(struct nexus_op *op, struct window *w, const struct completion *c);

/* Hold an idle window. 0; -EAGAIN none; or as above. */
int upload_take(struct nexus_op *op);

/* Send `pos` bytes of the held window. */
void upload_send(struct nexus_op *op);
void upload_pump(struct nexus_op *op);		/* lock NOT held */

#endif
