// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* From a call's arguments to the request in the ring. */
#include <errno.h>
#include <string.h>
#include "../uapi/nexus_hypercall.h"
#include "../uapi/nexus_wire.h"
#include "prefetch.h"
#include "queue.h"
#include "resume.h"
#include "stream.h"

#define MAX_FIELDS	128	/* more than a message of 16 KiB, or a store, takes */
#define WINDOW_SIZE	(256U << 10)	/* a wake-up each: larger saves exits, smaller memory */

static uint32_t round_page(uint64_t n)
{
	return (n + NEXUS_PAGE_SIZE - 1) & ~(NEXUS_PAGE_SIZE - 1);
}

int op_options(struct nexus_op *op, struct nexus_options *o, const struct nexus_options *from,
	       unsigned int allowed)
{
	const char *bad = NULL;

	*o = (struct nexus_options)NEXUS_OPTIONS_INIT;
	if (!from)
		return 0;
	if (from->size < offsetof(struct nexus_options, window))
		return op_fail(op, -EINVAL, "NexusBadRequest", "options of size %zu: use NEXUS_OPTIONS_INIT", from->size);
	/* A caller built with a newer header may use what we know, no more. */
	for (size_t i = sizeof(*o); i < from->size; i++)
		if (((const char *)from)[i])
			return op_fail(op, -E2BIG, "NexusBadRequest", "an option that this libnexus-guest does not know");
	memcpy(o, from, from->size < sizeof(*o) ? from->size : sizeof(*o));
	if (o->window && !(allowed & OPTION_WINDOW))
		bad = "window";
	if (o->range && !(allowed & OPTION_RANGE))
		bad = "range";
	if (o->if_match && !(allowed & OPTION_IF_MATCH))
		bad = "if_match";
	if (o->version_id && !(allowed & OPTION_VERSION_ID))
		bad = "version_id";
	if ((o->if_none_match || o->if_modified_since || o->if_unmodified_since) && !(allowed & OPTION_CONDITIONS))
		bad = o->if_none_match ? "if_none_match" : o->if_modified_since ? "if_modified_since" : "if_unmodified_since";
	if (o->nr_headers && !(allowed & OPTION_HEADERS))
		bad = "headers";
	if (o->single && !(allowed & OPTION_SINGLE))
		bad = "single";
	if (o->write_mode && !(allowed & OPTION_WRITE_MODE))
		bad = "write_mode";
	if ((o->content_type || o->nr_metadata) && !(allowed & OPTION_CONTENT))
		bad = o->content_type ? "content_type" : "metadata";
	if (bad)
		return op_fail(op, -EINVAL, "NexusBadRequest", "this operation takes no option %s", bad);
	return 0;
}

int op_object(struct nexus_op *op, Nexus__V1__ObjectName *name, const char *bucket, const char *key)
{
	nexus__v1__object_name__init(name);
	if (!bucket || !*bucket || !key || !*key)
		return op_fail(op, -EINVAL, "NexusBadRequest", "an object needs a bucket and a key");
	name->bucket = (char *)bucket;
	name->key = (char *)key;
	return 0;
}

void *op_alloc(struct nexus_op *op, size_t size)
{
	void *p = bump_alloc(&op->memory, size);

	if (!p)
		op_fail(op, -ENOMEM, "NexusInternal", "out of memory");
	return p;
}

int op_fields(struct nexus_op *op, const struct nexus_field *fields, size_t nr, const char *what,
	      Nexus__V1__Field ***list)
{
	Nexus__V1__Field *to;

	if (nr > MAX_FIELDS)
		return op_fail(op, -E2BIG, "NexusBadRequest", "%zu pieces of %s; the limit is %d", nr, what, MAX_FIELDS);
	to = op_alloc(op, nr * sizeof(*to));
	*list = to ? op_alloc(op, nr * sizeof(**list)) : NULL;
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		if (!fields[i].name || !fields[i].value)
			return op_fail(op, -EINVAL, "NexusBadRequest", "%s %zu has no name or no value", what, i);
		nexus__v1__field__init(&to[i]);
		to[i].name = (char *)fields[i].name;
		to[i].value = (char *)fields[i].value;
		(*list)[i] = &to[i];
	}
	return 0;
}

static bool start_has_slots(void *arg)
{
	struct nexus_op *op = arg;

	return op->nx->dead || op->nx->nr_free >= (op->mode == OP_DIRECT ? 1 : 2);
}

/* A stream takes two, so that it can go on whatever the others do. */
static int start_slots(struct nexus_op *op, bool block)
{
	struct nexus *nx = op->nx;

	if (!start_has_slots(op) && queue_wait(nx, start_has_slots, op, block ? op->deadline : 0))
		return op_fail(op, block ? -ETIMEDOUT : -EAGAIN, "NexusGuestSlots",
			       "all %u slots are in flight: wait for an operation to end", nx->nr_slots - 1);
	if (nx->dead)
		return op_fail_dead(op);
	op->slot = queue_slot(nx);
	if (op->mode != OP_DIRECT)
		op->spare_slot = queue_slot(nx);
	return 0;
}

static int start_no_memory(struct nexus_op *op, int err, uint64_t size)
{
	return op_fail(op, err, err == -ENOSPC ? "NexusGuestArena" : "NexusInternal",
		       "no %llu bytes of arena: %s; in use are %zu of at most %zu bytes (NEXUS_ARENA_MAX)",
		       (unsigned long long)size, strerror(-err), op->nx->arena.used, op->nx->arena.max);
}

/* Fields of a GetObject that start_pack_get() writes, or knows to be absent: with another one it would be wrong. */
#define GET_FIELDS	9

/* A GET without more than its object and options of one text each. 0: it is another one, or does not fit. */
static size_t start_pack_get(const Nexus__V1__Request *req, uint8_t *buffer, size_t size)
{
	struct nexus_wire w = { .at = buffer, .end = buffer + size };
	const Nexus__V1__GetObject *get = req->get_object;
	uint8_t *message, *object;

	if (req->op_case != NEXUS__V1__REQUEST__OP_GET_OBJECT || get->n_headers ||
	    nexus__v1__get_object__descriptor.n_fields != GET_FIELDS)
		return 0;
	nexus_wire_number(&w, 1, req->timeout_ms);
	message = nexus_wire_begin(&w, NEXUS__V1__REQUEST__OP_GET_OBJECT);
	object = nexus_wire_begin(&w, 1);
	nexus_wire_text(&w, 1, get->object->bucket);
	nexus_wire_text(&w, 2, get->object->key);
	nexus_wire_end(&w, object);
	nexus_wire_text(&w, 2, get->range);
	nexus_wire_text(&w, 3, get->if_match);
	nexus_wire_text(&w, 4, get->version_id);
	nexus_wire_text(&w, 5, get->if_none_match);
	nexus_wire_text(&w, 6, get->if_modified_since);
	nexus_wire_text(&w, 7, get->if_unmodified_since);
	nexus_wire_number(&w, 9, get->prefetch);
	nexus_wire_end(&w, message);
	return w.overflow ? 0 : w.at - buffer;
}

/* packed: it is that already, else NULL. */
static int start_message(struct nexus_op *op, const Nexus__V1__Request *req, const void *packed, size_t len)
{
	uint32_t want = len > op->answer_cap ? len : op->answer_cap;
	uint32_t cap = want > OP_MSG_CAP ? round_page(want) : OP_MSG_CAP;
	uint32_t size = cap;

	if (!op->window_msg)
		op->window_msg = OP_WINDOW_MSG;
	if (op->mode != OP_DIRECT)
		size += OP_WINDOWS * op->window_msg;
	if (op->exchange)
		size += OP_MSG_CAP;	/* the answer comes with the upload's last window */

	if (op->msg_size != size) {
		ssize_t off;

		if (op->msg_size)
			channel_free(op->nx, op->msg_off);
		op->msg_size = 0;
		off = channel_alloc(op->nx, size);
		if (off < 0)
			return start_no_memory(op, off, size);
		op->msg_off = off;
		op->msg_size = size;
	}
	op->msg_cap = cap;
	op->msg_len = len;
	if (packed)
		memcpy(channel_at(op->nx, op->msg_off), packed, len);
	else
		nexus__v1__request__pack(req, channel_at(op->nx, op->msg_off));
	return 0;
}

/* The caller's buffer, if it is arena memory: it stays even if he frees it before the end. */
static int start_buffer(struct nexus_op *op, const struct op_payload *payload)
{
	op->data_off = (const char *)payload->buf - (const char *)op->nx->header;
	op->data_len = payload->len;
	op->pinned = arena_find(&op->nx->arena, op->data_off, op->data_len);
	if (!op->pinned || op->pinned->doomed || op->pinned == op->nx->arena.first) {
		op->pinned = NULL;
		return op_fail(op, -EINVAL, "NexusBadRequest",
			       "%llu bytes at %p do not lie in one buffer of nexus_alloc()",
			       (unsigned long long)payload->len, payload->buf);
	}
	arena_pin(op->pinned);
	return 0;
}

static int start_window(struct nexus_op *op, const struct op_payload *payload, uint32_t window)
{
	uint32_t max = op->nx->arena.max > NEXUS_WINDOW_MAX ? NEXUS_WINDOW_MAX : op->nx->arena.max;

	/* A daemon that dies must find all of it: no window may be used twice. */
	if (op->deferred)
		window = max;
	op->window_size = window < NEXUS_PAGE_SIZE ? NEXUS_PAGE_SIZE : window > max ? max : round_page(window);
	if (!op->exchange && (op->upload || op->pumped) && payload->len < op->window_size)
		op->window_size = payload->len ? round_page(payload->len) : NEXUS_PAGE_SIZE;
	return stream_add(op) ? 0 : start_no_memory(op, -ENOSPC, op->window_size);
}

static bool start_in_arena(const struct nexus *nx, const void *buf)
{
	uintptr_t base = (uintptr_t)nx->header, p = (uintptr_t)buf;

	return p >= base && p - base < nx->transport->max;
}

void op_submit(struct nexus_op *op, struct window *w, uint64_t off, uint64_t len, bool fin)
{
	bool quiet = op->quiet && (fin || !op->upload);
	struct submission s = {
		.kind = NEXUS_SLOT_REQUEST, .flags = (fin ? NEXUS_SLOT_FIN : 0) | (quiet ? NEXUS_SLOT_QUIET : 0),
		.msg_off = op->msg_off, .msg_len = op->msg_len, .msg_cap = op->msg_cap,
		.data_off = off, .data_len = len,
	};

	op->started = true;
	queue_submit(op->nx, op->slot, &s, op, w);
}

/* nx->lock held. A failure ends the operation. */
static int start_locked(struct nexus_op *op, Nexus__V1__Request *req, const struct op_payload *payload,
			const struct nexus_options *o, bool block)
{
	uint8_t packed[512];
	size_t plain = start_pack_get(req, packed, sizeof(packed));
	size_t len = plain ? plain : nexus__v1__request__get_packed_size(req);
	struct nexus *nx = op->nx;
	bool direct = !payload->stream && (!payload->len || (!payload->windows && start_in_arena(nx, payload->buf)));

	if (len > NEXUS_MSG_MAX)
		return op_fail(op, -EMSGSIZE, "NexusBadRequest", "a request of %zu bytes; the limit is %u", len,
			       NEXUS_MSG_MAX);
	op->mode = direct ? OP_DIRECT : payload->upload ? OP_UPLOAD : OP_DOWNLOAD;
	op->upload = payload->upload;
	op->pumped = !direct && !payload->stream;
	op->buf = (char *)payload->buf;
	op->exchange = payload->exchange;
	op->chunked = payload->chunked;
	op->total = op->chunked ? UINT64_MAX : payload->len;
	op->timeout_ms = o->timeout_ms;
	op_progress(op);
	if (nx->dead)
		return op_fail_dead(op);
	if (start_slots(op, block))
		return op->status;
	/* The buffer before the message, lest that be found where a freed buffer was. */
	if (direct && payload->len && start_buffer(op, payload))
		return op->status;
	if (start_message(op, req, plain ? packed : NULL, len))
		return op->status;
	return direct ? 0 : start_window(op, payload, o->window ? o->window : WINDOW_SIZE);
}

/* What an invocation asks for ends with it, at the latest. */
static void op_limit(const struct nexus_op *op, Nexus__V1__Request *req, const struct nexus_options *o)
{
	int64_t left = op->nx->in_invocation ? (op->nx->invocation_deadline - channel_now()) / 1000000 : 0;

	req->timeout_ms = o->timeout_ms;
	if (!op->nx->in_invocation)
		return;
	if (left < 1)
		left = 1;
	if (!req->timeout_ms || req->timeout_ms > left)
		req->timeout_ms = left;
}

void op_start(struct nexus_op *op, Nexus__V1__Request *req, const struct op_payload *payload,
	      const struct nexus_options *o, bool block)
{
	{
		CHANNEL_LOCK(op->nx);
		bool fin = false;

		op_limit(op, req, o);
		if (!op->ended && !start_locked(op, req, payload, o, block)) {
			prefetch_write_begin(op, req);
			if (op->mode == OP_DIRECT) {
				op_submit(op, NULL, op->data_off, op->data_len, op->upload);
				fin = op->upload;
			} else if (op->mode == OP_DOWNLOAD) {
				struct window *w = op->windows;

				resume_prepare(op, req);
				w->state = WINDOW_QUEUED;
				op->queued = w->cap;
				op->order[op->nr_order++] = w;
				op_submit(op, w, w->off, w->cap, false);
			}
			op_kick(op);
			if (fin)
				op_acknowledge(op);
		}
		op_settle(op);
	}
	/* An upload's first window goes at once, and takes the request along. */
	if (op->pumped && op->upload)
		upload_pump(op);
}
