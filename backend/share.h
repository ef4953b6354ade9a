/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who goes next: a worker's time is shared between tenants by weight (deficit
 * round robin, one round a turn of the loop; the currency is bytes, and an
 * operation's start costs as much as SHARE_START of them), and each tenant is
 * held to its quotas, whatever worker it is on. Operations wait at a gate,
 * exchanges between two of their turns. Belongs to the worker's thread.
 */
#ifndef NEXUS_SHARE_H
#define NEXUS_SHARE_H

#include <stdbool.h>
#include <stdint.h>
#include "rate.h"

struct op;
struct share;
struct share_tenant;
struct worker;

#define SHARE_QUANTUM	(512U << 10)	/* bytes a turn, of a tenant of weight SHARE_WEIGHT beside others */
#define SHARE_ALONE	4		/* times as much of the only one */
#define SHARE_START	(64U << 10)
#define SHARE_WEIGHT	100		/* the default */

extern const struct gate share_gate;

/* What a tenant uses, on all workers together. */
struct usage {
	struct rate requests, bytes;
	uint32_t operations;		/* past the gate, and not ended; atomic */
};

/* The worker's loop exists already. NULL: no memory. */
struct share *share_new(struct worker *worker);
void share_free(struct share *share);	/* nobody waits any more */

/* Somebody's turn comes with the loop's next: no time to sleep. */
bool share_pending(const struct share *share);

/* Somebody who takes turns, or waits for one. The caller owns it, zeroed. */
struct share_turn {
	struct op *op;
	void (*resume)(struct share_turn *turn);
	struct share_turn *next, **link;	/* share.c's, as all below; link NULL: not queued */
	struct share_tenant *tenant;
	bool started;				/* an operation past the gate */
	bool called;				/* an exchange whose turn has come: those that wait come after it */
};

/*
 * Bytes that turn->op may move now, more or less. 0: none; resume() is called
 * when its turn has come, from the loop, unless share_leave() comes first.
 * share_moved() then tells how many it were.
 */
uint32_t share_take(struct share_turn *turn);
void share_moved(struct share_turn *turn, uint64_t bytes);
void share_leave(struct share_turn *turn);

#endif
