/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One HTTP/1.1 exchange of an operation: a request's head, payload out of the
 * operation's windows or into them, and the response. Payload goes straight
 * between the socket and the window; so that it need not be copied behind the
 * response's head, the head's length is predicted from the last one of its kind.
 *
 * The exchange ends the operation itself (op_finish()), or its type does that
 * (ended()): then several exchanges may move payload of one operation, each a
 * span of it. A failed request is sent again where that can help and do no
 * harm (retry.h).
 */
#ifndef NEXUS_HTTP_H
#define NEXUS_HTTP_H

#include "chunk.h"
#include "conn.h"
#include "http_head.h"
#include "loop.h"
#include "op.h"
#include "retry.h"
#include "share.h"
#include "text.h"

struct http;

/* Whose protocol HTTP carries here. */
struct http_type {
	/*
	 * Required. Write the request's head with its empty line. 0, or -errno
	 * after op_error(). Called again when the request is sent again.
	 */
	int (*request)(struct http *http, struct text *out);

	/*
	 * Required. The response's head (not of a 1xx), which goes when this
	 * returns; of each attempt. May change what is done with the body: `payload`,
	 * `parsed`; or, by `verdict`, end the exchange here.
	 */
	void (*response)(struct http *http, const struct http_head *head);

	/*
	 * Required. All was received. body is what was not payload (an error's
	 * text), cut at CONN_IN_SIZE. Returns the operation's status, after
	 * op_error() if negative; or HTTP_AGAIN: the caller has changed where the
	 * request goes, or the request, which is sent now. With `upload` still set
	 * that needs http_can_replay().
	 */
	int (*complete)(struct http *http, const char *body, size_t len);

	/*
	 * Optional. The exchange has ended, however: let go of what belongs to it.
	 * The operation ends now.
	 */
	void (*end)(struct http *http);

	/*
	 * Optional: takes the `document` piece by piece, so that complete() gets
	 * none of it. 0; HTTP_WAIT: taken, and to be called again, with len 0,
	 * when there is a window; or -errno after op_error().
	 */
	int (*body)(struct http *http, const char *data, size_t len);

	/* Optional, of spans: bytes were moved. Whoever shares the operation gives its windows back. */
	void (*moved)(struct http *http);

	/* Optional, instead of op_finish(). */
	void (*ended)(struct http *http, int status);
};

#define HTTP_AGAIN	1
#define HTTP_WAIT	1
#define HTTP_PIECE	4096	/* bytes that body() gets at once, at most */

enum http_stage {
	HTTP_CONNECTING,
	HTTP_SENDING,
	HTTP_AWAITING,
	HTTP_RECEIVING,
};

struct http {
	/* the caller's, set before http_start() */
	struct op *op;
	const struct http_type *type;
	const struct endpoint *endpoint;	/* where to; lives as long as the operation */
	bool upload;			/* the windows are the request's body */
	bool download;			/* they are to receive the body of a 2xx response */
	bool exchange;			/* both: from the window with FIN on they receive */
	bool any_status;		/* the body is payload whatever the status; it may come early */
	bool document;			/* the body of a 2xx response is no payload, but all of it is needed */
	bool chunked;			/* upload: of unknown length */
	bool once;			/* must not reach the server twice */
	bool patient;			/* the store works before it answers: only the operation's time-out limits that */
	bool head_only;			/* HEAD: the response has no body */
	uint64_t upload_length;		/* bytes of all windows together; an exchange's last may be larger */
	const char *own_body;		/* without `upload`: what follows the head; NULL: nothing */
	uint32_t own_body_len;
	unsigned int kind;		/* whose heads are of one length, < CONN_HEAD_KINDS */

	/*
	 * The payload is this span of the operation's (payload.h): windows are not
	 * touched, but by moved(), or given back in order where there is none.
	 */
	bool span;
	bool resumable;			/* download: type->request() can ask for the span from pos on */
	uint64_t start, end;		/* end: may be set by response() of a download */
	uint64_t pos;			/* what was moved ends before this byte */

	/* for response() to set */
	int verdict;			/* HTTP_AGAIN, as from complete(); or -errno after op_error() */

	/* for the caller to read */
	unsigned int status;		/* of the response */
	struct conn_pool *pool;

	/* http*.c's */
	enum http_stage stage;
	struct conn *conn;
	struct conn_waiter waiter;
	struct loop_timer stall;
	struct loop_timer backoff;	/* until the next attempt */
	uint64_t moved_ms;		/* when a byte moved last */
	struct share_turn turn;
	uint32_t turn_bytes, turn_limit;	/* moved in this turn of the loop, and at most */
	bool running;			/* in http_run() */
	bool timing;			/* it is the store that we wait for */
	bool starved;			/* it is a window */
	bool readable;			/* the socket has news: try to receive */
	bool broken;			/* sending failed; an answer may still be there */
	bool released;			/* a window was completed: no second try */
	bool retried;
	unsigned int attempt;		/* since bytes moved last; from 1 */
	uint64_t attempt_pos;		/* pos when it began */
	enum retry_class failure;	/* of this attempt */
	bool lost;			/* it failed without a whole answer */
	bool entered, probe;		/* the breaker awaits its outcome */
	uint32_t retry_cost;		/* what the quota gets back for a success */
	uint64_t retry_after_ms;	/* as the store asked */

	uint32_t out_len, out_sent;	/* the request's head */
	uint32_t own_body_sent;
	bool checked;			/* the head window was checked */
	bool fin;			/* the last window is in the queue's head */
	bool turned;			/* exchange: the windows receive now */
	bool has_held;
	char held;			/* the body's last byte, until the guest said FIN */
	bool framed;			/* chunked: the head window's size is in `frame` */
	bool framed_end;		/* chunked: so is the body's end */
	char frame[24];			/* chunked: what goes between the data */
	uint32_t frame_len, frame_sent;
	uint64_t base;			/* bytes of the windows sent and completed */

	uint32_t in_len;		/* bytes in conn_in(): head and surplus */
	uint32_t in_private;		/* those before this one never were in the guest's memory */
	uint32_t steps;			/* reads since the prediction ended */
	const char *surplus;		/* body bytes that came with the head */
	uint32_t surplus_len;
	bool answered;			/* a byte of the response came */
	bool payload;			/* the body goes into the windows */
	bool parsed;			/* the body goes to type->body() */
	bool body_waits;		/* which waits for a window */
	bool body_end;			/* it was told that nothing follows */
	bool keep;			/* the connection can be used again */
	enum http_framing framing;
	uint64_t announced;		/* Content-Length */
	uint64_t received;		/* bytes of the body */
	struct chunk chunk;
	uint32_t body_len;		/* of a body that is not payload, in conn_in() */
};

/* Begin. 0: the operation ends through op_finish(), maybe it did already; or -errno after op_error(). */
int http_start(struct http *http);

/*
 * For body(): copy len bytes at data into the windows, from *sent on, which
 * moves. 0: all of them; HTTP_WAIT: there is no window for the rest.
 */
int http_deliver(struct http *http, const void *data, uint32_t len, uint32_t *sent);

/* All of the upload is still in the queue, so that it can be sent again. */
static inline bool http_can_replay(const struct http *http)
{
	return !http->released;
}

/* op_type.window and op_type.abort. */
void http_window(struct http *http);
void http_abort(struct http *http);

#endif
