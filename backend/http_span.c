// SPDX-License-Identifier: GPL-2.0-only
/* Payload as a span of the operation's, straight between the socket and the windows that hold it. */
#include <errno.h>
#include "http_step.h"
#include "payload.h"

/* Bytes were moved, and more of the span follow. */
static void span_moved(struct http *http)
{
	uint64_t base = http->op->base;

	if (http->type->moved)
		http->type->moved(http);
	else
		payload_release(http->op, http->pos);
	http->released |= http->op->base != base;
}

int http_span_send(struct http *http)
{
	struct op_window *window;
	uint64_t begin, left;
	ssize_t n;

	while (http->pos < http->end) {
		window = payload_find(http->op, http->pos, &begin);
		if (!window)
			return STEP_GUEST;
		if (http->turn_bytes >= http->turn_limit)
			return STEP_YIELD;
		begin = http->pos - begin;
		left = http->end - http->pos;
		n = http_push(http, window->data + begin, left < window->len - begin ? left : window->len - begin);
		if (n < 0)
			return n;
		http->pos += n;
		counter_add(&http_counters(http)->bytes_to_store, n);
		span_moved(http);
	}
	return 0;
}

int http_span_target(struct http *http, char **to, size_t *room)
{
	struct op_window *window, *first = http->op->windows;
	uint64_t begin;

	span_moved(http);
	http->released |= http->op->windows != first;
	window = payload_find(http->op, http->pos, &begin);
	if (!window)
		return STEP_GUEST;
	begin = http->pos - begin;
	*to = window->data + begin;
	*room = window->len - begin;
	return STEP_NEXT;
}
