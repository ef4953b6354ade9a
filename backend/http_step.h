/* SPDX-License-Identifier: GPL-2.0-only */
/* Between http.c (the life of an exchange) and its two directions. */
#ifndef NEXUS_HTTP_STEP_H
#define NEXUS_HTTP_STEP_H

#include "http.h"
#include "worker.h"

/* What a step returns, besides a negative errno after op_error(). */
enum http_step {
	STEP_NEXT,		/* go on with the stage that is set now */
	STEP_SOCKET,		/* wait for the socket */
	STEP_GUEST,		/* wait for a window */
	STEP_YIELD,		/* let others have their turn */
	STEP_RETRY,		/* the connection was stale: once more on a fresh one */
	STEP_AGAIN,		/* the type has another request */
	STEP_COMPLETE,
};

#define HTTP_TURN_BYTES	(1U << 20)	/* moved before others have their turn */

int http_send(struct http *http);		/* in HTTP_SENDING */
int http_receive_head(struct http *http);	/* in HTTP_SENDING and HTTP_AWAITING */
int http_receive_body(struct http *http);	/* in HTTP_RECEIVING */

/* Check the head window of an upload against the length announced. 0 or -EINVAL after op_error(). */
int http_check_window(struct http *http);

/* An exchange's upload is over: all of its last window is room. */
void http_turn(struct http *http);

/* Spans: http_span.c. Send what the windows hold of it: 0 or a step. */
int http_span_send(struct http *http);
/* Where the next bytes received go. STEP_NEXT or STEP_GUEST. */
int http_span_target(struct http *http, char **to, size_t *room);

/* Bytes for the peer: how many it took, or a step. */
ssize_t http_push(struct http *http, const char *data, size_t len);

/* The connection ended too early: STEP_RETRY, or -ECONNRESET after op_error(). */
int http_lost(struct http *http);

/* Or else the body only explains a status that is known already. */
static inline bool http_body_matters(const struct http *http)
{
	return http->payload || (http->document && http->status < 300);
}

/* Bytes moved either way. */
void http_moved(struct http *http, size_t n);

static inline struct counters *http_counters(struct http *http)
{
	return &http->op->worker->counters;
}

#endif
