/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT */
/*
 * The one implementation of the rings of nexus_ring.h, for guest, daemon and
 * tests. Neither side trusts the other: every function takes what its caller
 * owns (its own index) by value from the caller's private memory and reads what
 * the peer owns exactly once.
 */
#ifndef _UAPI_NEXUS_RING_OPS_H
#define _UAPI_NEXUS_RING_OPS_H

#include "nexus_ring.h"

static inline __u32 nexus_load(const __u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline __u32 nexus_load_acquire(const __u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void nexus_store(__u32 *p, __u32 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void nexus_store_release(__u32 *p, __u32 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* Orders a published tail before the look at the peer's sleep flag. */
static inline void nexus_full_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* One direction: entries and the tail, both in shared memory. */
struct nexus_ring {
	__u32 *entries;
	__u32 *tail;
	__u32 mask;		/* nr_slots - 1, private */
};

static inline struct nexus_ring nexus_ring_sq(void *arena, __u32 nr_slots)
{
	struct nexus_ring_header *h = arena;

	return (struct nexus_ring){ (__u32 *)((char *)arena + NEXUS_SQ_OFFSET), &h->sq_tail, nr_slots - 1 };
}

static inline struct nexus_ring nexus_ring_cq(void *arena, __u32 nr_slots)
{
	struct nexus_ring_header *h = arena;

	return (struct nexus_ring){ (__u32 *)((char *)arena + NEXUS_CQ_OFFSET), &h->cq_tail, nr_slots - 1 };
}

static inline struct nexus_slot *nexus_slot_at(void *arena, __u32 slot)
{
	return (struct nexus_slot *)((char *)arena + NEXUS_SLOT_OFFSET) + slot;
}

/* Producer: *tail is the caller's private copy of its own tail. */
static inline void nexus_ring_push(struct nexus_ring *r, __u32 *tail, __u32 slot)
{
	nexus_store(&r->entries[*tail & r->mask], slot);
	nexus_store_release(r->tail, ++*tail);
}

/*
 * Consumer: how many entries wait after head (the caller's private copy).
 * More than mask + 1 means that the peer breaks the rules.
 */
static inline __u32 nexus_ring_ready(const struct nexus_ring *r, __u32 head)
{
	return nexus_load_acquire(r->tail) - head;
}

/* Consumer: the entry at head; only after nexus_ring_ready() said it is there. */
static inline __u32 nexus_ring_peek(const struct nexus_ring *r, __u32 head)
{
	return nexus_load(&r->entries[head & r->mask]);
}

/*
 * Set a sleep flag, then look again: returns true if the caller may sleep.
 * flags is the caller's own word, bit its flag; the ring is the one it reads. Other
 * threads of his may change the word's other bits.
 */
static inline int nexus_ring_may_sleep(const struct nexus_ring *r, __u32 head, __u32 *flags, __u32 bit)
{
	__atomic_fetch_or(flags, bit, __ATOMIC_SEQ_CST);
	nexus_full_barrier();
	return nexus_ring_ready(r, head) == 0;
}

static inline void nexus_ring_awake(__u32 *flags, __u32 bit)
{
	__atomic_fetch_and(flags, ~bit, __ATOMIC_SEQ_CST);
}

/* Producer, after a push: must the peer be woken? */
static inline int nexus_ring_must_wake(const __u32 *peer_flags, __u32 bit)
{
	nexus_full_barrier();
	return (nexus_load(peer_flags) & bit) != 0;
}

#endif
