// SPDX-License-Identifier: GPL-2.0-only
/* The response. */
#include <errno.h>
#include <string.h>
#include "http_step.h"

#define HEAD_FIRST_GUESS	128	/* bytes, shorter than S3's */
#define HEAD_EXACT_STEPS	4	/* reads of what must be missing, before larger ones */
#define HEAD_STEP		64	/* bytes */
#define HEAD_NO_PAYLOAD		4096	/* bytes to read at once when no payload can follow */

/* How much to read, such that little or no payload comes along. */
static size_t head_room(struct http *http)
{
	uint32_t guess = *conn_pool_head_guess(http->pool, http->kind);
	size_t room;

	if (!http->download)
		room = HEAD_NO_PAYLOAD;
	else if (http->in_len < (guess ? guess : HEAD_FIRST_GUESS))
		room = (guess ? guess : HEAD_FIRST_GUESS) - http->in_len;
	else if (http->steps++ < HEAD_EXACT_STEPS)
		room = http_head_need(conn_in(http->conn), http->in_len);
	else
		room = HEAD_STEP;
	return room < HTTP_HEAD_MAX - http->in_len ? room : HTTP_HEAD_MAX - http->in_len;
}

static int head_refused(struct http *http, const char *reason)
{
	return op_error(http->op, -EPROTO, "NexusConnectionLost", "%s answered with %s",
			conn_pool_url(http->pool), reason);
}

/* The head of len bytes is complete. */
static int head_complete(struct http *http, size_t len)
{
	bool early = http->stage == HTTP_SENDING || http->broken;
	struct http_head head;
	const char *reason;

	if (http_head_parse(&head, conn_in(http->conn), len, http->head_only, &reason))
		return head_refused(http, reason);
	if (head.status < 200) {
		http->in_len -= len;
		memmove(conn_in(http->conn), conn_in(http->conn) + len, http->in_len);
		return STEP_SOCKET;
	}
	if (early && head.status < 300)
		return head_refused(http, "success before it had the whole request");
	http->status = head.status;
	http->framing = head.framing;
	http->announced = head.content_length;
	http->keep = head.keep_alive && !early;
	http->payload = http->download && head.status < 300;
	http->surplus = conn_in(http->conn) + len;
	http->surplus_len = http->in_len - len;
	if (http->payload)
		*conn_pool_head_guess(http->pool, http->kind) = len;
	http->type->response(http, &head);
	http->stage = HTTP_RECEIVING;
	return STEP_NEXT;
}

int http_receive_head(struct http *http)
{
	uint32_t seen = 0;
	size_t len;
	ssize_t n;
	int ret;

	for (;;) {
		len = http_head_find(conn_in(http->conn), http->in_len, seen);
		if (len) {
			ret = head_complete(http, len);
			if (ret != STEP_SOCKET)
				return ret;
			seen = 0;
			continue;
		}
		if (http->in_len == HTTP_HEAD_MAX)
			return head_refused(http, "a head of more than 32 KiB");
		if (http->turn_bytes >= HTTP_TURN_BYTES)
			return STEP_YIELD;
		seen = http->in_len;
		n = conn_recv(http->conn, conn_in(http->conn) + http->in_len, head_room(http));
		if (n == -EAGAIN)
			return STEP_SOCKET;
		if (n <= 0)
			return http_lost(http);
		http->answered = true;
		http->in_len += n;
		http_moved(http, n);
	}
}

/* Body bytes, first those that came with the head. 0 at the stream's end, -EAGAIN, -ECONNRESET. */
static ssize_t body_pull(struct http *http, char *to, size_t len)
{
	ssize_t n;

	if (http->surplus_len) {
		n = len < http->surplus_len ? len : http->surplus_len;
		memmove(to, http->surplus, n);
		http->surplus += n;
		http->surplus_len -= n;
		if (http->payload)
			counter_add(&http_counters(http)->bytes_copied, n);
		return n;
	}
	n = conn_recv(http->conn, to, len);
	if (n > 0)
		http_moved(http, n);
	return n;
}

/* A chunk's frame, read so that no data comes along: none of it is payload. As body_pull(); -EPROTO after op_error(). */
static int body_frame(struct http *http, size_t need)
{
	bool payload = http->payload;
	char frame[8];
	ssize_t n;

	http->payload = false;
	n = body_pull(http, frame, need);
	http->payload = payload;
	if (n > 0 && chunk_feed(&http->chunk, frame, n))
		return head_refused(http, "a chunked body that breaks the rules");
	return n;
}

/* Bytes that may come next, at most; 0: the body is complete. */
static uint64_t body_left(const struct http *http)
{
	switch (http->framing) {
	case HTTP_LENGTH:
		return http->announced - http->received;
	case HTTP_CHUNKED:
		return http->chunk.state == CHUNK_END ? 0 : http->chunk.size;
	case HTTP_UNTIL_CLOSE:
		return UINT64_MAX;
	default:
		return 0;
	}
}

/* The stream ended, or broke. What is no payload only explains an error: take what came. */
static int body_ended(struct http *http, ssize_t n)
{
	if (n == -EAGAIN)
		return STEP_SOCKET;
	http->keep = false;
	if ((n == 0 && http->framing == HTTP_UNTIL_CLOSE) || !http->payload)
		return STEP_COMPLETE;
	return http_lost(http);
}

/* Where the next bytes go. STEP_NEXT; STEP_GUEST no window; STEP_COMPLETE enough of an error's text. */
static int body_target(struct http *http, char **to, size_t *room)
{
	struct op *op = http->op;

	if (!http->payload) {
		*to = conn_in(http->conn) + http->body_len;
		*room = CONN_IN_SIZE - http->body_len;
		if (*room)
			return STEP_NEXT;
		http->keep = false;
		return STEP_COMPLETE;
	}
	while (op->windows && op->windows->done == op->windows->len) {
		http->released = true;
		op_window_done(op);
	}
	if (!op->windows)
		return STEP_GUEST;
	*to = op->windows->data + op->windows->done;
	*room = op->windows->len - op->windows->done;
	return STEP_NEXT;
}

static void body_took(struct http *http, size_t n)
{
	http->received += n;
	if (http->framing == HTTP_CHUNKED)
		http->chunk.size -= n;
	if (http->payload) {
		http->op->windows->done += n;
		counter_add(&http_counters(http)->bytes_from_store, n);
	} else {
		http->body_len += n;
	}
}

/* Nothing more for now: a full window need not wait for it. */
static int body_pause(struct http *http, ssize_t n)
{
	struct op_window *window = http->op->windows;

	if (n == -EAGAIN && http->payload && window && window->done == window->len) {
		http->released = true;
		op_window_done(http->op);
	}
	return body_ended(http, n);
}

int http_receive_body(struct http *http)
{
	size_t room, need;
	uint64_t left;
	char *to;
	ssize_t n;
	int ret;

	for (;;) {
		if (http->framing == HTTP_CHUNKED && (need = chunk_need(&http->chunk))) {
			n = body_frame(http, need);
			if (n == -EPROTO)
				return n;
			if (n <= 0)
				return body_pause(http, n);
			continue;
		}
		left = body_left(http);
		if (!left)
			return STEP_COMPLETE;
		ret = body_target(http, &to, &room);
		if (ret != STEP_NEXT)
			return ret;
		if (http->turn_bytes >= HTTP_TURN_BYTES)
			return STEP_YIELD;
		n = body_pull(http, to, left < room ? left : room);
		if (n <= 0)
			return body_ended(http, n);
		body_took(http, n);
	}
}
