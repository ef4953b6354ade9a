/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core's side of an operation: what channels and the worker need of it.
 *
 * Life: a request's slot is checked, its message copied and unpacked, policy
 * asked, type->start() called. From then the op runs. While it runs its slots
 * are completed by op_window_done() and op_finish(). An end that finds no
 * window to carry it stays (`ended`) until the guest sends or cancels one.
 */
#ifndef NEXUS_OP_CORE_H
#define NEXUS_OP_CORE_H

#include "loop.h"
#include "nexus_ring.h"
#include "op.h"
#include "share.h"
#include "timeline.h"

struct channel;
struct worker_core;

/* What an operation may op_alloc() before it falls back on malloc. */
#define OP_ALLOC_MAX	16384
/* Unpacked form of a message: bounds what small repeated fields blow up to. */
#define OP_UNPACK_MAX	(4 * NEXUS_MSG_MAX)

struct op_core {
	struct op op;
	struct op_core *next, **prev;	/* the channel's ops; or next in the worker's pool */
	struct op_window **windows_tail;
	struct loop_timer timer;
	uint32_t timeout_ms;
	unsigned int gates;		/* entered so far: those that must be left */
	bool parked;			/* at the last of them */
	bool polls;			/* counted in guest->polls */
	struct op_core *next_open, **prev_open;	/* the worker's list of parked ones that may go on */
	struct share_turn share;	/* share.c's */
	uint64_t moved;			/* bytes through its windows so far */
	struct order_claim *claim;	/* order.c's */
	struct journal_waiter *journal_waiter;	/* journal_gate.c's */
	struct timeline_mark mark;	/* fetched ahead for an event */
	bool request_done;		/* the request's own slot was completed */
	bool fin;			/* upload: all its data is here */
	bool ended;			/* only the end's status and response are left */
	int status;			/* of the end */
	struct op_block *blocks;	/* from malloc */
	size_t unpacked;		/* bytes */
	size_t used;			/* bytes of memory */
	char memory[NEXUS_MSG_MAX + OP_UNPACK_MAX + OP_ALLOC_MAX] __attribute__((aligned(16)));
};

/* Begin, continue or cancel what slot number (in flight, not yet checked) says. */
void op_submit(struct channel *channel, uint32_t number);

/*
 * The same after a crash of the daemon: a request that may not be run twice is
 * completed with -ECONNRESET.
 */
void op_resubmit(struct channel *channel, uint32_t number);

/* Complete a slot that has no operation with an error. code is one of nexus.proto's. */
void op_refuse(struct channel *channel, uint32_t number, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Does the channel have no other operations than those that wait for news (op_type.poll)? */
bool op_all_poll(const struct channel *channel);

/* End all operations of the channel without completing their slots. */
void op_abandon_all(struct channel *channel);
/* The same, but uploads that have all their data go on. */
void op_close_all(struct channel *channel);

/*
 * A parked operation turns out to be this one, of a type that has state; request lives as long as
 * it. Its time begins now.
 */
void op_become(struct op *op, const Nexus__V1__Request *request);

/* Parked operations whose gate has opened go on. The worker's; from its loop. */
void op_open_all(struct worker_core *core);

/* The worker's pool of operations. */
void op_pool_free(struct op_core *pool);

#endif
