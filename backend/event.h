/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asynchronous events: accepted at once, run when there is room, and again when the function
 * failed. They live in memory: those that have not ended when the daemon does are lost.
 */
#ifndef NEXUS_EVENT_H
#define NEXUS_EVENT_H

struct function;
struct invocation;

/*
 * Take over an invocation that was never submitted: its id, event, hints and context. -EBUSY: there
 * are max_events of the function already, or the daemon stops; -ENOMEM. The reference is taken over.
 */
int event_submit(struct invocation *inv);

/* After the workers: forget those that wait. */
void events_stop(void);

#endif
