/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order among one guest's operations, and what became of its deferred
 * writes: Documentation/writes.rst.
 *
 * A write waits for each earlier write of the same key that has all its data;
 * a read waits for those of them that were acknowledged before they were in
 * the store (deferred ones), so that a guest sees what it wrote. A listing, or
 * a deletion of many, waits for what it could see. So does a call of another
 * service or function, which may look at anything, for all of these.
 */
#ifndef NEXUS_ORDER_H
#define NEXUS_ORDER_H

#include <stdint.h>

struct channel;
struct gate;
struct op;
struct order_claim;
struct tenant_writes;

/* A deferred write failed after its guest had gone on: told by the next Flush. */
struct order_failure {
	int status;		/* 0: none */
	char code[64];
	char message[512];
};

/* A guest's part; one worker's. Zeroed before use. */
struct order {
	struct order_claim *first, *last;	/* writes, and who waits, oldest first */
	uint64_t seq;			/* of the newest claim */
	struct order_failure failure;	/* the first since the last Flush */
	struct tenant_writes *tenant;	/* NULL: not asked for yet */
};

extern const struct gate order_gate;

/* All data of an upload is here: from now on it is waited for. */
void order_fin(struct op *op);

/*
 * Every earlier write has ended: has one failed? 0, or the status of the first, after
 * op_error(); it is then forgotten. For operations that order_gate takes for a flush.
 */
int order_settled(struct op *op);

/* Tell the guest by host_flags how its writes are acknowledged now. */
void order_tell(struct channel *channel);

#endif
