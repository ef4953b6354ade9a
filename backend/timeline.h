/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When what happened: of each invocation, and of the microVM that it was the first for. Each
 * moment costs one read of the clock where it happens. A function remembers its last
 * TIMELINE_KEPT invocations, complete once nobody works on them any more.
 *
 * All times are CLOCK_MONOTONIC, ns; 0: it has not happened.
 */
#ifndef NEXUS_TIMELINE_H
#define NEXUS_TIMELINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define TIMELINE_KEPT	16	/* of each function */
#define TIMELINE_FETCHES 8	/* HINTS_MAX */

/* Of an invocation, in the order of a warm one. */
enum timeline_moment {
	TIMELINE_ACCEPTED,	/* the caller's event is complete */
	TIMELINE_TAKEN,		/* by an instance's Next, which may not run yet */
	TIMELINE_REQUEST,	/* the function's first request since */
	TIMELINE_RESPONDED,	/* its answer begins to arrive */
	TIMELINE_DURABLE,	/* its writes are what their mode promises */
	TIMELINE_ENDED,		/* the caller's answer is complete */
	TIMELINE_MOMENTS,
};

/* Of a microVM's start; microvm.c's. */
enum timeline_step {
	TIMELINE_SPAWNED,	/* the VMM's process; in the pool long before it is */
	TIMELINE_WANTED,	/* for an event */
	TIMELINE_READY,		/* the VM exists, the VMM can be spoken to */
	TIMELINE_ADOPTED,	/* a clone: and its arenas are pinned in its memory */
	TIMELINE_LOADED,	/* a clone: the VMM has the state of vCPUs and devices */
	TIMELINE_CONTINUED,	/* the VMM was told to let the vCPUs run */
	TIMELINE_RUNNING,	/* it said that they do */
	TIMELINE_STEPS,
};

struct function;
struct invocation;
struct json_t;

/* An object that is fetched ahead for an invocation: the object is the hint of the same index. */
struct timeline_fetch {
	uint64_t started, finished;
	uint64_t bytes;		/* that were in the guest's memory then */
	int status;		/* 0, or -errno: it came to nothing */
};

struct timeline {
	uint64_t at[TIMELINE_MOMENTS];
	struct timeline_fetch fetches[TIMELINE_FETCHES];
	uint32_t vm_id;		/* 0: not a VM's */
};

/* In the operation that fetches; holds a reference to the invocation. inv NULL: it is no such operation. */
struct timeline_mark {
	struct invocation *inv;
	unsigned int index;
};

static inline uint64_t timeline_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The moment is now, unless it was before. */
static inline void timeline_mark(struct timeline *timeline, enum timeline_moment moment)
{
	if (!timeline->at[moment])
		timeline->at[moment] = timeline_now();
}

/* The worker's: the fetch of the hint with this index begins; and the first window of it is full, or it failed. */
void timeline_fetch_begin(struct timeline_mark *mark, struct invocation *inv, unsigned int index);
void timeline_fetch_end(struct timeline_mark *mark, uint64_t bytes, int status);

/* A function's memory of both kinds. NULL: no memory. */
struct timelines *timelines_new(void);
void timelines_free(struct timelines *timelines);

/* Any thread: nobody works on the invocation any more. */
void timelines_keep(struct timelines *timelines, const struct invocation *inv);

/* Main thread: a VM runs; at[TIMELINE_STEPS]. */
void timelines_started(struct timelines *timelines, uint32_t vm_id, bool restored, bool pooled, const uint64_t *at);

/* Main thread: an array of what is remembered, the oldest first, times in µs since the event was accepted. */
struct json_t *timelines_describe(struct timelines *timelines);

#endif
