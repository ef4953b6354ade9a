// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include "payload.h"

struct op_window *payload_find(const struct op *op, uint64_t pos, uint64_t *begin)
{
	struct op_window *window;

	*begin = op->base;
	for (window = op->windows; window; window = window->next) {
		if (pos >= *begin && pos - *begin < window->len)
			return window;
		*begin += window->len;
	}
	return NULL;
}

uint64_t payload_end(const struct op *op)
{
	uint64_t end = op->base;

	for (const struct op_window *window = op->windows; window; window = window->next)
		end += window->len;
	return end;
}

bool payload_has_fin(const struct op *op)
{
	for (const struct op_window *window = op->windows; window; window = window->next) {
		if (window->fin)
			return true;
	}
	return false;
}

int payload_check(struct op *op, uint64_t length)
{
	uint64_t end = op->base;

	for (const struct op_window *window = op->windows; window; window = window->next) {
		end += window->len;
		if (end > length)
			return op_error(op, -EINVAL, "NexusBadRequest",
					"the windows hold %" PRIu64 " bytes or more, content_length says %" PRIu64,
					end, length);
		if (window->fin && end < length)
			return op_error(op, -EINVAL, "NexusBadRequest",
					"the upload ended after %" PRIu64 " bytes, content_length says %" PRIu64,
					end, length);
	}
	return 0;
}

void payload_release(struct op *op, uint64_t moved)
{
	struct op_window *window;

	while ((window = op->windows) && !window->fin && op->base + window->len <= moved) {
		window->done = window->len;
		op_window_done(op);
	}
}

void payload_settle(struct op *op, uint64_t moved)
{
	struct op_window *window = op->windows;
	uint64_t done = moved > op->base ? moved - op->base : 0;

	if (window)
		window->done = done < window->len ? done : window->len;
}
