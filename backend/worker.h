/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A worker: one thread, one loop, the channels assigned to it, and everything
 * those channels need, so that the data path takes no lock.
 */
#ifndef NEXUS_WORKER_H
#define NEXUS_WORKER_H

#include <stdint.h>

struct config;
struct conn_pools;
struct loop;
struct share;

/* Written by the worker's thread with relaxed stores, read by others. */
struct counters {
	uint64_t requests;		/* operations started */
	uint64_t failures;		/* operations ended with an error */
	uint64_t denied;		/* refused by policy before any I/O */
	uint64_t throttled;		/* operations that had to wait for their tenant's turn or quota */
	uint64_t store_requests;	/* HTTP requests sent */
	uint64_t store_connections;	/* connections opened */
	uint64_t bytes_from_store;	/* payload */
	uint64_t bytes_to_store;	/* payload */
	uint64_t bytes_copied;		/* payload moved by a memcpy of ours, not by the socket */
	uint64_t prefetches;		/* GETs ahead of need */
	uint64_t prefetch_bytes;	/* payload that they brought */
	uint64_t prefetch_hits;		/* of those, by the guests' own account: asked for later */
	uint64_t prefetch_useless;	/* and never asked for */
	uint64_t writes_deferred;	/* uploads that the guest does not wait for */
	uint64_t writes_journaled;	/* uploads acknowledged by the journal */
	uint64_t writes_degraded;	/* of those and of journaled ones: waited for after all, as too much was unwritten */
	uint64_t retries;		/* store requests sent again after a failure */
	uint64_t resumed;		/* those that asked for the rest of a download only */
	uint64_t kicks;			/* wake-ups by a guest */
	uint64_t notifies;		/* guests woken */
};

/* Only the worker's own thread adds. */
static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

struct worker {
	struct loop *loop;
	const struct config *config;
	struct conn_pools *pools;	/* conn.h */
	struct share *share;		/* share.h */
	struct counters counters;
	struct worker_core *core;	/* worker.c's own */
};

#endif
