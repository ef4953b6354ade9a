/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Slots, submission, completion, and waiting. All with nx->lock held. */
#ifndef QUEUE_H
#define QUEUE_H

#include "channel.h"

/* A slot, or NO_SLOT. */
uint32_t queue_slot(struct nexus *nx);
void queue_slot_free(struct nexus *nx, uint32_t slot);

/* What a slot is to carry; the rest of it is zero. */
struct submission {
	uint32_t kind, flags, stream;	/* NEXUS_SLOT_* */
	uint32_t msg_len, msg_cap;
	uint64_t msg_off, data_off, data_len;
};

/* Publish; op and window are told of the completion. queue_kick() or queue_hold() must follow. */
void queue_submit(struct nexus *nx, uint32_t slot, const struct submission *s, struct nexus_op *op,
		  struct window *w);

/* Wake the daemon if it sleeps; between nexus_hold() and nexus_release() as soon as somebody waits. */
void queue_kick(struct nexus *nx);

/* The next submission brings the kick, or whoever waits: for what another one follows at once. */
void queue_hold(struct nexus *nx);

/* Send the next pending cancel, if the slot for it is free. */
void queue_cancel_next(struct nexus *nx);

/* Take what is complete. */
void queue_reap(struct nexus *nx);

/*
 * Wait until ready(arg), at most until the deadline. Lets go of the lock while
 * it sleeps. 0 or -ETIMEDOUT. A lost channel ends every operation, so ready()
 * must look at nx->dead if it asks for anything else.
 */
int queue_wait(struct nexus *nx, bool (*ready)(void *arg), void *arg, int64_t deadline);

/*
 * The same, if nothing that was submitted with NEXUS_SLOT_QUIET makes it ready: the host does not wake us for those. A
 * machine that waits so for a while, and does nothing else, is idle: its timers may be late (NEXUS_IDLE_MAX).
 */
int queue_wait_quiet(struct nexus *nx, bool (*ready)(void *arg), void *arg, int64_t deadline);

/* The channel is lost: every operation in flight ends with status. */
void queue_die(struct nexus *nx, int status, const char *reason);

#endif
