/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An operation: one request of a guest, from its slot until the last window of
 * its payload is completed. The core (op.c) copies the slot and the message out
 * of the arena, checks them and the tenant's policy, keeps the queue of
 * windows, and writes the completions. What the operation does is one file
 * (s3_get.c, null.c ...) behind one struct op_type, one row in op_types[].
 */
#ifndef NEXUS_OP_H
#define NEXUS_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "nexus.pb-c.h"

struct channel;
struct loop;
struct op;
struct tenant;
struct worker;

/*
 * A piece of guest memory lent to the operation. data is the guest's own page:
 * only ever the source or target of I/O, never parsed in place.
 */
struct op_window {
	struct op_window *next;
	uint32_t slot;
	uint32_t len;		/* bytes; 0 is allowed */
	uint32_t done;		/* bytes moved so far; the operation's */
	bool fin;		/* upload: the last window */
	char *data;
};

struct op_type {
	const char *name;		/* as in metrics and the manual */
	Nexus__V1__Request__OpCase op_case;
	size_t state_size;		/* bytes at op->state, zeroed */
	bool idempotent;		/* may be run again after a crash of the daemon */
	bool poll;			/* waits for news from outside: without a time-out, unless the request
					 * names one; may be in flight in a snapshot
					 */
	bool exchange;			/* sends, then receives: from the window with FIN on */

	/*
	 * Required. Check the message and begin. Returns 0, the operation then
	 * ends through op_finish(), at once or later; or -errno after it
	 * called op_error(), and the core finishes it.
	 */
	int (*start)(struct op *op);

	/* Optional: a window was queued. */
	void (*window)(struct op *op);

	/*
	 * Required if start() can return before the end. Let go of everything
	 * (connection, timers) now; the core completes the slots. Called once
	 * at most, and never after op_finish().
	 */
	void (*abort)(struct op *op);
};

struct op {
	const struct op_type *type;
	struct worker *worker;		/* its loop, connection pools, counters */
	struct channel *channel;
	const struct tenant *tenant;	/* a reference is held while the op lives */
	uint32_t slot;			/* the request's slot: the stream's name */
	const Nexus__V1__Request *request;	/* private copy, bounds checked */
	Nexus__V1__Response response;	/* filled by the type; strings from op_strdup() */
	struct op_window *windows;	/* queue, in order of submission */
	uint64_t base;			/* bytes of the windows that went before: see payload.h */
	void *state;
	/* the rest is op.c's */
	struct op_core *core;
};

/* Memory that lives as long as the op. Never NULL: the bump arena is sized for
 * NEXUS_MSG_MAX messages and OP_ALLOC_MAX more; beyond, it falls back on malloc.
 */
void *op_alloc(struct op *op, size_t size);
char *op_strdup(struct op *op, const char *s);
char *op_strndup(struct op *op, const char *s, size_t n);

/* Describe a failure: code (the store's, or Nexus...), and a formatted message
 * for people. Returns status (a negative errno) so that it can be returned.
 */
int op_error(struct op *op, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The head window is full (download) or sent (upload) and the stream goes on:
 * complete it with NEXUS_SLOT_MORE and drop it. op->windows is then the next.
 */
void op_window_done(struct op *op);

/*
 * End the operation: complete the head window and every other queued one with
 * status; the first carries the response. If no window is queued, the end is
 * kept for the guest's next one. The op must not be used after this.
 */
void op_finish(struct op *op, int status);

/* Until the operation's time-out, which op_window_done() puts off. */
uint64_t op_time_left_ms(const struct op *op);

/* op_types[]: ends with NULL. */
extern const struct op_type *const op_types[];

#endif
