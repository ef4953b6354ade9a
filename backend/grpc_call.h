/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A gRPC call as a guest sees it: a handle of its channel, driven by operations (grpc_ops.c), or
 * one whole operation (GrpcCall). What is on the other side, a server that the daemon calls
 * (grpc_client.c) or a caller of the daemon's (grpc_served.c), is behind struct grpc_far.
 *
 * What comes is kept until the guest takes it: at most H2_WINDOW bytes, since only what was taken may come again.
 * Everything belongs to the channel's worker.
 */
#ifndef NEXUS_GRPC_CALL_H
#define NEXUS_GRPC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "grpc_wire.h"
#include "loop.h"

struct channel;
struct grpc_call;
struct op;
struct worker;

#define GRPC_CALLS_MAX		128U		/* handles of a channel ... */
#define GRPC_GUEST_CALLS_MAX	256U		/* ... and of all channels of a guest: each may hold 150 KiB here */
#define GRPC_MESSAGE_MAX	(4U << 20)	/* bytes of one that is received, unless the guest says otherwise */

/* The other side's; `far` is its own. None calls back but later in the loop's turn. */
struct grpc_far_type {
	size_t (*write)(struct grpc_call *call, const void *data, size_t len);	/* bytes taken; then grpc_call_room() */
	void (*end)(struct grpc_call *call);		/* a client's: nothing follows */
	void (*consumed)(struct grpc_call *call, size_t len);
	void (*leave)(struct grpc_call *call);		/* the call is over on this side: cancel it; `far` is gone */
	/* A server's; they take the metadata over. */
	void (*headers)(struct grpc_call *call, struct grpc_metadata *metadata, const char *encoding);
	void (*finish)(struct grpc_call *call, unsigned int status, const char *details,
		       struct grpc_metadata *metadata);
};

struct grpc_call {
	struct grpc_call *next, **prev;	/* the channel's; prev NULL: no handle */
	struct channel *channel;
	struct worker *worker;
	uint32_t handle;
	unsigned int refs;
	const struct grpc_far_type *type;
	void *far;			/* NULL: left */
	bool server;			/* somebody calls the guest */

	/* what came */
	struct grpc_metadata initial, trailing;
	bool has_initial, told_initial;
	char *rx;			/* bytes rx_pos to rx_len were not taken yet */
	uint32_t rx_pos, rx_len, rx_cap;
	bool half_closed, told_half_close;
	bool over;			/* with this status */
	bool cut;			/* ended by this side: what came and was not taken is dropped */
	enum grpc_status status;
	char *details;			/* from malloc; NULL: none */

	/* Compressed messages pass as they are: packing and unpacking is the guest's work, and its memory. */
	const char *rx_encoding;	/* of those that come; "": none; constant text, as the next */
	const char *tx_encoding;	/* of those that the guest sends */
	bool takes_compressed;

	/* the message that is being taken */
	uint32_t max_message;
	bool compressed;
	bool in_message;
	uint32_t left;			/* bytes of it */

	struct op *receiver, *sender;	/* at it; GrpcCall is one after the other */
	bool ended;			/* the guest sends no more */
	struct loop_timer deadline;	/* a client's */
	bool broken;			/* an operation was aborted within a message; the timer ends the call */

	/* a server's */
	bool sent_headers;
	bool dying;			/* with its channel: the invocation ends as that says */
	char *invocation;		/* the id of the one that it is; from malloc */
};

/* A handle on the channel, or (channel NULL) none. NULL: no memory, or a limit of handles. */
struct grpc_call *grpc_call_new(struct worker *worker, struct channel *channel);
struct grpc_call *grpc_call_find(struct channel *channel, uint32_t handle);
void grpc_call_get(struct grpc_call *call);
void grpc_call_put(struct grpc_call *call);

/* The handle goes; operations that wait end. */
void grpc_call_close(struct grpc_call *call);
/* The same for all of a channel that comes to its end. */
void grpc_calls_close(struct channel *channel);

/* ---- for the other side; the call may be gone after each but while a reference is held ---- */

void grpc_call_initial(struct grpc_call *call);		/* call->initial is complete */
bool grpc_call_data(struct grpc_call *call, const char *data, size_t len);	/* false: it may not send so much */
void grpc_call_half_close(struct grpc_call *call);
/* It is over; `far` is not used again. */
void grpc_call_over(struct grpc_call *call, enum grpc_status status, const char *details);
void grpc_call_room(struct grpc_call *call);

/* ---- for the parts of this: grpc_call.c, grpc_receive.c, grpc_send.c ---- */

/* The other side goes, whatever it still had. */
void grpc_call_leave(struct grpc_call *call);
/* No handle any more; the reference that was its goes. */
void grpc_call_forget(struct grpc_call *call);
/* Bytes that came and were not taken. */
static inline uint32_t grpc_call_waiting(const struct grpc_call *call)
{
	return call->rx_len - call->rx_pos;
}

/* ---- for the operations ---- */

void grpc_call_cancel(struct grpc_call *call, enum grpc_status status, const char *details);
void grpc_call_deadline(struct grpc_call *call, uint32_t timeout_ms);
/* End it in the loop's next turn. */
void grpc_call_break(struct grpc_call *call);
/* Whether the receiver's slot holds up the daemon's end: not while nothing comes. */
void grpc_call_counts(struct grpc_call *call, bool counts);
/* Move what can be moved. */
void grpc_call_send(struct grpc_call *call);
void grpc_call_receive(struct grpc_call *call);

/* What a sending operation keeps at op->state; and the receiving one that a GrpcCall becomes. */
struct grpc_send {
	struct grpc_call *call;
	uint64_t length, sent;
	uint32_t prefix_sent;
	bool empty, end;
	bool unary;			/* a GrpcCall */
	bool answered;			/* its message is here */
	bool compressed;
	bool waits;			/* not counted as in flight: the daemon's end does not wait for it */
};

#endif
