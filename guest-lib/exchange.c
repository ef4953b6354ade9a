// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Operations that send, and then receive. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "queue.h"
#include "stream.h"

void exchange_turn(struct nexus_op *op, struct window *w, uint64_t len)
{
	op->mode = OP_DOWNLOAD;
	op->upload = false;
	op->moved = 0;
	op->queued = len;
	op->order[op->nr_order++] = w;
}

void exchange_sent(struct nexus_op *op, struct window *w, const struct completion *c)
{
	w->state = WINDOW_IDLE;
	w->sends = false;
	if (c->more)
		return;
	/* The end, before all was sent. */
	result_take(op, c);
	op->closed = true;
	op->host_status = c->status ? c->status : -EPROTO;
	op->nr_order = 0;
}

/* The answer's head is here, or the end. */
static bool exchange_answered(void *arg)
{
	struct nexus_op *op = arg;

	return stream_ready(op);
}

/* Send the end of the upload. nx->lock held. 0, or the status. */
static int exchange_end_upload(struct nexus_op *op)
{
	int ret;

	if (!op->chunked && op->queued + op->pos < op->total) {
		op_fail(op, -EINVAL, "NexusBadRequest", "finished after %llu bytes of %llu",
			(unsigned long long)(op->queued + op->pos), (unsigned long long)op->total);
		op_cancel(op);
		op_settle(op);
		return op->status;
	}
	op->finishing = true;
	while ((ret = upload_take(op)) == -EAGAIN && !op->ended)
		if (queue_wait(op->nx, stream_is_ready, op, op->deadline))
			return op_expire(op);
	if (!ret)
		upload_send(op);
	return ret;
}

int exchange_send_end(struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);

	return op->mode == OP_UPLOAD ? exchange_end_upload(op) : 0;
}

int exchange_finish(struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);

	if (queue_wait(op->nx, exchange_answered, op, op->deadline))
		return op_expire(op);
	return op->ended && op->status < 0 ? op->status : 0;
}

ssize_t op_exchange(struct nexus_op *op, const void *buf, size_t len, void *out, size_t cap)
{
	ssize_t n = len ? nexus_write(op, buf, len) : 0;
	char more;

	if (n >= 0)
		n = nexus_finish(op);
	if (n < 0)
		return n;
	n = nexus_read(op, out, cap);
	if (n < 0 || (size_t)n < cap)
		return n;
	/* The end, or one byte too many. */
	n = nexus_read(op, &more, 1);
	if (n <= 0)
		return n ? n : (ssize_t)cap;

	CHANNEL_LOCK(op->nx);
	op_fail(op, -EFBIG, "NexusGuestBuffer", "the answer has more than %zu bytes: lend a larger buffer", cap);
	op_cancel(op);
	op_settle(op);
	return op->status;
}

int op_send_message(struct nexus_op *op, const ProtobufCMessage *message)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	autofree uint8_t *packed = malloc(len ? len : 1);
	ssize_t n;

	if (!packed)
		return -ENOMEM;
	protobuf_c_message_pack(message, packed);
	n = len ? nexus_write(op, packed, len) : 0;
	return n < 0 ? n : nexus_finish(op);
}

int op_take_message(struct nexus_op *op, const ProtobufCMessageDescriptor *type, size_t max, ProtobufCMessage **message)
{
	autofree uint8_t *packed = NULL;
	size_t len = 0;
	const void *data;
	uint8_t *grown;
	ssize_t n;

	while ((n = nexus_read_window(op, &data)) > 0) {
		grown = len + n <= max ? realloc(packed, len + n) : NULL;
		if (!grown)
			return -ENOMEM;
		packed = grown;
		memcpy(packed + len, data, n);
		len += n;
	}
	if (n < 0)
		return n;
	*message = protobuf_c_message_unpack(type, NULL, len, packed);
	return *message ? 0 : -EPROTO;
}
