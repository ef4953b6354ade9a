// SPDX-License-Identifier: GPL-2.0-only
/*
 * A put into the journal. Payload is copied out of the guest's windows, a chunk at a
 * time, so that what is checksummed is what is written, whatever the guest does
 * meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "channel.h"
#include "journal.h"
#include "journal_core.h"
#include "op_core.h"
#include "s3.h"
#include "worker.h"

struct journal_put {
	struct journal_write *write;
	const struct op_type *through;	/* what it was */
	bool with_journal;	/* the journal has it, and will reply */
	bool reserved;		/* the journal has room for it */
};

static void put_fill(struct op *op);

static void put_become(struct op *op, const struct op_type *type)
{
	op->type = type;
	op->state = memset(op_alloc(op, type->state_size), 0, type->state_size);
}

void journal_choose(struct op *op)
{
	const struct op_type *through = op->type;
	struct journal_put *put;

	put_become(op, &journal_put_type);
	put = op->state;
	put->through = through;
}

static void put_end(struct op *op, int status)
{
	struct journal_put *put = op->state;

	/* The record, if it counts, is the journal's by now. */
	put->write->drop = true;
	journal_write_send(put->write);
	op->response.http_status = status ? 0 : 200;
	op_finish(op, status);
}

/* The journal is full; no window was given back yet. */
static void put_through(struct op *op)
{
	struct journal_put *put = op->state;
	int ret;

	counter_add(&op->worker->counters.writes_degraded, 1);
	put->write->drop = true;
	journal_write_send(put->write);
	op->windows->done = 0;
	put_become(op, put->through);
	ret = op->type->start(op);
	if (ret)
		op_finish(op, ret);
}

static void put_replied(void *arg)
{
	struct journal_write *write = arg;
	struct op *op = write->op;
	struct journal_put *put;

	if (!op) {
		write->drop = true;
		journal_write_send(write);
		return;
	}
	put = op->state;
	put->with_journal = false;
	if (write->status == -ENOSPC && !put->reserved) {
		put_through(op);
	} else if (write->status) {
		put_end(op, op_error(op, -EIO, "NexusInternal", "the host's journal cannot be written: %s",
				     strerror(-write->status)));
	} else if (write->last) {
		counter_add(&op->worker->counters.writes_journaled, 1);
		put_end(op, 0);
	} else {
		put->reserved = true;
		write->written += write->len;
		write->len = 0;
		put_fill(op);
	}
}

/* Take from the windows until the chunk is full, and send it. */
static void put_fill(struct op *op)
{
	struct journal_put *put = op->state;
	struct journal_write *write = put->write;
	uint64_t total = op->request->put_object->content_length;
	struct op_window *window;
	uint32_t n;

	while ((window = op->windows)) {
		n = window->len - window->done;
		if (n > total - write->written - write->len) {
			put_end(op, op_error(op, -EINVAL, "NexusBadRequest",
					     "the windows hold more than content_length says, %llu bytes",
					     (unsigned long long)total));
			return;
		}
		if (n > JOURNAL_CHUNK - write->len)
			n = JOURNAL_CHUNK - write->len;
		if (n)		/* data is NULL otherwise */
			memcpy(write->buffer + write->len, window->data + window->done, n);
		write->crc = journal_crc(write->crc, write->buffer + write->len, n);
		counter_add(&op->worker->counters.bytes_copied, n);
		write->len += n;
		window->done += n;
		if (window->done < window->len)
			break;
		if (window->fin) {
			if (write->written + write->len < total) {
				put_end(op, op_error(op, -EINVAL, "NexusBadRequest",
						     "the upload ended before content_length, %llu bytes",
						     (unsigned long long)total));
				return;
			}
			write->last = true;
			break;
		}
		/* Before the journal has room the windows stay: it may have to be written through. */
		if (!put->reserved)
			break;
		op_window_done(op);
	}
	if (!write->len && !write->last && put->reserved)
		return;		/* put_window() follows */
	put->with_journal = true;
	journal_write_send(write);
}

static void put_window(struct op *op)
{
	struct journal_put *put = op->state;

	if (!put->with_journal)
		put_fill(op);
}

static void put_abort(struct op *op)
{
	struct journal_put *put = op->state;

	put->write->op = NULL;
	if (put->with_journal)
		return;
	put->write->drop = true;
	journal_write_send(put->write);
}

static struct record *put_record(const struct op *op)
{
	Nexus__V1__PutObject object = *op->request->put_object;
	Nexus__V1__Request request = NEXUS__V1__REQUEST__INIT;
	struct record *record;
	size_t len;

	object.write_mode = NEXUS__V1__WRITE_MODE__THROUGH;
	request.op_case = NEXUS__V1__REQUEST__OP_PUT_OBJECT;
	request.put_object = &object;
	len = nexus__v1__request__get_packed_size(&request);
	if (len > NEXUS_MSG_MAX)
		return NULL;
	record = calloc(1, sizeof(*record) + len);
	if (!record)
		return NULL;
	nexus__v1__request__pack(&request, (uint8_t *)(&record->head + 1));
	record->head.request_len = len;
	record->head.payload_len = object.content_length;
	strcpy(record->head.tenant, op->tenant->name);
	strcpy(record->head.function, op->channel->guest->function);
	if (!record_prepare(record))
		return record;
	record_free(record);
	return NULL;
}

/* What would be refused later is refused now: afterwards nobody could be told. */
static int put_check(struct op *op)
{
	void *state = op->state;
	int ret;

	op->state = memset(op_alloc(op, s3_put_type.state_size), 0, s3_put_type.state_size);
	ret = s3_put_prepare(op);
	op->state = state;
	return ret;
}

static int put_start(struct op *op)
{
	uint64_t total = op->request->put_object->content_length;
	struct journal_put *put = op->state;
	struct record *record;
	int ret = put_check(op);

	if (ret)
		return ret;
	record = put_record(op);
	put->write = malloc(sizeof(*put->write) + (total < JOURNAL_CHUNK ? total : JOURNAL_CHUNK));
	if (!record || !put->write) {
		record_free(record);
		free(put->write);
		return op_error(op, -ENOMEM, "NexusInternal", "the host has not enough memory");
	}
	*put->write = (struct journal_write){
		.owner = op->worker->loop, .op = op, .reply = put_replied, .record = record,
	};
	put_fill(op);
	return 0;
}

const struct op_type journal_put_type = {
	.name = "s3_put",
	.op_case = NEXUS__V1__REQUEST__OP_PUT_OBJECT,
	.state_size = sizeof(struct journal_put),
	.idempotent = true,
	.start = put_start,
	.window = put_window,
	.abort = put_abort,
};
