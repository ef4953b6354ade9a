// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "channel.h"
#include "config.h"
#include "container.h"
#include "gate.h"
#include "invocation.h"
#include "log.h"
#include "op_core.h"
#include "op_memory.h"
#include "next.h"
#include "order.h"
#include "request.h"
#include "response.h"
#include "worker.h"
#include "worker_core.h"

#define TIMEOUT_MAX_MS	(24 * 3600 * 1000U)	/* a guest may not ask for more */
#define ERROR_MAX	512			/* characters of a message */

/* ---- life ---- */

static struct op_core *op_new(struct channel *channel, uint32_t number)
{
	struct op_core **pool = &channel->worker->core->op_pool;
	struct op_core *core = *pool;

	if (core)
		*pool = core->next;
	else
		core = malloc(sizeof(*core));
	if (!core)
		return NULL;
	memset(core, 0, offsetof(struct op_core, memory));
	core->op = (struct op){
		.worker = channel->worker,
		.channel = channel,
		.tenant = channel->guest->tenant,
		.slot = number,
		.response = NEXUS__V1__RESPONSE__INIT,
		.core = core,
	};
	core->windows_tail = &core->op.windows;
	core->next = channel->ops;
	core->prev = &channel->ops;
	if (core->next)
		core->next->prev = &core->next;
	channel->ops = core;
	channel->guest->ops++;
	channel->slots[number].stream_op = core;
	return core;
}

static void op_count_poll(struct op_core *core, bool polls)
{
	uint32_t *count = &core->op.channel->guest->polls;

	__atomic_store_n(count, *count + polls - core->polls, __ATOMIC_RELAXED);
	counter_add(&core->op.channel->guest->polled, polls && !core->polls);
	core->polls = polls;
}

static void op_unpark(struct op_core *core)
{
	core->parked = false;
	if (!core->prev_open)
		return;
	*core->prev_open = core->next_open;
	if (core->next_open)
		core->next_open->prev_open = core->prev_open;
	else
		core->op.worker->core->opened_tail = core->prev_open;
	core->prev_open = NULL;
}

/* The last of an op. The channel may go with it. */
static void op_free(struct op_core *core)
{
	struct channel *channel = core->op.channel;
	struct worker_core *worker = core->op.worker->core;

	op_unpark(core);
	op_count_poll(core, false);
	if (core->mark.inv)
		timeline_fetch_end(&core->mark, 0, -ECANCELED);
	while (core->gates) {
		const struct gate *gate = gates[--core->gates];

		if (gate->leave)
			gate->leave(&core->op);
	}
	loop_timer_stop(core->op.worker->loop, &core->timer);
	channel->slots[core->op.slot].stream_op = NULL;
	*core->prev = core->next;
	if (core->next)
		core->next->prev = core->prev;
	channel->guest->ops--;
	op_memory_reset(core);
	core->next = worker->op_pool;
	worker->op_pool = core;
	channel_op_gone(channel);
}

void op_pool_free(struct op_core *pool)
{
	struct op_core *next;

	for (; pool; pool = next) {
		next = pool->next;
		free(pool);
	}
}

/* ---- errors ---- */

static Nexus__V1__Error *error_fill(Nexus__V1__Error *error, const char *code, char *message)
{
	nexus__v1__error__init(error);
	error->code = (char *)code;
	error->message = message;
	return error;
}

int op_error(struct op *op, int status, const char *code, const char *fmt, ...)
{
	char message[ERROR_MAX];
	char *request_id = (char *)protobuf_c_empty_string;
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (op->response.error)
		request_id = op->response.error->request_id;
	op->response.error = error_fill(op_alloc(op, sizeof(Nexus__V1__Error)), op_strdup(op, code),
					op_strdup(op, message));
	op->response.error->request_id = request_id;
	return status;
}

void op_refuse(struct channel *channel, uint32_t number, int status, const char *code, const char *fmt, ...)
{
	Nexus__V1__Response response = NEXUS__V1__RESPONSE__INIT;
	uint8_t buffer[NEXUS_MSG_MAX];
	char message[ERROR_MAX];
	Nexus__V1__Error error;
	va_list args;
	uint32_t len;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	response.error = error_fill(&error, code, message);
	len = response_pack(&response, channel->slots[number].msg_cap, buffer);
	counter_add(&channel->worker->counters.failures, 1);
	channel_complete(channel, number, status, 0, 0, len ? buffer : NULL, len);
}

/* ---- windows and their completions ---- */

/* Complete the head window and drop it. The request's slot and the end carry the response. */
static void window_complete(struct op_core *core, int status, uint32_t flags, bool last)
{
	struct op_window *window = core->op.windows;
	struct channel *channel = core->op.channel;
	uint8_t buffer[NEXUS_MSG_MAX];
	uint32_t number = window->slot, len = 0;

	/* An exchange's answer begins in the window that ended its upload. */
	if (last || number == core->op.slot || (window->fin && core->op.type && core->op.type->exchange))
		len = response_pack(&core->op.response, channel->slots[number].msg_cap, buffer);
	if (number == core->op.slot)
		core->request_done = true;
	core->moved += window->done;
	if (core->mark.inv)
		timeline_fetch_end(&core->mark, core->moved, status);
	core->op.windows = window->next;
	if (!core->op.windows)
		core->windows_tail = &core->op.windows;
	channel_complete(channel, number, status, flags, window->done, buffer, len);
}

static void window_append(struct op_core *core, struct channel *channel, uint32_t number)
{
	struct channel_slot *slot = &channel->slots[number];

	slot->window = (struct op_window){
		.slot = number,
		.len = slot->data_len,
		.fin = slot->flags & NEXUS_SLOT_FIN,
		.data = slot->data_len ? channel->arena.base + slot->data_off : NULL,
	};
	if (slot->window.fin && !core->fin) {
		core->fin = true;
		order_fin(&core->op);
		instance_fin(&core->op);
	}
	*core->windows_tail = &slot->window;
	core->windows_tail = &slot->window.next;
}

void op_window_done(struct op *op)
{
	op->base += op->windows->len;
	window_complete(op->core, 0, NEXUS_SLOT_MORE, false);
	/* It moves: what is limited from now on is the time until the next window is done. */
	loop_timer_start(op->worker->loop, &op->core->timer, op->core->timeout_ms);
}

uint64_t op_time_left_ms(const struct op *op)
{
	uint64_t now = loop_now_ms(op->worker->loop), deadline = op->core->timer.deadline_ms;

	return deadline > now ? deadline - now : 0;
}

/* Complete all that is queued with the end's status, the first with the response. */
static void op_complete_end(struct op_core *core)
{
	int status = core->status;

	if (status < 0)
		counter_add(&core->op.worker->counters.failures, 1);
	window_complete(core, status, 0, true);
	while (core->op.windows) {
		core->op.windows->done = 0;
		window_complete(core, status, 0, false);
	}
	op_free(core);
}

void op_finish(struct op *op, int status)
{
	struct op_core *core = op->core;

	core->status = status;
	if (core->op.windows) {
		op_complete_end(core);
		return;
	}
	if (core->op.channel->state == CHANNEL_CLOSING) {
		op_free(core);
		return;
	}
	core->ended = true;
	loop_timer_stop(core->op.worker->loop, &core->timer);
}

static void op_abort(struct op_core *core)
{
	if (core->parked)
		op_unpark(core);
	else if (!core->ended && core->op.type && core->op.type->abort)
		core->op.type->abort(&core->op);
}

static void op_expired(struct loop_timer *timer)
{
	struct op_core *core = container_of(timer, struct op_core, timer);

	op_abort(core);
	op_finish(&core->op, op_error(&core->op, -ETIMEDOUT, "NexusTimeout", "%s took longer than %u ms%s",
				      core->op.type->name, core->timeout_ms,
				      core->request_done ? " for one window" : ""));
}

/* ---- submissions ---- */

static const struct op_type *op_type_find(Nexus__V1__Request__OpCase op_case)
{
	for (const struct op_type *const *type = op_types; *type; type++) {
		if ((*type)->op_case == op_case)
			return *type;
	}
	return NULL;
}

/* Copy the message once, and unpack the copy. */
static int op_unpack(struct op_core *core, const struct channel_slot *slot)
{
	ProtobufCAllocator allocator = { op_memory_unpack, op_memory_keep, core };
	void *copy;

	if (!slot->msg_len)
		return op_error(&core->op, -EINVAL, "NexusBadRequest", "the request has no message");
	copy = op_alloc(&core->op, slot->msg_len);
	memcpy(copy, core->op.channel->arena.base + slot->msg_off, slot->msg_len);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);	/* from here only the copy is looked at */
	core->op.request = request_unpack(&allocator, slot->msg_len, copy);
	if (!core->op.request)
		return op_error(&core->op, -EINVAL, "NexusBadRequest",
				"the message of %u bytes is no nexus.v1.Request, or unpacks to more than %u bytes",
				slot->msg_len, OP_UNPACK_MAX);
	core->op.type = op_type_find(core->op.request->op_case);
	if (!core->op.type)
		return op_error(&core->op, -ENOTSUP, "NexusUnsupported",
				"this daemon does not know operation %d: update it", core->op.request->op_case);
	return 0;
}

/* Through the gates that are left, and start. On success the op may be gone already. */
static int op_pass(struct op_core *core)
{
	const struct gate *gate;
	int ret;

	while ((gate = gates[core->gates])) {
		ret = gate->enter(&core->op);
		if (ret < 0)
			return ret;
		core->gates++;
		if (ret == GATE_PARKED) {
			core->parked = true;
			return 0;
		}
	}
	op_count_poll(core, core->op.type->poll);
	return core->op.type->start(&core->op);
}

void gate_open(struct op *op)
{
	struct op_core *core = op->core;
	struct worker_core *worker = op->worker->core;

	if (core->prev_open)
		return;
	core->next_open = NULL;
	core->prev_open = worker->opened_tail;
	*worker->opened_tail = core;
	worker->opened_tail = &core->next_open;
}

void op_open_all(struct worker_core *worker)
{
	struct op_core *core;
	int ret;

	while ((core = worker->opened)) {
		op_unpark(core);
		ret = op_pass(core);
		if (ret)
			op_finish(&core->op, ret);
	}
}

static int op_start(struct op_core *core, const struct channel_slot *slot, bool again)
{
	struct op *op = &core->op;
	int ret;

	ret = op_unpack(core, slot);
	if (ret)
		return ret;
	if (again && !op->type->idempotent)
		return op_error(op, -ECONNRESET, "NexusConnectionLost",
				"the daemon restarted while this %s was in flight", op->type->name);
	if (op->type->state_size)
		op->state = memset(op_alloc(op, op->type->state_size), 0, op->type->state_size);
	core->timeout_ms = op->request->timeout_ms ? op->request->timeout_ms : op->tenant->timeout_ms;
	if (core->timeout_ms > TIMEOUT_MAX_MS)
		core->timeout_ms = TIMEOUT_MAX_MS;
	core->timer.expired = op_expired;
	if (!op->type->poll || op->request->timeout_ms)
		loop_timer_start(op->worker->loop, &core->timer, core->timeout_ms);
	return op_pass(core);
}

void op_become(struct op *op, const Nexus__V1__Request *request)
{
	op->request = request;
	op->type = op_type_find(request->op_case);
	op->state = memset(op_alloc(op, op->type->state_size), 0, op->type->state_size);
	op_count_poll(op->core, op->type->poll);
	loop_timer_start(op->worker->loop, &op->core->timer, op->core->timeout_ms);
}

static void submit_request(struct channel *channel, uint32_t number, bool again)
{
	struct guest *guest = channel->guest;
	struct op_core *core;
	int ret;

	if (channel->slots[number].stream_op) {
		op_refuse(channel, number, -EINVAL, "NexusBadRequest", "slot %u still names an open stream", number);
		return;
	}
	if (guest->ops >= guest->tenant->max_in_flight) {
		op_refuse(channel, number, -EBUSY, "NexusLimitExceeded",
			  "%u operations are in flight, the limit of tenant %s: wait for one, or raise max_in_flight",
			  guest->ops, guest->tenant->name);
		return;
	}
	core = op_new(channel, number);
	if (!core) {
		op_refuse(channel, number, -ENOMEM, "NexusInternal", "the host has not enough memory");
		return;
	}
	counter_add(&channel->worker->counters.requests, 1);
	counter_add(&guest->requests, 1);
	if (channel->invocations && !again)
		timeline_mark(&channel->invocations->timeline, TIMELINE_REQUEST);
	window_append(core, channel, number);
	ret = op_start(core, &channel->slots[number], again);
	if (ret)
		op_finish(&core->op, ret);
}

/* The open stream that a slot names, or NULL. */
static struct op_core *submit_stream(struct channel *channel, uint32_t number)
{
	uint32_t stream = channel->slots[number].stream;

	return stream < channel->nr_slots ? channel->slots[stream].stream_op : NULL;
}

static void submit_window(struct channel *channel, uint32_t number)
{
	struct op_core *core = submit_stream(channel, number);
	if (!core) {
		op_refuse(channel, number, -ECONNRESET, "NexusConnectionLost",
			  "no stream is open on slot %u", channel->slots[number].stream);
		return;
	}
	if (channel->slots[number].stream_op) {
		op_refuse(channel, number, -EINVAL, "NexusBadRequest", "slot %u names an open stream itself", number);
		return;
	}
	if (core->fin && !core->op.type->exchange) {
		op_refuse(channel, number, -EINVAL, "NexusBadRequest", "a window after the one with FIN");
		return;
	}
	window_append(core, channel, number);
	if (core->ended)
		op_complete_end(core);
	else if (!core->parked && core->op.type->window)
		core->op.type->window(&core->op);
}

static void submit_cancel(struct channel *channel, uint32_t number)
{
	struct op_core *core = submit_stream(channel, number);

	if (!core) {
		channel_complete(channel, number, -ENOENT, 0, 0, NULL, 0);
		return;
	}
	op_abort(core);
	core->ended = false;
	core->status = -ECANCELED;
	if (core->op.windows)
		op_complete_end(core);
	else
		op_free(core);
	channel_complete(channel, number, 0, 0, 0, NULL, 0);
}

/* Do the slot's pieces of memory lie where they may? Completes it if not. */
static bool submit_check(struct channel *channel, uint32_t number)
{
	struct channel_slot *slot = &channel->slots[number];
	uint32_t capacity = slot->msg_cap;

	if (capacity && !arena_holds(&channel->arena, channel->control_size, slot->msg_off, capacity)) {
		slot->msg_cap = 0;	/* no place for a response */
		op_refuse(channel, number, -EFAULT, "NexusBadRequest", "message buffer");
	} else if (slot->msg_len > capacity || slot->msg_len > NEXUS_MSG_MAX) {
		op_refuse(channel, number, -EINVAL, "NexusBadRequest",
			  "a message of %u bytes; the limit is the buffer's size, %u, and %u",
			  slot->msg_len, capacity, NEXUS_MSG_MAX);
	} else if (slot->data_len > NEXUS_WINDOW_MAX) {
		op_refuse(channel, number, -EINVAL, "NexusBadRequest", "a window of %llu bytes; the limit is %lu",
			  (unsigned long long)slot->data_len, NEXUS_WINDOW_MAX);
	} else if (slot->data_len &&
		   !arena_holds(&channel->arena, channel->control_size, slot->data_off, slot->data_len)) {
		op_refuse(channel, number, -EFAULT, "NexusBadRequest",
			  "the window at %llu of %llu bytes is not within the arena's %llu bytes of buffers",
			  (unsigned long long)slot->data_off, (unsigned long long)slot->data_len,
			  (unsigned long long)channel->arena.size);
	} else {
		return true;
	}
	return false;
}

static void submit(struct channel *channel, uint32_t number, bool again)
{
	if (!submit_check(channel, number))
		return;
	switch (channel->slots[number].kind) {
	case NEXUS_SLOT_REQUEST:
		submit_request(channel, number, again);
		break;
	case NEXUS_SLOT_WINDOW:
		submit_window(channel, number);
		break;
	case NEXUS_SLOT_CANCEL:
		submit_cancel(channel, number);
		break;
	default:
		op_refuse(channel, number, -EINVAL, "NexusBadRequest", "slots of kind %u are not known",
			  channel->slots[number].kind);
	}
}

void op_submit(struct channel *channel, uint32_t number)
{
	submit(channel, number, false);
}

void op_resubmit(struct channel *channel, uint32_t number)
{
	submit(channel, number, true);
}

bool op_all_poll(const struct channel *channel)
{
	for (const struct op_core *core = channel->ops; core; core = core->next) {
		if (!core->op.type->poll || core->ended)
			return false;
	}
	return true;
}

void op_abandon_all(struct channel *channel)
{
	struct op_core *core, *next;

	for (core = channel->ops; core; core = next) {
		next = core->next;
		op_abort(core);
		op_free(core);
	}
}

void op_close_all(struct channel *channel)
{
	struct op_core *core, *next;

	for (core = channel->ops; core; core = next) {
		next = core->next;
		if (core->fin && !core->ended && !core->op.type->exchange)
			continue;
		op_abort(core);
		op_free(core);
	}
}
