/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Journaled writes: durable on the local disk, then acknowledged, then stored.
 * Documentation/writes.rst. What workers need of the journal; they and its
 * thread exchange messages (loop_post()), one at a time for each write.
 */
#ifndef NEXUS_JOURNAL_H
#define NEXUS_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include "order_names.h"

struct config;
struct gate;
struct journal_header;
struct journal_refusal;
struct loop;
struct op;
struct op_type;
struct record;
struct tenant_writes;
struct worker;

/* Numbers for the operator; atomic. */
extern struct journal_stats {
	uint64_t records;	/* that are not in the store */
	uint64_t bytes;		/* of disk */
	uint64_t segments;
	uint64_t replayed;	/* records found at start */
	uint64_t torn;		/* not committed when an earlier daemon ended */
	uint64_t damaged;	/* committed, and the disk lost them */
	uint64_t orphaned;	/* of tenants that are not configured */
	uint64_t refused;	/* that the store refused for good: moved aside (journal_refused.c) */
	uint64_t retries;	/* uploads that failed, and are tried again */
} journal_stats;

/*
 * Read what an earlier daemon left; before any guest is served. 0, also if
 * none is configured, or -errno after it was logged.
 */
int journal_open(const struct config *config);
/* Its thread runs: go on with what was left. */
void journal_start(struct worker *worker);
/* All threads have ended. */
void journal_close(void);
bool journal_enabled(void);

/* Parks what must not pass a journaled write of the same function that is not in the store. */
extern const struct gate journal_gate;

/*
 * What to do with refused records, asked by the operator from any thread. The
 * caller owns the struct; it is the journal's until reply() was called in the
 * owner's loop.
 */
struct journal_order {
	struct journal_order *next;	/* the journal's */
	struct loop *owner;
	void (*reply)(void *order);
	uint64_t first, last;	/* numbers, both included */
	bool drop;		/* remove them; else they go to the store once more */
	uint32_t count;		/* of the reply: records moved or removed */
	int status;		/* of the reply: 0; -ENOENT: none is there; -errno that ended it */
};
/* Begin. -ENXIO: no journal is configured; -ENOMEM. */
int journal_order(struct journal_order *order);

/* One refused record, as its file has it. */
struct journal_refused {
	const struct journal_refusal *refusal;
	const struct journal_header *head;	/* the packed request follows */
};
/*
 * Call fn for the oldest `limit` refused records, by number, read from disk; any
 * thread. What cannot be read is left out. 0 or -errno.
 */
int journal_refused_each(uint32_t limit, void (*fn)(const struct journal_refused *refused, void *arg), void *arg);

/* A put that ends when it is in the journal. */
extern const struct op_type journal_put_type;
/* Make one of a put that has not begun. It becomes what it was if the journal is full. */
void journal_choose(struct op *op);

/* ---- between journal_put.c and journal.c ---- */

#define JOURNAL_CHUNK	(256U << 10)	/* bytes copied at a time */

/* Waits for the records that are pending now and name what this names. */
struct journal_wait {
	struct journal_wait *next;
	void (*done)(struct journal_wait *wait);	/* in the journal's thread */
	const struct tenant_writes *tenant;
	const char *function;
	struct order_name names[ORDER_NAMES_MAX];
	unsigned int nr_names;
	uint64_t commit;	/* records up to this one */
	uint32_t waits_for;
};

/* Begin, in the journal's thread; done() may be called before it returns. */
void journal_wait(struct journal_wait *wait);

/*
 * One write on its way into the journal. It belongs to the operation's thread
 * and to the journal's in turn: journal_write_send(), then reply().
 */
struct journal_write {
	struct loop *owner;		/* the operation's */
	struct op *op;			/* the owner's; NULL: it has ended */
	void (*reply)(void *write);	/* in the owner's loop */
	struct record *record;		/* the header filled in, but for seq */
	uint32_t crc;			/* of the payload so far, this chunk included */
	uint32_t len;			/* of this chunk */
	bool last;			/* it ends the payload */
	bool drop;			/* give up; there will be no reply, and the struct is freed */
	int status;			/* of the reply; -ENOSPC, to the first chunk only: write through */
	uint64_t written;		/* bytes before this chunk */
	char buffer[];			/* the chunk */
};
void journal_write_send(struct journal_write *write);

#endif
