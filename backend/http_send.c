// SPDX-License-Identifier: GPL-2.0-only
/*
 * The request. Its last byte is not sent before the guest said that no window
 * follows (FIN) and the lengths agree: so a store never takes a wrong upload
 * for a complete one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "http_step.h"

/* Bytes of the window that are sent: an exchange's last may be larger, to receive. */
static uint32_t window_end(const struct http *http, const struct op_window *window)
{
	uint64_t left = http->upload_length - http->base;

	return !http->chunked && left < window->len ? left : window->len;
}

void http_turn(struct http *http)
{
	struct op_window *window = http->op->windows;

	http->base += window_end(http, window);
	window->done = 0;
	http->turned = true;
}

ssize_t http_push(struct http *http, const char *data, size_t len)
{
	ssize_t n = conn_send(http->conn, data, len);

	if (n > 0)
		http_moved(http, n);
	return n;
}

int http_check_window(struct http *http)
{
	struct op_window *window = http->op->windows;
	uint64_t end;

	if (!http->upload || http->span || !window || http->checked)
		return 0;
	end = http->base + window->len;
	if (http->chunked || (http->exchange && window->fin && end > http->upload_length))
		end = http->upload_length;
	if (end > http->upload_length)
		return op_error(http->op, -EINVAL, "NexusBadRequest",
				"the windows hold %" PRIu64 " bytes or more, content_length says %" PRIu64,
				end, http->upload_length);
	if (window->fin && end < http->upload_length)
		return op_error(http->op, -EINVAL, "NexusBadRequest",
				"the upload ended after %" PRIu64 " bytes, content_length says %" PRIu64,
				end, http->upload_length);
	http->checked = true;
	http->fin = window->fin;
	return 0;
}

static int http_send_head(struct http *http)
{
	bool hold = http->upload && !http->upload_length && !http->fin && !http->chunked && !http->span;
	uint32_t end = http->out_len - hold;
	ssize_t n;

	while (http->out_sent < end) {
		n = http_push(http, conn_out(http->conn) + http->out_sent, end - http->out_sent);
		if (n < 0)
			return n;
		http->out_sent += n;
	}
	return 0;
}

static int http_send_window(struct http *http, struct op_window *window)
{
	bool hold = !http->chunked && window->len && !window->fin && http->base + window->len == http->upload_length;
	uint32_t end = window_end(http, window) - hold;
	ssize_t n;

	while (window->done < end) {
		if (http->turn_bytes >= http->turn_limit)
			return STEP_YIELD;
		n = http_push(http, window->data + window->done, end - window->done);
		if (n < 0)
			return n;
		window->done += n;
		counter_add(&http_counters(http)->bytes_to_store, n);
	}
	if (hold) {
		http->held = window->data[end];
		http->has_held = true;
		window->done++;
		counter_add(&http_counters(http)->bytes_copied, 1);
	}
	return 0;
}

static int http_send_held(struct http *http)
{
	ssize_t n;

	if (!http->has_held || !http->fin)
		return 0;
	n = http_push(http, &http->held, 1);
	if (n < 0)
		return n;
	http->has_held = false;
	counter_add(&http_counters(http)->bytes_to_store, 1);
	return 0;
}

static int http_send_frame(struct http *http)
{
	ssize_t n;

	while (http->frame_sent < http->frame_len) {
		n = http_push(http, http->frame + http->frame_sent, http->frame_len - http->frame_sent);
		if (n < 0)
			return n;
		http->frame_sent += n;
	}
	return 0;
}

/* The frames of a chunked body: a chunk is what one window holds. */
static int http_send_chunk(struct http *http, struct op_window *window)
{
	const char *between = http->base ? "\r\n" : "";
	int ret;

	if (!http->framed) {
		http->framed = true;
		http->frame_sent = 0;
		http->frame_len = !window->len ? 0 :
				  snprintf(http->frame, sizeof(http->frame), "%s%x\r\n", between, window->len);
	}
	ret = http_send_frame(http);
	if (!ret)
		ret = http_send_window(http, window);
	if (ret || !window->fin)
		return ret;
	if (!http->framed_end) {
		http->framed_end = true;
		http->frame_sent = 0;
		http->frame_len = snprintf(http->frame, sizeof(http->frame), "%s0\r\n\r\n",
					   http->base + window->len ? "\r\n" : "");
	}
	return http_send_frame(http);
}

static int http_send_own_body(struct http *http)
{
	ssize_t n;

	while (http->own_body_sent < http->own_body_len) {
		if (http->turn_bytes >= http->turn_limit)
			return STEP_YIELD;
		n = http_push(http, http->own_body + http->own_body_sent, http->own_body_len - http->own_body_sent);
		if (n < 0)
			return n;
		http->own_body_sent += n;
	}
	return 0;
}

static int http_send_some(struct http *http)
{
	struct op *op = http->op;
	int ret;

	for (;;) {
		ret = http_send_head(http);
		if (ret)
			return ret;
		if (!http->upload)
			return http_send_own_body(http);
		if (http->span)
			return http_span_send(http);
		ret = http_send_held(http);
		if (ret)
			return ret;
		if (!op->windows)
			return STEP_GUEST;
		ret = http->chunked ? http_send_chunk(http, op->windows) : http_send_window(http, op->windows);
		if (ret || http->fin)
			return ret;
		http->base += op->windows->len;
		http->released = true;
		http->checked = http->framed = false;
		op_window_done(op);
		ret = http_check_window(http);
		if (ret)
			return ret;
	}
}

int http_send(struct http *http)
{
	int ret = http_check_window(http);

	if (ret)
		return ret;
	/* An answer before the end of the request is a refusal. */
	if (http->readable) {
		http->readable = false;
		ret = http_receive_head(http);
		if (ret != STEP_SOCKET)
			return ret;
	}
	ret = http_send_some(http);
	switch (ret) {
	case 0:
		if (http->exchange && !http->turned)
			http_turn(http);
		http->stage = HTTP_AWAITING;
		return STEP_NEXT;
	case -EAGAIN:
		return STEP_SOCKET;
	case -ECONNRESET:
		/* The store may have said why before it closed. */
		http->broken = true;
		http->readable = true;
		http->stage = HTTP_AWAITING;
		return STEP_NEXT;
	default:
		return ret;
	}
}
