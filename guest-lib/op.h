/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An operation: a request's slot, the windows of its payload, and its result.
 *
 * It is one of three kinds. DIRECT: at most one buffer, the caller's own arena
 * memory, one slot. DOWNLOAD and UPLOAD: payload moves through windows, either
 * driven by the caller (a stream) or from and into plain memory of his (pumped).
 * An exchange is an UPLOAD, and a DOWNLOAD from its window with FIN on.
 *
 * Everything is protected by the channel's lock, but `held`, its memory, `pos`
 * and the plain buffer, which belong to the thread that uses the operation.
 */
#ifndef OP_H
#define OP_H

#include "bump.h"
#include "channel.h"
#include "nexus.pb-c.h"

#define OP_WINDOWS	3	/* one with the caller, two with the daemon */
#define OP_MSG_CAP	4096U	/* usual size of a message buffer */
#define OP_WINDOW_MSG	1024U	/* for the answer in a window's slot: no headers, an error at most */
#define OP_SPARES	4	/* operations kept for reuse */

enum op_mode { OP_DIRECT, OP_DOWNLOAD, OP_UPLOAD };

enum window_state {
	WINDOW_ABSENT,		/* no memory */
	WINDOW_IDLE,
	WINDOW_HELD,		/* with the caller */
	WINDOW_QUEUED,		/* with the daemon */
	WINDOW_FULL,		/* a download's, not read yet */
};

struct window {
	enum window_state state;
	bool last;		/* FULL: ends the stream */
	bool sends;		/* QUEUED: payload of an exchange's upload */
	uint32_t cap;		/* bytes */
	uint32_t len;		/* FULL: bytes received */
	uint64_t off;
};

struct nexus_op {
	struct nexus *nx;
	struct nexus_op *prev, *next;	/* nx->ops; nx->spare_ops uses next only */
	struct nexus_op *next_cancel;	/* nx->cancels */
	enum op_mode mode;
	bool upload;			/* payload goes to the host */
	bool exchange;			/* and then comes back: mode and upload change in between */
	bool chunked;			/* exchange: of unknown length, until nexus_finish() */
	bool split;			/* a long answer's last window brings the rest of its `grpc` */
	bool finishing;			/* exchange: the next window is the upload's last */
	bool pumped;			/* windows are filled and emptied by the library */
	bool started;			/* the request was submitted */
	bool closed;			/* the daemon has ended it */
	bool ended;			/* status is final */
	bool released;			/* the caller has let go */
	bool cancelled;			/* on nx->cancels, or sent */
	bool flush;			/* ends with what became of deferred writes */
	bool deferred;			/* ends when the host has all of it, if that is in one window */
	bool acknowledged;		/* it ended so: what becomes of it, a flush tells */
	bool quiet;			/* nobody waits for its end: NEXUS_SLOT_QUIET */
	bool hold;			/* another submission follows at once, and brings the kick */
	int status;
	int host_status;		/* closed: as the daemon said */
	uint32_t timeout_ms;		/* as asked for; 0: the tenant's */
	int64_t deadline;		/* when the library gives up by itself */
	unsigned int in_flight;		/* slots with the daemon, a cancel included */

	uint32_t slot;			/* the request's; the stream's name while it is open */
	uint32_t spare_slot;		/* kept for windows: a stream can always go on */
	uint32_t answer_cap;		/* room for the answer that is wanted; 0: the usual */
	uint32_t window_msg;		/* room for it in the slots of windows; 0: OP_WINDOW_MSG */
	uint32_t msg_cap;		/* of the request's part of the message buffer */
	uint32_t msg_size;		/* of all of it; 0: none */
	uint32_t msg_len;		/* of the packed request */
	size_t msg_off;
	struct arena_block *pinned;	/* DIRECT: holds the caller's buffer */
	uint64_t data_off, data_len;	/* DIRECT */

	struct window windows[OP_WINDOWS];
	struct window *order[OP_WINDOWS];	/* DOWNLOAD: QUEUED and FULL ones, oldest first */
	unsigned int nr_order;
	uint32_t window_size;
	struct window *held;		/* with the caller */
	size_t pos;			/* bytes of `held` that he consumed or filled */
	char *buf;			/* pumped: plain memory */
	uint64_t total;			/* UPLOAD: length; DOWNLOAD, pumped: room at buf */
	uint64_t moved;			/* payload bytes so far */
	uint64_t queued;		/* bytes of payload, or of room, submitted */

	uint64_t wrote;			/* hash of the object that it writes; 0: none (prefetch.c) */
	void *again;			/* a prefetch that was taken over: the GET's own message, in `memory` */
	uint32_t again_len;
	void *request;			/* a download's, packed, in `memory`; NULL: it is not to be resumed */
	uint32_t request_len;
	unsigned int resumes;		/* since bytes came last */
	bool resuming;			/* its connection was lost, the rest will be asked for */
	void *packed;			/* DIRECT: a response that nobody asked for yet; NULL: none, or it is below */
	uint32_t packed_len;
	Nexus__V1__Response *response;	/* NULL: none; in `memory` */
	Nexus__V1__Response *failure;	/* what ended the stream after `response` */
	char target[96];		/* deferred: bucket and key, for messages; may be cut off */
	const char *code;		/* local failures; else NULL */
	char message[192];
	struct bump memory;
};

/* How an operation's payload moves. */
struct op_payload {
	bool upload;
	bool exchange;		/* an upload stream, and then a download */
	bool chunked;		/* exchange: the length is not known */
	bool stream;		/* driven by the caller */
	bool windows;		/* not straight from buf, wherever it lies */
	const void *buf;
	uint64_t len;		/* of buf; of an upload's payload */
};

/* What came back in a slot, read once and checked. */
struct completion {
	uint32_t slot, msg_len, data_len;
	int32_t status;
	bool more;
	const void *msg;	/* in the arena */
};

/* Bits for op_options(): what an operation takes. */
#define OPTION_WINDOW		1U
#define OPTION_RANGE		2U
#define OPTION_IF_MATCH		4U
#define OPTION_VERSION_ID	8U
#define OPTION_CONTENT		16U	/* content_type, metadata */
#define OPTION_WRITE_MODE	32U
#define OPTION_CONDITIONS	64U	/* if_none_match, if_modified_since, if_unmodified_since */
#define OPTION_HEADERS		128U
#define OPTION_SINGLE		256U

/* op.c: life. NULL: out of memory. */
struct nexus_op *op_new(struct nexus *nx);

/* Before the arena shrinks: message buffers kept for reuse do not hold up its tail. nx->lock held. */
void op_spares_trim(struct nexus *nx);

/* A failure found on this side: the status is final, unless it was. Returns status. */
int op_fail(struct nexus_op *op, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The status is final, unless it was. nx->lock held, for all that follow. */
void op_end(struct nexus_op *op, int status);

/* Fail because the channel is lost. Returns the status. */
int op_fail_dead(struct nexus_op *op);

/* nexus_op_free(). */
void op_drop(struct nexus_op *op);

/* Let it run on by itself; its memory goes with its end. Without the lock. */
void op_detach(struct nexus_op *op);

/* A slot of the operation came back. */
void op_complete(struct nexus_op *op, struct window *w, const struct completion *c);

/* Let go of memory and slots if it has ended and nothing is in flight. Frees a released operation. */
void op_settle(struct nexus_op *op);

/*
 * The last window of a deferred write is submitted: the daemon will finish it, whatever
 * becomes of this process. Unless the daemon asks to be waited for, that is the end.
 */
void op_acknowledge(struct nexus_op *op);

/* queue_kick() or queue_hold() for what the operation submitted. nx->lock held. */
void op_kick(struct nexus_op *op);

/* The payload moves: what is limited from now on is the time to its next window. */
void op_progress(struct nexus_op *op);

/* Ask the daemon to end it. */
void op_cancel(struct nexus_op *op);

/* Time is up: fail, cancel, and wait a little for the daemon to let go. Returns -ETIMEDOUT. */
int op_expire(struct nexus_op *op);

/* For synchronous calls, without the lock: wait for the end. Returns the status. */
int op_finish(struct nexus_op *op);

/* Hand the operation over at *out, or free it. Returns ret. */
int op_return(struct nexus_op *op, struct nexus_op **out, int ret);

/*
 * start.c: from options and message to the first slot; without the lock. Copy
 * the caller's options, which may be NULL. 0, or a negative errno after
 * op_fail(): a member that is not in `allowed` (OPTION_*) or unknown is set.
 */
int op_options(struct nexus_op *op, struct nexus_options *o, const struct nexus_options *from,
	       unsigned int allowed);

/* Fill in the object's name; fails the operation if it is no name at all. */
int op_object(struct nexus_op *op, Nexus__V1__ObjectName *name, const char *bucket, const char *key);

/* The object's name, a list of fields and the like: memory that lives as long as the operation. NULL: it failed. */
void *op_alloc(struct nexus_op *op, size_t size);

/*
 * Names and values in the message's form, at *list. 0, or a negative errno
 * after op_fail(). what: for messages.
 */
int op_fields(struct nexus_op *op, const struct nexus_field *fields, size_t nr, const char *what,
	      Nexus__V1__Field ***list);

/* A text of the caller's, who need not have set it. */
static inline char *op_text(const char *text)
{
	return (char *)(text ? text : protobuf_c_empty_string);
}

/* Submit, waiting for a slot if `block`. Failures end the operation. */
void op_start(struct nexus_op *op, Nexus__V1__Request *req, const struct op_payload *payload,
	      const struct nexus_options *o, bool block);

/* Submit the request's slot with this payload. nx->lock held. */
void op_submit(struct nexus_op *op, struct window *w, uint64_t off, uint64_t len, bool fin);

/* exchange.c: send what is at buf, then take what comes into the cap bytes at out. Its length, or the status. */
ssize_t op_exchange(struct nexus_op *op, const void *buf, size_t len, void *out, size_t cap);

/* Send the packed message of the upload, and wait for the end. Returns the status. */
int op_send_message(struct nexus_op *op, const ProtobufCMessage *message);

/*
 * Take all that comes, a message of at most max bytes, and unpack it to memory
 * of malloc(), for protobuf_c_message_free_unpacked(). 0, or the status.
 */
int op_take_message(struct nexus_op *op, const ProtobufCMessageDescriptor *type, size_t max, ProtobufCMessage **message);

/*
 * result.c: copy the answer out of the arena and unpack the copy; that of a direct
 * operation's success when it is asked for. nx->lock held.
 */
void result_take(struct nexus_op *op, const struct completion *c);

/* The answer, NULL if there is none. nx->lock held. */
const Nexus__V1__Response *result_response(const struct nexus_op *op);

/* The body's length as announced by the store; 0: not announced. */
uint64_t result_length(const struct nexus_op *op);

#endif
