/* SPDX-License-Identifier: GPL-2.0-only */
/* What channels and operations use of their worker, on its thread. */
#ifndef NEXUS_WORKER_CORE_H
#define NEXUS_WORKER_CORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "channel.h"
#include "loop.h"
#include "worker.h"

/* A user of the worker that must let go when the worker stops. */
struct worker_client {
	void (*abandon)(struct worker_client *client);	/* end now; unregisters itself */
	struct worker_client *next, **prev;
};

struct worker_core {
	struct worker worker;
	pthread_t thread;
	struct loop_idle idle;
	struct channel *active;		/* submitted lately: their rings are looked at, they need not kick */
	struct channel *notify;		/* published in this turn: to be woken at its end */
	struct worker_client *clients;
	struct op_core *op_pool;
	struct op_core *opened, **opened_tail;	/* parked operations that may go on */
	uint32_t in_flight;		/* slots, in all channels */
	uint32_t cleanups;		/* s3_cleanup.c's */
	bool draining;
	struct loop_timer drain_timer;
	uint32_t load;			/* VMs and connections; the main thread's */
};

/* The channel had a submission: look at its ring at the end of each turn from now on. */
void worker_activate(struct channel *channel);
/* Wake the guest at the end of this turn, if it sleeps. */
void worker_notify_later(struct channel *channel);
/* The channel is no longer served: forget both. */
void worker_forget(struct channel *channel);

void worker_add(struct worker *worker, struct worker_client *client);
void worker_remove(struct worker_client *client);

/* Slots that came into flight, or (negative) left it. */
void worker_in_flight(struct worker *worker, int change);

/* The daemon stops: nothing new is taken. */
static inline bool worker_draining(const struct worker *worker)
{
	return worker->core->draining;
}

#endif
