// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "collect.h"
#include "op.h"

int collect_init(struct collect *collect, struct op *op, uint64_t total, uint32_t max)
{
	if (total > max)
		return op_error(op, -EINVAL, "NexusLimitExceeded",
				"content_length is %" PRIu64 " bytes; the limit of %s is %u", total, op->type->name, max);
	*collect = (struct collect){ .op = op, .data = op_alloc(op, total), .total = total };
	return 0;
}

int collect_windows(struct collect *collect)
{
	struct op *op = collect->op;
	struct op_window *window;
	uint32_t n;

	while ((window = op->windows)) {
		n = collect->total - collect->len;
		if (window->len > n && !(window->fin && op->type->exchange))
			return op_error(op, -EINVAL, "NexusBadRequest",
					"the windows hold more than the %u bytes of content_length", collect->total);
		if (window->len < n)
			n = window->len;
		if (n)
			memcpy(collect->data + collect->len, window->data, n);
		collect->len += n;
		window->done = n;
		if (window->fin && collect->len < collect->total)
			return op_error(op, -EINVAL, "NexusBadRequest",
					"the upload ended after %u bytes, content_length says %u",
					collect->len, collect->total);
		if (window->fin) {
			/* From here only the copy is looked at. */
			__atomic_signal_fence(__ATOMIC_SEQ_CST);
			return 0;
		}
		op_window_done(op);
	}
	return COLLECT_MORE;
}

static void *unpack_alloc(void *data, size_t size)
{
	struct collect *collect = data;

	if (size > collect->unpack_left)
		return NULL;
	collect->unpack_left -= size;
	return op_alloc(collect->op, size);
}

static void unpack_keep(void *data, void *p)
{
	(void)data;
	(void)p;
}

ProtobufCMessage *collect_unpack(struct collect *collect, const ProtobufCMessageDescriptor *type, size_t limit)
{
	ProtobufCAllocator allocator = { unpack_alloc, unpack_keep, collect };

	collect->unpack_left = limit;
	return protobuf_c_message_unpack(type, &allocator, collect->len, collect->data);
}
