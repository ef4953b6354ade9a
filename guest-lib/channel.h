/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A channel: the arena, its rings, and who waits for what. struct nexus of the
 * public header.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include "../uapi/nexus_ring_ops.h"
#include "arena.h"
#include "nexus.h"
#include "transport.h"

#define NO_SLOT		UINT32_MAX
#define FOREVER		INT64_MAX	/* a deadline that never comes */

struct nexus_op;
struct prefetch;
struct window;

/* What this process knows of a slot; the arena's copy is anybody's. */
struct slot_ref {
	struct nexus_op *op;	/* NULL: not in flight */
	struct window *window;	/* NULL: a request without a stream, or a cancel */
	uint32_t msg_cap;	/* these three as submitted */
	uint64_t msg_off;
	uint64_t data_len;
};

/* The first acknowledged write that failed since the last flush. */
struct write_failure {
	int status;		/* 0: none */
	char code[64];
	char message[256];
};

struct nexus {
	/* Protects everything in this struct and in its operations, but the
	 * part of an operation that says otherwise. */
	pthread_mutex_t lock;
	pthread_cond_t news;		/* the sleeper came back, or something completed */
	struct transport *transport;
	struct nexus_ring_header *header;
	struct nexus_ring sq, cq;
	uint32_t sq_tail, cq_head;	/* ours; the arena's copies are for the host */
	uint32_t kicked;		/* sq_tail at the last kick */
	unsigned int held;		/* nexus_hold() without nexus_release() */
	bool kick_due;			/* something was published that the next kick is for, too */
	bool quiet;			/* the sleeper's NEXUS_GUEST_QUIET is set */
	uint32_t nr_slots;
	struct slot_ref *slots;
	uint32_t *free_slots;		/* a stack */
	uint32_t nr_free;
	uint32_t cancel_slot;		/* kept for NEXUS_SLOT_CANCEL, so that one can always be sent */
	bool cancel_busy;
	struct nexus_op *cancels;	/* operations that want to be cancelled next */
	struct nexus_op *ops;		/* alive */
	struct nexus_op *spare_ops;	/* to be used again */
	unsigned int nr_spare_ops;
	bool sleeping;			/* a thread sleeps for the host; the others on `news` */
	unsigned int waiters;		/* threads that wait on `news` */
	unsigned int spin;		/* looks before sleeping; the sleeper's */
	bool alone;			/* no other thread wanted the CPU when the sleeper last offered it; the sleeper's */
	int dead;			/* 0, or why the channel is lost */
	char dead_reason[192];
	struct arena arena;
	int64_t tail_used;		/* monotonic ns: when memory beyond the first size was last allocated */
	struct prefetch *prefetches;	/* what was fetched and not asked for yet */
	bool in_invocation;		/* between nexus_next() and nexus_respond() */
	int64_t written;		/* channel_now() at the last deferred write; 0: none since the last answer */
	bool answers_soon;		/* expected: the answer follows right after the last write, which needs no kick of its own */
	bool held_write;		/* the last write had none */
	unsigned int near_answers;	/* to come before that is tried again */
	int64_t invocation_deadline;	/* then */
	unsigned int served;		/* gRPC calls that were taken and not closed: their threads may sleep by a timer */
	uint64_t generation;		/* of the last event; another one: this guest is a clone now */
	struct nexus_op *lent[NEXUS_LEND_MAX];	/* windows that the daemon may fill; the caller's of nexus_next() */
	uint64_t prefetched, prefetch_hits, prefetch_useless;
	struct write_failure failure;
	uint64_t requests, kicks, waits, resizes, copied;
};

/* channel.c: arena memory, growing and shrinking with need; nx->lock held. */
ssize_t channel_alloc(struct nexus *nx, size_t size);
void channel_free(struct nexus *nx, size_t off);
int channel_shrink(struct nexus *nx);
/* Give the tail back once it was idle for a while. */
void channel_shrink_idle(struct nexus *nx, int64_t now);

static inline void *channel_at(struct nexus *nx, uint64_t off)
{
	return (char *)nx->header + off;
}

int64_t channel_now(void);	/* monotonic ns */

/* The deadline timeout_ms from now; negative: FOREVER. */
int64_t channel_deadline(int64_t timeout_ms);

static inline void channel_unlock(struct nexus **nx)
{
	pthread_mutex_unlock(&(*nx)->lock);
}

/* Hold nx->lock until the end of the scope. */
#define CHANNEL_LOCK(nx) \
	struct nexus *__locked __attribute__((cleanup(channel_unlock), unused)) = \
		(pthread_mutex_lock(&(nx)->lock), (nx))

#endif
