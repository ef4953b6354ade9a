// SPDX-License-Identifier: GPL-2.0-only
/* The response. */
#include <errno.h>
#include <string.h>
#include "http_step.h"
#include "payload.h"

#define HEAD_FIRST_GUESS	128	/* bytes, shorter than S3's */
#define HEAD_EXACT_STEPS	4	/* reads of what must be missing, before larger ones */
#define HEAD_STEP		64	/* bytes */
#define HEAD_NO_PAYLOAD		4096	/* bytes to read at once when no payload can follow */
#define HEAD_SAME		4	/* heads of one length in a row that make the next one's sure enough */
#define CAUTION_MAX		1000	/* heads, roughly */
#define AHEAD_MAX		16384U	/* bytes of payload to read along with a head */

/* How much to read, such that little or no payload comes along. */
static size_t head_room(struct http *http)
{
	uint32_t guess = conn_pool_answer(http->pool, http->kind)->head;
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

/* Retry-After in seconds; its other form, a date, is not used by stores. */
static uint64_t head_retry_after(const struct http_head *head)
{
	const struct http_field *field = http_head_field(head, "retry-after");
	uint64_t seconds = 0;

	for (uint32_t i = 0; field && i < field->value_len && seconds < 100000; i++) {
		if (field->value[i] < '0' || field->value[i] > '9')
			return 0;
		seconds = 10 * seconds + field->value[i] - '0';
	}
	return 1000 * seconds;
}

static int head_refused(struct http *http, const char *reason)
{
	http->lost = true;
	http->failure = RETRY_TRANSIENT;
	return op_error(http->op, -EPROTO, "NexusConnectionLost", "%s answered with %s",
			conn_pool_url(http->pool), reason);
}

static void answer_remember(struct conn_answer *answer, uint32_t len, const struct http_head *head)
{
	answer->same = answer->head == len ? answer->same + 1 : 1;
	answer->head = len;
	answer->body = head->framing == HTTP_LENGTH ? head->content_length : UINT64_MAX;
}

/* The head of len bytes is complete, and parsed. */
static int head_complete(struct http *http, size_t len, const struct http_head *head)
{
	bool early = http->stage == HTTP_SENDING || http->broken;

	if (head->status < 200) {
		http->in_private = http->in_private ? 1 : 0;
		http->in_len -= len;
		memmove(conn_in(http->conn), conn_in(http->conn) + len, http->in_len);
		return STEP_SOCKET;
	}
	if (early && head->status < 300 && !http->any_status)
		return head_refused(http, "success before it had the whole request");
	http->status = head->status;
	http->framing = head->framing;
	http->announced = head->content_length;
	http->keep = head->keep_alive && !early &&
		     !(http->in_private && (len > http->in_private || head->framing == HTTP_CHUNKED));
	http->payload = http->download && (head->status < 300 || http->any_status);
	http->parsed = http->document && http->type->body && head->status < 300;
	http->surplus = conn_in(http->conn) + len;
	http->surplus_len = http->in_len - len;
	if (http->payload)
		answer_remember(conn_pool_answer(http->pool, http->kind), len, head);
	http->retry_after_ms = head_retry_after(head);
	http->stage = HTTP_RECEIVING;
	http->type->response(http, head);
	return http->verdict == HTTP_AGAIN ? STEP_AGAIN : http->verdict;
}

static void body_took(struct http *http, size_t n)
{
	http->received += n;
	if (http->framing == HTTP_CHUNKED)
		http->chunk.size -= n;
	if (http->payload) {
		if (http->span)
			http->pos += n;
		else
			http->op->windows->done += n;
		counter_add(&http_counters(http)->bytes_from_store, n);
	} else if (!http->parsed) {
		http->body_len += n;
	}
}

/*
 * ---- a head and a small body at once: one system call less ----
 *
 * The body goes to the guest's window, which the guest may change at any time, so nothing there
 * is looked at: the head is expected to end where the window begins, as those before it
 * did. If it does not, the bytes are copied to where surplus is, and the
 * connection ends with this answer, should its framing depend on them.
 */

/* Where payload goes that comes along with a head; 0: the head is to come alone. */
static uint32_t ahead_room(struct http *http, char **to)
{
	const struct conn_answer *answer = conn_pool_answer(http->pool, http->kind);
	struct op_window *window;
	uint64_t begin, room;

	if (http->in_len || http->stage != HTTP_AWAITING || http->broken || !http->download || !http->span ||
	    answer->same < HEAD_SAME + answer->caution || !conn_can_scatter(http->conn))
		return 0;
	window = payload_find(http->op, http->pos, &begin);
	if (!window)
		return 0;
	begin = http->pos - begin;
	room = window->len - begin;
	if (room > http->end - http->pos)
		room = http->end - http->pos;
	*to = window->data + begin;
	return answer->body <= room && room <= AHEAD_MAX ? room : 0;
}

static void ahead_take_back(struct http *http, const char *from, uint32_t len)
{
	struct conn_answer *answer = conn_pool_answer(http->pool, http->kind);

	memcpy(conn_in(http->conn) + http->in_len, from, len);
	if (answer->caution < CAUTION_MAX)
		answer->caution = 2 * answer->caution + 1;
}

/* The head came as expected, and with it len bytes, for which there was room at `to`. As head_complete(). */
static int ahead_complete(struct http *http, const struct http_head *head, uint32_t len, char *to, uint32_t room)
{
	uint32_t came = len < room ? len : room;
	int ret = head_complete(http, http->in_len, head);

	if (ret != STEP_NEXT)
		return ret;
	if (!http->payload || http->framing != HTTP_LENGTH) {
		ahead_take_back(http, to, came);
		http->surplus_len = len;
		http->keep &= http->framing != HTTP_CHUNKED;
		return ret;
	}
	if (came > http->announced) {
		came = http->announced;
		http->keep = false;
	}
	body_took(http, came);
	http->surplus += room;
	http->surplus_len = len > room;
	return ret;
}

/* As conn_recv(). *step: as of head_complete(); STEP_SOCKET: the head is not complete. */
static ssize_t ahead_receive(struct http *http, char *to, uint32_t room, int *step)
{
	uint32_t head = conn_pool_answer(http->pool, http->kind)->head, len;
	char *in = conn_in(http->conn);
	struct iovec places[] = { { in, head }, { to, room }, { in + head + room, 1 } };
	ssize_t n = conn_recv_scatter(http->conn, places, 3, head + room + 1);
	struct http_head parsed;
	const char *reason;

	*step = STEP_SOCKET;
	http->in_len = n <= 0 ? 0 : n < head ? n : head;
	if (n <= head)
		return n;
	len = n - head;
	/* An interim head is followed by another one. What breaks the rules may do so because it is longer, or shorter. */
	if (!http_head_parse(&parsed, in, head, http->head_only, &reason) && parsed.status >= 200) {
		*step = ahead_complete(http, &parsed, len, to, room);
	} else {
		ahead_take_back(http, to, len < room ? len : room);
		http->in_private = head;
		http->in_len = n;
	}
	return n;
}

/* More of the head, and maybe what follows. As ahead_receive(). */
static ssize_t head_receive(struct http *http, int *step)
{
	char *to;
	uint32_t room = ahead_room(http, &to);
	ssize_t n;

	*step = STEP_SOCKET;
	if (room)
		return ahead_receive(http, to, room, step);
	n = conn_recv(http->conn, conn_in(http->conn) + http->in_len, head_room(http));
	if (n > 0)
		http->in_len += n;
	return n;
}

int http_receive_head(struct http *http)
{
	struct http_head head;
	const char *reason;
	uint32_t seen = 0;
	size_t len;
	ssize_t n;
	int ret;

	for (;;) {
		len = http_head_find(conn_in(http->conn), http->in_len, seen);
		if (len) {
			if (http_head_parse(&head, conn_in(http->conn), len, http->head_only, &reason))
				return head_refused(http, reason);
			ret = head_complete(http, len, &head);
			if (ret != STEP_SOCKET)
				return ret;
			seen = 0;
			continue;
		}
		if (http->in_len >= HTTP_HEAD_MAX)
			return head_refused(http, "a head of more than 32 KiB");
		if (http->turn_bytes >= http->turn_limit)
			return STEP_YIELD;
		seen = http->in_len;
		n = head_receive(http, &ret);
		if (n == -EAGAIN)
			return STEP_SOCKET;
		if (n <= 0)
			return http_lost(http);
		http->answered = true;
		http_moved(http, n);
		if (ret != STEP_SOCKET)
			return ret;
	}
}

/*
 * Body bytes, first those that came with the head; last: nothing may follow them. 0 at
 * the stream's end, -EAGAIN, -ECONNRESET.
 */
static ssize_t body_pull(struct http *http, char *to, size_t len, bool last)
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
	n = (last ? conn_recv_last : conn_recv)(http->conn, to, len);
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
	n = body_pull(http, frame, need, false);
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
	if ((n == 0 && http->framing == HTTP_UNTIL_CLOSE) || !http_body_matters(http))
		return STEP_COMPLETE;
	return http_lost(http);
}

/*
 * Is there room in the window? The answer to an exchange may come before the end of
 * its upload: what the guest still sends then is dropped.
 */
static bool body_window_ready(struct http *http, struct op_window *window)
{
	if (http->exchange && !http->turned) {
		if (!window->fin) {
			window->done = window->len;
			return false;
		}
		http_turn(http);
	}
	return window->done < window->len;
}

int http_deliver(struct http *http, const void *data, uint32_t len, uint32_t *sent)
{
	struct op *op = http->op;
	uint32_t n;

	while (*sent < len) {
		while (op->windows && !body_window_ready(http, op->windows)) {
			http->released = true;
			op_window_done(op);
		}
		if (!op->windows)
			return HTTP_WAIT;
		n = op->windows->len - op->windows->done;
		if (n > len - *sent)
			n = len - *sent;
		memcpy(op->windows->data + op->windows->done, (const char *)data + *sent, n);
		op->windows->done += n;
		*sent += n;
	}
	return 0;
}

/* Where the next bytes go. STEP_NEXT; STEP_GUEST no window; STEP_COMPLETE enough of an error's text. */
static int body_target(struct http *http, char **to, size_t *room)
{
	struct op *op = http->op;

	if (http->parsed) {
		*to = conn_in(http->conn);
		*room = HTTP_PIECE;
		return STEP_NEXT;
	}
	if (!http->payload) {
		*to = conn_in(http->conn) + http->body_len;
		*room = CONN_IN_SIZE - http->body_len;
		if (*room)
			return STEP_NEXT;
		http->keep = false;
		return STEP_COMPLETE;
	}
	if (http->span)
		return http_span_target(http, to, room);
	while (op->windows && !body_window_ready(http, op->windows)) {
		http->released = true;
		op_window_done(op);
	}
	if (!op->windows)
		return STEP_GUEST;
	*to = op->windows->data + op->windows->done;
	*room = op->windows->len - op->windows->done;
	return STEP_NEXT;
}

/* A piece of a document, of len bytes; 0: only let it have the windows that came. STEP_NEXT, STEP_GUEST, or -errno. */
static int body_parse(struct http *http, size_t len)
{
	int ret = http->type->body(http, conn_in(http->conn), len);

	http->body_waits = ret == HTTP_WAIT;
	return http->body_waits ? STEP_GUEST : ret;
}

/* All of a document is here: what its parser still held back may want a window. As body_parse(). */
static int body_finish(struct http *http)
{
	if (!http->parsed || http->body_end)
		return STEP_NEXT;
	http->body_end = true;
	return body_parse(http, 0);
}

/* Nothing more for now: a full window need not wait for it. */
static int body_pause(struct http *http, ssize_t n)
{
	struct op_window *window = http->op->windows;

	if (n == -EAGAIN && http->payload && !http->span && window && window->done == window->len) {
		http->released = true;
		op_window_done(http->op);
	}
	return body_ended(http, n);
}

/* An exchange ends with the guest's last window, however early the answer was complete. */
static int body_complete(struct http *http)
{
	char *to;
	size_t room;

	if (http->payload && http->exchange && !http->turned && body_target(http, &to, &room) == STEP_GUEST &&
	    !http->turned)
		return STEP_GUEST;
	return STEP_COMPLETE;
}

int http_receive_body(struct http *http)
{
	size_t room, need;
	uint64_t left;
	char *to;
	ssize_t n;
	int ret;

	ret = http->body_waits ? body_parse(http, 0) : STEP_NEXT;
	if (ret != STEP_NEXT)
		return ret;
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
		if (!left) {
			ret = body_finish(http);
			return ret == STEP_NEXT ? body_complete(http) : ret;
		}
		ret = body_target(http, &to, &room);
		if (ret != STEP_NEXT)
			return ret;
		if (http->turn_bytes >= http->turn_limit)
			return STEP_YIELD;
		n = body_pull(http, to, left < room ? left : room, http->framing == HTTP_LENGTH && left <= room);
		if (n == 0 && http->framing == HTTP_UNTIL_CLOSE) {
			ret = body_finish(http);
			if (ret != STEP_NEXT)
				return ret;
		}
		if (n <= 0)
			return body_ended(http, n);
		body_took(http, n);
		ret = http->parsed ? body_parse(http, n) : STEP_NEXT;
		if (ret != STEP_NEXT)
			return ret;
	}
}
