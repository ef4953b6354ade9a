// SPDX-License-Identifier: GPL-2.0-only
/*
 * An instance waits for its next event (Next), and lends memory for what the event will make it
 * ask for (Lend). Both stay as long as it takes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "channel.h"
#include "config.h"
#include "container.h"
#include "function.h"
#include "gate.h"
#include "grpc_link.h"
#include "next.h"
#include "op_core.h"
#include "scale.h"
#include "worker_core.h"

#define ENTROPY_SIZE	32

struct next {
	struct instance *instance;	/* while it waits */
	struct invocation *inv;		/* then */
	size_t sent;			/* bytes of the event */
};

/* In the memory of a Lend that waits. */
struct lender {
	struct lender *next;
	struct op *op;
};

/* ---- the invocation and its channel ---- */

struct invocation *instance_invocation(struct channel *channel, const char *id)
{
	struct invocation *inv = channel->invocations;

	while (inv && strcmp(inv->id, id))
		inv = inv->next;
	return inv;
}

void instance_release(struct invocation *inv)
{
	struct invocation **p = &inv->channel->invocations;

	while (*p != inv)
		p = &(*p)->next;
	*p = inv->next;
	inv->next = NULL;
	worker_in_flight(inv->channel->worker, -1);
	loop_timer_stop(inv->channel->worker->loop, &inv->deadline);
	inv->channel = NULL;
	function_done(inv->function);
}

void instance_fail(struct invocation *inv, const char *type, const char *message)
{
	respond_cut(inv);
	function_count(inv->function, errors);
	invocation_logf(inv, "RequestId: %s Error: %s\n%s\n", inv->id, message, type);
	instance_release(inv);
	invocation_fail(inv, type, "%s", message);
	invocation_put(inv);
}

/* Its clone did not come to run in time: for the caller there was none. */
static void instance_late(struct invocation *inv)
{
	function_count(inv->function, no_instance);
	scale_expired(inv->channel->guest);
	instance_release(inv);
	invocation_end(inv, INVOCATION_NO_INSTANCE);
	invocation_put(inv);
}

static void invocation_expired(struct loop_timer *timer)
{
	struct invocation *inv = container_of(timer, struct invocation, deadline);
	char message[64];

	if (inv->channel->guest->held) {
		instance_late(inv);
		return;
	}
	snprintf(message, sizeof(message), "Task timed out after %.2f seconds",
		 inv->function->config->timeout_ms / 1000.0);
	function_count(inv->function, timeouts);
	/* What it goes on with is nobody's any more. */
	scale_expired(inv->channel->guest);
	instance_fail(inv, "Sandbox.Timedout", message);
}

static void instance_exit(struct invocation *inv)
{
	instance_fail(inv, "Runtime.ExitError", "Runtime exited without providing a reason");
}

void instance_gone(struct channel *channel)
{
	struct function *function = function_find(channel->guest->function);
	struct invocation *inv, *next;

	if (function)
		function_returned(function, &channel->returning, true);
	for (inv = channel->invocations; inv; inv = next) {
		next = inv->next;
		if (!inv->responding)
			instance_exit(inv);
	}
}

/* The function's time; before its clone runs, what is left of that for starting one. */
static void deadline_start(struct invocation *inv)
{
	const struct function_config *config = inv->function->config;
	struct loop *loop = inv->channel->worker->loop;
	uint64_t limit = inv->queued_ms + config->start_timeout_ms;

	inv->started_ms = loop_now_ms(loop);
	inv->deadline.expired = invocation_expired;
	if (!inv->channel->guest->held)
		loop_timer_start(loop, &inv->deadline, config->timeout_ms);
	else
		loop_timer_start(loop, &inv->deadline, limit > inv->started_ms ? limit - inv->started_ms : 0);
}

void instance_runs(struct channel *channel)
{
	for (struct invocation *inv = channel->invocations; inv; inv = inv->next) {
		if (!inv->responding)
			deadline_start(inv);
	}
}

void instance_begin(struct invocation *inv, struct channel *channel)
{
	inv->channel = channel;
	/* The daemon's end waits for it, for a while. */
	worker_in_flight(channel->worker, 1);
	pthread_mutex_lock(&inv->lock);
	inv->worker = channel->worker;
	pthread_mutex_unlock(&inv->lock);
	inv->next = channel->invocations;
	channel->invocations = inv;
	inv->timeline.vm_id = channel->guest->vm_id;
	timeline_mark(&inv->timeline, TIMELINE_TAKEN);
	deadline_start(inv);
	function_count(inv->function, invocations);
	invocation_logf(inv, "START RequestId: %s Version: $LATEST\n", inv->id);
}

/* ---- lent windows ---- */

/* This slot waits for the outside: the daemon's end does not wait for it. */
static void slot_waits(struct op *op, bool waits)
{
	worker_in_flight(op->worker, waits ? -1 : 1);
}

static char *text_or_empty(struct op *op, const char *text)
{
	return text ? op_strdup(op, text) : (char *)protobuf_c_empty_string;
}

static Nexus__V1__ObjectName *hint_object(struct op *op, const struct hint *hint)
{
	Nexus__V1__ObjectName *object = op_alloc(op, sizeof(*object));

	nexus__v1__object_name__init(object);
	object->bucket = op_strdup(op, hint->bucket);
	object->key = op_strdup(op, hint->key);
	return object;
}

/* The entity tag, where it is known, names the object as it is now; a version may be an old one. */
static const char *hint_version(const struct hint *hint)
{
	return hint->if_match ? NULL : hint->version_id;
}

static void lender_use(struct op *op, const struct hint *hint)
{
	Nexus__V1__Request *request = op_alloc(op, sizeof(*request));
	Nexus__V1__GetObject *get = op_alloc(op, sizeof(*get));

	nexus__v1__request__init(request);
	nexus__v1__get_object__init(get);
	get->object = hint_object(op, hint);
	get->if_match = text_or_empty(op, hint->if_match);
	get->version_id = text_or_empty(op, hint_version(hint));
	get->prefetch = true;
	request->op_case = NEXUS__V1__REQUEST__OP_GET_OBJECT;
	request->get_object = get;
	op->response.object = get->object;
	slot_waits(op, false);
	op_become(op, request);
	gate_open(op);
}

/* What is fetched where goes into the answer to op, the Next. */
static void lenders_use(struct op *op, struct invocation *inv, Nexus__V1__Invocation *to)
{
	const struct hints *hints = &inv->hints;
	struct channel *channel = op->channel;
	Nexus__V1__Fetching *fetching;
	struct lender *lender;

	to->fetching = op_alloc(op, HINTS_MAX * sizeof(*to->fetching));
	for (unsigned int i = 0; i < hints->count && (lender = channel->lenders); i++) {
		channel->lenders = lender->next;
		fetching = op_alloc(op, sizeof(*fetching));
		nexus__v1__fetching__init(fetching);
		fetching->slot = lender->op->slot;
		fetching->object = hint_object(op, &hints->list[i]);
		fetching->if_match = text_or_empty(op, hints->list[i].if_match);
		fetching->version_id = text_or_empty(op, hint_version(&hints->list[i]));
		to->fetching[to->n_fetching++] = fetching;
		timeline_fetch_begin(&lender->op->core->mark, inv, i);
		lender_use(lender->op, &hints->list[i]);
	}
}

static int lend_enter(struct op *op)
{
	struct lender *lender = op_alloc(op, sizeof(*lender)), **p = &op->channel->lenders;

	*lender = (struct lender){ .op = op };
	while (*p)
		p = &(*p)->next;
	*p = lender;
	slot_waits(op, true);
	return GATE_PARKED;
}

static int instance_enter(struct op *op)
{
	struct invocation *inv;

	if (op->request->op_case == NEXUS__V1__REQUEST__OP_LEND)
		return lend_enter(op);
	if (op->request->op_case != NEXUS__V1__REQUEST__OP_RESPOND)
		return 0;
	inv = instance_invocation(op->channel, op->request->respond->request_id);
	if (inv) {
		inv->responding = true;
		inv->failing |= op->request->respond->error;
		timeline_mark(&inv->timeline, TIMELINE_RESPONDED);
	}
	if (op->core->fin)
		instance_fin(op);
	return 0;
}

void instance_fin(struct op *op)
{
	struct invocation *inv;

	if (op->type != &respond_type)
		return;
	inv = instance_invocation(op->channel, op->request->respond->request_id);
	if (!inv)
		return;
	loop_timer_stop(op->worker->loop, &inv->deadline);
	if (!inv->returning)
		function_returns(inv->function, &op->channel->returning);
	inv->returning = true;
}

/* A Respond ended before it began: the clock goes on. */
static void respond_leave(struct op *op)
{
	struct invocation *inv = instance_invocation(op->channel, op->request->respond->request_id);
	struct loop *loop = op->worker->loop;
	uint64_t end, now = loop_now_ms(loop);

	if (!inv || inv->respond)
		return;
	inv->responding = inv->failing = false;
	if (op->channel->state == CHANNEL_CLOSING) {
		instance_exit(inv);
		return;
	}
	end = inv->started_ms + inv->function->config->timeout_ms;
	loop_timer_start(loop, &inv->deadline, end > now ? end - now : 0);
}

static void instance_leave(struct op *op)
{
	struct lender **p = &op->channel->lenders;

	if (op->request->op_case == NEXUS__V1__REQUEST__OP_RESPOND)
		respond_leave(op);
	if (op->request->op_case != NEXUS__V1__REQUEST__OP_LEND)
		return;
	while ((*p)->op != op)
		p = &(*p)->next;
	*p = (*p)->next;
	slot_waits(op, false);
}

const struct gate instance_gate = {
	.name = "instance",
	.enter = instance_enter,
	.leave = instance_leave,
};

/* Never reached: it passes its gate as a GetObject. */
static int lend_start(struct op *op)
{
	return op_error(op, -EINVAL, "NexusInternal", "a window was lent to nobody");
}

const struct op_type lend_type = {
	.name = "lend",
	.op_case = NEXUS__V1__REQUEST__OP_LEND,
	.idempotent = true,
	.poll = true,
	.start = lend_start,
};

/* ---- the event ---- */

static void next_describe(struct op *op, struct invocation *inv)
{
	Nexus__V1__Invocation *to = op_alloc(op, sizeof(*to));
	const struct function_config *config = inv->function->config;
	char arn[256];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(arn, sizeof(arn), "arn:aws:lambda:%s:%s:function:%s",
		 inv->function->region, FUNCTION_ACCOUNT, config->name);
	nexus__v1__invocation__init(to);
	to->request_id = op_strdup(op, inv->id);
	to->deadline_ms = now.tv_sec * 1000ULL + now.tv_nsec / 1000000 + config->timeout_ms;
	to->remaining_ms = config->timeout_ms;
	to->function_arn = op_strdup(op, arn);
	to->function_name = op_strdup(op, config->name);
	to->trace_id = text_or_empty(op, inv->trace_id);
	to->client_context = text_or_empty(op, inv->client_context);
	to->content_type = text_or_empty(op, inv->content_type);
	to->restore_generation = op->channel->guest->restore_generation;
	to->max_response = INVOCATION_PAYLOAD_MAX;
	to->entropy.data = op_alloc(op, ENTROPY_SIZE);
	to->entropy.len = ENTROPY_SIZE;
	if (getrandom(to->entropy.data, ENTROPY_SIZE, 0) != ENTROPY_SIZE)
		abort();	/* after boot it cannot fail */
	lenders_use(op, inv, to);
	if (inv->grpc)
		to->grpc = grpc_served_take(op, inv);
	op->response.content_length = inv->event_len;
	op->response.invocation = to;
}

/* Fill windows as far as there are any. */
static void next_send(struct op *op)
{
	struct next *next = op->state;
	struct invocation *inv = next->inv;
	struct op_window *window;

	while ((window = op->windows)) {
		size_t left = inv->event_len - next->sent;

		window->done = left < window->len ? left : window->len;
		if (window->done)
			memcpy(window->data, inv->event + next->sent, window->done);
		next->sent += window->done;
		if (next->sent == inv->event_len) {
			next->inv = NULL;
			op_finish(op, 0);
			invocation_put(inv);
			return;
		}
		op_window_done(op);
	}
}

static void next_deliver(struct op *op, struct invocation *inv)
{
	struct next *next = op->state;

	next->inv = invocation_get(inv);
	instance_begin(inv, op->channel);
	next_describe(op, inv);
	next_send(op);
}

/* Claimed from another thread; here by way of the worker's loop. */
static void next_claimed(struct instance *instance)
{
	struct invocation *inv = instance->inv;
	struct op *op = instance->op;
	struct next *next;

	free(instance);
	if (!op) {
		/* It left meanwhile: another one's. */
		function_done(inv->function);
		if (!function_submit(inv, true))
			return;
		invocation_end(inv, INVOCATION_STOPPED);
		invocation_put(inv);
		return;
	}
	next = op->state;
	next->instance = NULL;
	slot_waits(op, false);
	next_deliver(op, inv);
}

static int next_start(struct op *op)
{
	struct function *function = function_find(op->channel->guest->function);
	struct next *next = op->state;
	struct instance *instance;
	struct invocation *inv;

	if (!function || function->config->tenant != op->tenant)
		return op_error(op, -ENOENT, "NexusNoFunction", "no events for function %s of tenant %s: there is no "
				"[function %s] with this tenant in the configuration", op->channel->guest->function,
				op->tenant->name, op->channel->guest->function);
	instance = calloc(1, sizeof(*instance));
	if (!instance)
		return op_error(op, -ENOMEM, "NexusInternal", "the host has not enough memory");
	*instance = (struct instance){
		.function = function, .worker = op->worker, .op = op, .deliver = next_claimed,
	};
	function_returned(function, &op->channel->returning, false);
	/* From here on it may be claimed: but its worker is this thread. */
	next->instance = instance;
	slot_waits(op, true);
	inv = function_wait(instance);
	if (!inv)
		return 0;
	next->instance = NULL;
	slot_waits(op, false);
	free(instance);
	next_deliver(op, inv);
	return 0;
}

static void next_abort(struct op *op)
{
	struct next *next = op->state;
	struct invocation *inv = next->inv;

	if (next->instance) {
		slot_waits(op, false);
		__atomic_store_n(&next->instance->op, NULL, __ATOMIC_RELAXED);
		if (function_leave(next->instance))
			free(next->instance);
		next->instance = NULL;
	} else if (inv) {
		/* It has seen a part of the event: nobody else may run it. */
		if (inv->channel && !inv->responding)
			instance_exit(inv);
		next->inv = NULL;
		invocation_put(inv);
	}
}

static void next_window(struct op *op)
{
	struct next *next = op->state;

	if (next->inv)
		next_send(op);
}

const struct op_type next_type = {
	.name = "next",
	.op_case = NEXUS__V1__REQUEST__OP_NEXT,
	.state_size = sizeof(struct next),
	.idempotent = true,
	.poll = true,
	.start = next_start,
	.window = next_window,
	.abort = next_abort,
};
