/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT */
/*
 * The arena: memory that one guest process and the daemon share.
 *
 *	page 0		struct nexus_ring_header, then the two rings
 *	page 1..	slot table: nr_slots * struct nexus_slot
 *	then		buffers for messages and payload, managed by the guest
 *
 * All fields are little endian. A position is a byte offset from the arena's
 * start, so that each side may map it anywhere. The arena grows and shrinks at
 * its end only (SHARE, UNSHARE).
 *
 * Requests live in numbered slots; the rings carry slot numbers. The guest
 * owns a slot until it has put its number in the submission ring, the daemon
 * from then until the number comes back in the completion ring. A slot is in
 * at most one ring at a time and each ring holds nr_slots entries, so that no
 * ring can overflow.
 *
 * Indices run freely over 32 bits; entry i of a ring is ring[i % nr_slots].
 * The writer of a tail fills the entry, then stores the tail with release
 * semantics; the reader of it loads with acquire. Functions: nexus_ring_ops.h.
 *
 * Trust: the daemon believes nothing here. It reads each field once, checks
 * the copy, and answers a breach of these rules by setting NEXUS_HOST_BROKEN
 * and never looking at the channel again (it can only be closed).
 *
 * Sleep and wake-up: a side that is about to sleep sets its flag, executes a
 * full barrier, looks at its ring once more, and sleeps only if that is empty.
 * A side that has published executes a full barrier, and wakes the other if
 * that flag is set: KICK towards the host, NEXUS_IOC_NOTIFY (kvm) or a futex
 * wake on cq_tail (unix) towards the guest. NEXUS_GUEST_QUIET is a hint that saves
 * exits of a guest that waits for its next event: it changes under a full barrier, too,
 * and whoever takes it back looks at its ring again.
 *
 * Crash of the daemon: slot states tell the next daemon what was in flight.
 * NEXUS_SLOT_TAKEN slots are run again (what is idempotent) or completed with
 * -ECONNRESET; NEXUS_SLOT_DONE slots missing from the completion ring between
 * cq_head (read first) and cq_tail are published again. A guest ignores the
 * completion of a slot that is not in flight.
 */
#ifndef _UAPI_NEXUS_RING_H
#define _UAPI_NEXUS_RING_H

#include <linux/types.h>

#define NEXUS_RING_MAGIC	0x5355584eU	/* "NXUS" */
#define NEXUS_MIN_SLOTS		4
#define NEXUS_MAX_SLOTS		256	/* a power of two; both rings fit in page 0 */

/* host_flags */
#define NEXUS_HOST_NEED_KICK	1U	/* the daemon sleeps: KICK after publishing */
#define NEXUS_HOST_THROUGH	2U	/* too much is unwritten: deferred writes wait for completion */
#define NEXUS_HOST_DEFERRED	4U	/* the configured write mode is deferred */
#define NEXUS_HOST_INVOKED	8U	/* none is configured: puts between Next and Respond ask for deferred */

/* guest_flags */
#define NEXUS_GUEST_NEED_WAKE	1U	/* the guest sleeps: wake it after publishing */
#define NEXUS_GUEST_QUIET	2U	/* with it: not for completions of NEXUS_SLOT_QUIET alone */

/* host_state */
#define NEXUS_HOST_ABSENT	0U	/* no daemon has mapped the arena yet */
#define NEXUS_HOST_ATTACHED	1U	/* served */
#define NEXUS_HOST_BROKEN	2U	/* refused: header or ring breaks the rules */
#define NEXUS_HOST_GONE		3U	/* closed; the daemon will not write again */

/* Four cache lines: constants, guest-written, host-written, host's rare ones. */
struct nexus_ring_header {
	/* written by the guest before the first SHARE, constant after */
	__u32 magic;		/* NEXUS_RING_MAGIC */
	__u32 version;		/* NEXUS_ABI_VERSION of the guest library */
	__u32 nr_slots;		/* power of two in [NEXUS_MIN_SLOTS, NEXUS_MAX_SLOTS] */
	__u32 reserved0[13];	/* 0 */

	/* written by the guest */
	__u32 sq_tail;		/* submissions published */
	__u32 cq_head;		/* completions consumed */
	__u32 guest_flags;
	__u32 arena_gen;	/* kvm: moved after each SHARE or UNSHARE but the first, before
				 * a slot names memory by the arena's new shape: tells the daemon
				 * to look at the grants before it looks at the slot
				 */
	__u32 prefetch_hits;	/* objects fetched ahead that were asked for, so far; statistics */
	__u32 prefetch_useless;	/* and those that were not */
	__u32 reserved1[10];	/* 0 */

	/* written by the daemon */
	__u32 cq_tail;		/* completions published; WAIT's futex word */
	__u32 sq_head;		/* submissions taken */
	__u32 host_flags;
	__u32 reserved2[13];

	__u32 host_state;	/* NEXUS_HOST_*: a futex word on the unix transport */
	__u32 host_version;	/* NEXUS_ABI_VERSION of the daemon */
	__u32 reserved3[14];
};

/* Byte offsets within the arena. */
#define NEXUS_SQ_OFFSET		256	/* __u32 sq[nr_slots], guest-written */
#define NEXUS_CQ_OFFSET		(NEXUS_SQ_OFFSET + 4 * NEXUS_MAX_SLOTS)	/* __u32 cq[nr_slots], host-written */
#define NEXUS_SLOT_OFFSET	4096
#define NEXUS_CONTROL_SIZE(nr)	((NEXUS_SLOT_OFFSET + (nr) * 64UL + 4095) & ~4095UL)

/* nexus_slot.kind */
#define NEXUS_SLOT_REQUEST	1U	/* a message, and the first window if any */
#define NEXUS_SLOT_WINDOW	2U	/* one more window for an open stream */
#define NEXUS_SLOT_CANCEL	3U	/* end the stream or request of slot `stream` */

/* nexus_slot.flags, guest to host */
#define NEXUS_SLOT_FIN		1U	/* this window ends an upload */
#define NEXUS_SLOT_QUIET	2U	/* nobody waits for its completion: see NEXUS_GUEST_QUIET */

/* nexus_slot.result_flags, host to guest */
#define NEXUS_SLOT_MORE		1U	/* the stream goes on: send windows */

/* nexus_slot.state */
#define NEXUS_SLOT_FREE		0U	/* the guest's; it writes this before it moves cq_head */
#define NEXUS_SLOT_TAKEN	1U	/* the daemon took it from the ring */
#define NEXUS_SLOT_DONE		2U	/* the daemon finished with it; written before cq_tail moves */

#define NEXUS_MSG_MAX		16384U	/* bytes of one request or response message */

/*
 * Payload of any size moves in windows, each a slot of its own. The request's
 * slot brings the first. When a window of a download is full and bytes remain,
 * it completes with NEXUS_SLOT_MORE; the guest queues NEXUS_SLOT_WINDOW slots
 * with `stream` naming the request's slot, and they are filled in the order of
 * submission. An upload's window completes with MORE when it was sent, until
 * the one with NEXUS_SLOT_FIN, which completes with the store's answer.
 * An operation that both sends and receives (nexus.proto) turns with FIN: that
 * window, once it is sent, is the first to receive, all of it is room, and
 * data_out tells how much came; the windows behind it are as a download's.
 * It may be larger than what is sent of it, which the message tells; where the
 * message leaves the length open, all of it is sent, and that much is room. The
 * Response comes with it. If the answer is there before the end of the upload,
 * what is still sent up to FIN is dropped.
 * A stream is named by its request's slot number, which is not to be
 * reused before the stream has ended: a completion without MORE ends it, for
 * every window still queued too (each is completed; in a download the ones
 * past the end with data_out 0, after an error with the same status).
 * -ECONNRESET answers a window of a stream that is not open.
 *
 * CANCEL completes with 0 (or -ENOENT if nothing was in flight); what it
 * cancelled completes with -ECANCELED, before it.
 *
 * Messages are protobuf (nexus.proto): nexus.v1.Request in, nexus.v1.Response
 * out, into the same buffer, when the slot completes. A Response longer than
 * msg_cap drops optional parts (metadata first), never the error's code.
 */
struct nexus_slot {
	/* written by the guest, constant while in flight */
	__u32 kind;		/* NEXUS_SLOT_REQUEST, ... */
	__u32 flags;
	__u32 stream;		/* WINDOW, CANCEL: number of the request's slot */
	__u32 msg_len;		/* bytes of the request message; <= NEXUS_MSG_MAX */
	__u64 msg_off;		/* message buffer: request in, response out */
	__u64 data_off;		/* window of payload */
	__u64 data_len;		/* its size: to send, or room to receive; may be 0 */
	__u32 msg_cap;		/* size of the message buffer; >= msg_len */

	/* written by the daemon, valid once completed */
	__s32 status;		/* 0 or a negative errno */
	__u32 msg_out;		/* bytes of the response message */
	__u32 result_flags;
	__u32 state;		/* NEXUS_SLOT_FREE, ... */
	__u32 data_out;		/* bytes moved through the window; in a TAKEN slot: the
				 * how-manieth submission it was, which orders a recovery
				 */
};

#define NEXUS_WINDOW_MAX	(1UL << 30)	/* bytes: data_len's limit */

_Static_assert(sizeof(struct nexus_ring_header) == 256, "header is four cache lines");
_Static_assert(sizeof(struct nexus_slot) == 64, "a slot is one cache line");
_Static_assert(NEXUS_CQ_OFFSET + 4 * NEXUS_MAX_SLOTS <= 4096, "rings fit in page 0");

#endif
