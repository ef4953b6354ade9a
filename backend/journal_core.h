/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal's own thread: a worker that no guest is given to. All here
 * belongs to it, but where it says otherwise.
 *
 *	journal.c		records that are pending, who waits for them
 *	journal_disk.c		segments: room, durability
 *	journal_replay.c	what an earlier daemon left
 *	journal_upload.c	to the store
 *	journal_move.c		what the store refuses for good leaves the journal,
 *	journal_refused.c	and may come back
 */
#ifndef NEXUS_JOURNAL_CORE_H
#define NEXUS_JOURNAL_CORE_H

#include "journal.h"
#include "journal_format.h"
#include "loop.h"
#include "order_names.h"

struct config;
struct worker;

struct segment {
	struct segment *next;
	uint64_t number;
	int fd;
	uint8_t nonce[JOURNAL_NONCE];
	uint64_t end;			/* bytes reserved */
	uint32_t live;			/* records that are not done */
	bool old;			/* of an earlier daemon: takes no more */
	bool failed;			/* a flush failed: nothing more of it is believed */
	bool damaged;			/* a record is: kept for the operator */
	bool syncing;
	struct loop_io sync;
	struct journal_sync *waiting, **waiting_tail;	/* for the next flush */
	struct journal_sync *served;	/* by the one that runs */
};

/* Who waits until what was written to a segment is durable. */
struct journal_sync {
	struct journal_sync *next;
	void (*done)(struct journal_sync *sync, int status);
};

struct record {
	struct record *next_key;	/* the hash table's */
	struct record *next_ready;	/* the uploader's */
	struct segment *segment;
	uint64_t offset;		/* of the header in the segment */
	uint64_t footer_offset;
	uint64_t commit;		/* how-manieth to become pending */
	uint64_t charged;		/* bytes that count as its tenant's unwritten ones */
	struct tenant_writes *tenant;
	struct order_name name;		/* into `request` */
	uint32_t hash;			/* of tenant, function, bucket, key */
	uint32_t attempts;
	uint32_t refusals;		/* answers in a row that refused it */
	struct loop_timer retry;
	Nexus__V1__Request *request;	/* unpacked */
	struct loop_io io;		/* of the footer */
	struct journal_sync sync;
	struct journal_footer footer;
	struct journal_header head;	/* last: the packed request follows */
};

extern struct journal {
	const struct config *config;
	struct worker *worker;
	struct loop *loop;
	int dir;			/* descriptor; -1: no journal */
	struct segment *segments;	/* newest first */
	uint64_t bytes;			/* of all segments */
	uint64_t seq;			/* of the newest record */
	uint64_t commits;		/* records so far that became pending */
	uint64_t number;		/* of the newest segment */
} journal;

/* journal.c */
/* Unpack the request and fill in what follows from it; tenant and function are in the header. 0, -ENOMEM, -EINVAL. */
int record_prepare(struct record *record);
void record_free(struct record *record);
/* It is durable: it is pending from now on, and goes to the store when its turn comes. */
void record_commit(struct record *record);
/* The store has it, and the footer says so. */
void record_done(struct record *record);
/* It will never count: its room is given back with its segment. */
void record_drop(struct record *record);

/* journal_disk.c */
/* Open the directory. 0, or -errno after it was logged. */
int journal_disk_open(const char *path);
/* Room for a record's extent: sets segment and offsets. 0; -ENOSPC the journal or the disk is full; -errno. */
int journal_reserve(struct record *record);
/* Call sync->done() when all that was written so far is durable; writes must have been completed. */
void journal_flush(struct segment *segment, struct journal_sync *sync);
/* Remove the segment if nothing of it counts any more. */
void journal_release(struct segment *segment);
struct segment *segment_new(void);
char *segment_name(uint64_t number, char name[32]);

/* journal_replay.c: read every segment. Returns committed records that are not done, by seq. */
int journal_replay(struct record ***records, size_t *count);

/* journal_upload.c */
/* Nothing of the same key comes before it any more. */
void upload_ready(struct record *record);
/* It is done: says so in its footer, and on disk, and then calls record_done(). */
void record_mark(struct record *record);
/* It goes to the store again, a while later. */
void record_wait(struct record *record);

/* journal_refused.c: what an earlier daemon moved aside. 0, or -errno after it was logged. */
int refused_open(void);

/* journal_move.c */
/*
 * The store refused it for good: it is moved aside, and then done for the
 * journal. Where that fails, it waits and goes to the store again.
 */
void record_refuse(struct record *record, uint32_t http_status, const char *code, const char *message);

#endif
