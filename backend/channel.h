/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A channel: one arena, its rings and slots, as the daemon serves it. Knows
 * nothing of where the pages come from: that is its transport's business
 * (transport_kvm.c, transport_unix.c). Belongs to one worker's thread.
 */
#ifndef NEXUS_CHANNEL_H
#define NEXUS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arena.h"
#include "nexus_dev.h"
#include "nexus_ring_ops.h"
#include "op.h"
#include "order.h"

struct channel;
struct grpc_call;
struct invocation;
struct lender;
struct op_core;
struct prefetch_waiter;

/* Whom a channel serves: a VM, or a connection of the unix transport. */
struct guest {
	const struct tenant *tenant;
	char function[NEXUS_NAME_MAX];
	uint32_t ops;		/* operations that exist; limit: tenant->max_in_flight */
	uint64_t requests;	/* so far; stored relaxed, other threads read it */
	uint32_t polls;		/* operations that wait for news (op_type.poll); the same */
	uint64_t polled;	/* how many of them have begun so far; the same */
	uint32_t vm_id;		/* the module's number; 0: not a VM */
	uint32_t prefetching;	/* prefetches beyond their gate */
	uint32_t grpc_calls;	/* handles, in all channels; limit: GRPC_GUEST_CALLS_MAX */
	struct prefetch_waiter *prefetch_waiters;	/* at it */
	struct order order;	/* of its writes */
	uint64_t restore_generation;	/* another one for each VM, so that a clone learns that it is one; 0: not a VM */
	bool held;		/* a clone whose vCPUs do not run yet: the time of what it has taken does not, either */
	bool internal;		/* the daemon itself (journal_upload.c) */
};

struct channel_transport {
	const char *name;
	/* cq_tail or host_state moved and the guest may sleep on it. */
	void (*notify)(struct channel *channel);
	/*
	 * Optional. The guest says that the arena has another shape (arena_gen): map it,
	 * before a slot is looked at that was submitted after. May break the channel.
	 */
	void (*sync)(struct channel *channel);
	/* The channel came to its end: nothing of it is mapped. Frees what is around it. */
	void (*release)(struct channel *channel);
};

/* What is known of a slot that is in flight: a checked, private copy. */
struct channel_slot {
	bool in_flight;
	uint32_t kind;
	uint32_t flags;
	uint32_t stream;
	uint32_t msg_len, msg_cap;
	uint64_t msg_off;
	uint64_t data_off, data_len;
	struct op_window window;
	struct op_core *stream_op;	/* the open stream that this slot's number names */
};

enum channel_state {
	CHANNEL_NEW,		/* no valid header yet */
	CHANNEL_SERVED,
	CHANNEL_BROKEN,		/* the guest broke the rules; waits for its close */
	CHANNEL_CLOSING,	/* operations still run */
};

/* Instances behind a channel that have answered and not asked again, as long as they are counted: function.h. */
struct returning {
	unsigned int count, disappointed;	/* of the function, when they were counted */
};

struct channel {
	struct worker *worker;
	const struct channel_transport *transport;
	struct guest *guest;
	enum channel_state state;
	struct arena arena;
	uint32_t nr_slots;
	uint64_t control_size;		/* bytes of header, rings and slots */
	uint32_t arena_gen;		/* the guest's, as last seen */
	uint32_t taken;			/* submissions so far: see nexus_slot.data_out */
	uint32_t prefetch_hits, prefetch_useless;	/* the guest's words, as last seen */
	uint32_t sq_head, cq_tail;	/* ours; the shared ones are for the guest to see */
	struct channel_slot *slots;
	uint32_t in_flight;		/* slots */
	struct op_core *ops;		/* operations that exist, ended ones that wait included */
	struct invocation *invocations;	/* that the guest works on, by this channel */
	struct returning returning;
	struct lender *lenders;		/* windows lent for objects that events will name (next.c) */
	struct grpc_call *grpc_calls;	/* handles of this channel (grpc_call.h) ... */
	uint32_t grpc_handles;		/* ... given out so far */
	bool trim;			/* the arena shrank: give the end back when no slot holds it */

	/* worker.c: */
	struct channel *next_active, *next_notify;
	bool active;
	bool notify;			/* on the list: something was published ... */
	bool loud;			/* ... that is worth a wake-up of a guest with NEXUS_GUEST_QUIET */
	uint64_t active_us;		/* when it last had a submission */
};

/*
 * Begin to serve: transport, worker and guest are set, the arena is mapped.
 * Validates the header, recovers what an earlier daemon left in flight and
 * takes what waits. Returns 0, also for a channel in another state than NEW;
 * -EAGAIN the control pages are not all there yet; else the channel is BROKEN:
 * -EPROTONOSUPPORT another ABI major, -EINVAL the header is not one, -ENOMEM.
 */
int channel_attach(struct channel *channel);

/* The arena's size changed (mapped already, if it grew). */
void channel_resize(struct channel *channel, uint64_t size);

/* As the daemon stops, only a guest that works on an event is served on, so that it can answer. */
bool channel_takes(const struct channel *channel);

/*
 * Take the submissions that wait, at most nr_slots of them. Returns true if
 * there were any.
 */
bool channel_take(struct channel *channel);

/* The guest broke the rules: tell it, end its operations, never look again. */
void channel_break(struct channel *channel, const char *why);

/*
 * The guest is gone or going. Uploads that hold all their data are finished,
 * the rest ends; then transport->release() is called, maybe before this returns.
 */
void channel_close(struct channel *channel);

/*
 * The daemon stops: end operations without telling the guest, whose slots stay
 * taken for the next daemon. Nothing remains mapped; no release() is called.
 */
void channel_abandon(struct channel *channel);

/* Publish the completion of a slot in flight. msg: private, at most msg_cap bytes. */
void channel_complete(struct channel *channel, uint32_t slot, int status, uint32_t flags,
		      uint32_t data_out, const void *msg, uint32_t msg_len);

/* op.c: an operation is gone; the channel may have waited for that. */
void channel_op_gone(struct channel *channel);

#endif
