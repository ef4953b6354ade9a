/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions: which instances wait for an event, and which events for an
 * instance. An instance is a guest with a Next in flight. Any thread may call,
 * unless said otherwise; each function has one lock, held for list operations only.
 */
#ifndef NEXUS_FUNCTION_H
#define NEXUS_FUNCTION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "invocation.h"

struct config;
struct function_config;
struct loop;
struct op;
struct returning;
struct timelines;
struct worker;

#define FUNCTION_ACCOUNT	"000000000000"	/* in ARNs: accounts are AWS's business */

struct function_counters {
	uint64_t invocations;	/* that an instance took */
	uint64_t errors;	/* ended with an error of the function, time-outs among them */
	uint64_t timeouts;
	uint64_t throttles;	/* refused by the concurrency limit */
	uint64_t no_instance;	/* given up: none came in time */
	uint64_t retries;	/* of asynchronous events */
	uint64_t given_up;	/* of these: they failed too often, or were too old */
	uint64_t log_dropped;	/* lines that it printed beyond the limit (function_log.h) */
};

struct function {
	struct function *next;
	const struct function_config *config;
	struct loop *loop;		/* the main thread's */
	const char *region;		/* in ARNs */
	struct timelines *timelines;
	struct loop_timer timer;	/* runs while events wait; the main thread's */

	pthread_mutex_t lock;		/* of what follows */
	struct instance *idle;		/* the one that waited last comes first: it is the warmest */
	struct invocation *queue, **queue_tail;
	unsigned int queued, running;
	unsigned int returning;		/* instances that have answered, and will ask for their next event */
	unsigned int disappointed;	/* how often those did not come in time, and were written off */
	bool stopping;
	unsigned int events;		/* asynchronous ones, waiting for a retry included */
	uint64_t log_since_ms;		/* function_log.c's: */
	unsigned int log_lines, log_dropped;	/* since then */
	struct function_counters counters;

	/* scale.c's, the main thread's */
	unsigned int start_failures;	/* microVMs in a row that never asked for an event */
	uint64_t start_after_ms;	/* no further one before */

	/* microvm_pool.c's, the main thread's */
	unsigned int pool_failures;	/* started VMMs in a row that ended by themselves */
	uint64_t pool_after_ms;		/* no further one before */
	uint64_t used_ms;		/* when it had an instance last; at first: the daemon's start */
};

/* An instance that waits: its Next. Belongs to its worker's thread, but for the list. */
struct instance {
	struct instance *next, **prev;	/* function->idle; prev NULL: claimed */
	struct function *function;
	struct worker *worker;
	struct op *op;			/* NULL: it left after it was claimed */
	struct invocation *inv;		/* claimed for this one */
	bool retired;			/* taken off the list for good */
	/* In the worker's thread; takes inv over. */
	void (*deliver)(struct instance *instance);
};

/* One struct function for each that is configured. Main thread. 0 or -ENOMEM. */
int functions_start(const struct config *config, struct loop *main_loop);

/* No event is taken from here on; those that wait end as INVOCATION_STOPPED. */
void functions_quiesce(void);

/* After the workers. */
void functions_stop(void);

struct function *function_find(const char *name);	/* NULL: none */
struct function *function_first(void);		/* and on by ->next */

/*
 * Give it to an instance, or queue it; takes the reference over. -EBUSY: as many run or wait as
 * the function's concurrency allows; -EDQUOT: as max_invocations allows, of all functions; -ESHUTDOWN the daemon stops. again: it was counted before, and goes first.
 */
int function_submit(struct invocation *inv, bool again);

/* An instance waits. An event that was waiting for it, or NULL: deliver() will be called. */
struct invocation *function_wait(struct instance *instance);

/* It does not wait any more. False: deliver() is on its way, and will find op NULL. */
bool function_leave(struct instance *instance);

/* No event is to go to this VM any more, which waits for one. False: it does not, now. */
bool function_retire(struct function *function, uint32_t vm_id);

/* An invocation that function_submit() took has ended, for its caller. */
void functions_over(void);

/* It was taken, and has ended. */
void function_done(struct function *function);

/*
 * Instances on their way back, by the channel's account of them: one has answered all of an event; one asks
 * for its next; all are gone. In the channel's thread.
 */
void function_returns(struct function *function, struct returning *returning);
void function_returned(struct function *function, struct returning *returning, bool all);

/* So many of the events that wait need an instance that is not there, nor on its way back. */
unsigned int function_lacks(struct function *function);

/* An instance failed before its first event. An event that waits, counted as taken, to be ended with its error; or NULL. */
struct invocation *function_take_waiting(struct function *function);

/* How things stand now, and the totals. */
struct function_counts {
	struct function_counters totals;
	unsigned int running, queued, idle, events;
};
void function_count_all(struct function *function, struct function_counts *counts);

#define function_count(function, counter) do {		\
	pthread_mutex_lock(&(function)->lock);		\
	(function)->counters.counter++;			\
	pthread_mutex_unlock(&(function)->lock);	\
} while (0)

#endif
