// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "config.h"
#include "channel.h"
#include "container.h"
#include "function.h"
#include "log.h"
#include "op.h"
#include "scale.h"
#include "worker.h"

#define SWEEP_MS	100	/* how late an event may learn that no instance came */
#define RETURN_MS	1000	/* so long one waits for an instance that has just answered, before another one is started */

static struct function *functions;
static unsigned int invocations, max_invocations;	/* of all of them, not ended; atomic */

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- events that wait ---- */

/* function->lock held. */
static struct invocation *queue_pop(struct function *function)
{
	struct invocation *inv = function->queue;

	if (!inv)
		return NULL;
	function->queue = inv->next;
	if (!function->queue)
		function->queue_tail = &function->queue;
	function->queued--;
	inv->next = NULL;
	return inv;
}

static void queue_sweep(struct loop_timer *timer)
{
	struct function *function = container_of(timer, struct function, timer);
	uint64_t limit = function->config->start_timeout_ms, now = clock_ms();
	struct invocation *late;
	bool more;

	do {
		pthread_mutex_lock(&function->lock);
		late = function->queue && now - function->queue->queued_ms >= limit ? queue_pop(function) : NULL;
		if (late)
			function->counters.no_instance++;
		more = function->queue;
		pthread_mutex_unlock(&function->lock);
		if (late) {
			invocation_end(late, INVOCATION_NO_INSTANCE);
			invocation_put(late);
		}
	} while (late);
	if (!more)
		return;
	scale_up(function);
	loop_timer_start(function->loop, &function->timer, SWEEP_MS);
}

static void queue_watch(void *arg)
{
	struct function *function = arg;

	scale_up(function);
	if (!function->timer.deadline_ms)
		loop_timer_start(function->loop, &function->timer, SWEEP_MS);
}

static void instance_deliver(void *arg)
{
	struct instance *instance = arg;

	instance->deliver(instance);
}

/* function->lock held. */
static void instance_unlink(struct instance *instance)
{
	if (!instance->prev)
		return;
	*instance->prev = instance->next;
	if (instance->next)
		instance->next->prev = instance->prev;
	instance->prev = NULL;
}

/* function->lock held. */
static struct instance *instance_claim(struct function *function, struct invocation *inv)
{
	struct instance *instance = function->idle;

	if (!instance)
		return NULL;
	instance_unlink(instance);
	instance->inv = inv;
	return instance;
}

/* One more of all; false: too many. */
static bool invocations_begin(void)
{
	if (__atomic_add_fetch(&invocations, 1, __ATOMIC_RELAXED) <= max_invocations)
		return true;
	functions_over();
	return false;
}

void functions_over(void)
{
	__atomic_sub_fetch(&invocations, 1, __ATOMIC_RELAXED);
}

int function_submit(struct invocation *inv, bool again)
{
	struct function *function = inv->function;
	struct instance *instance;
	bool first = false;
	int ret = 0;

	pthread_mutex_lock(&function->lock);
	if (function->stopping) {
		pthread_mutex_unlock(&function->lock);
		return -ESHUTDOWN;
	}
	if (!again)
		ret = function->running + function->queued >= function->config->concurrency ? -EBUSY :
		      invocations_begin() ? 0 : -EDQUOT;
	if (ret) {
		function->counters.throttles++;
		pthread_mutex_unlock(&function->lock);
		return ret;
	}
	if (!again) {
		inv->counted = true;
		inv->queued_ms = clock_ms();
	}
	instance = instance_claim(function, inv);
	if (instance) {
		function->running++;
	} else {
		first = !function->queue;
		if (again) {
			inv->next = function->queue;
			function->queue = inv;
			if (first)
				function->queue_tail = &inv->next;
		} else {
			*function->queue_tail = inv;
			function->queue_tail = &inv->next;
		}
		function->queued++;
	}
	/* Under the lock, so that no worker stops in between. */
	if (instance)
		ret = loop_post(instance->worker->loop, instance_deliver, instance);
	else
		ret = loop_post(function->loop, queue_watch, function);
	if (ret)
		abort();	/* a few bytes; the caller would wait for ever */
	pthread_mutex_unlock(&function->lock);
	return 0;
}

/* ---- instances that come back ---- */

/* function->lock held. Those that were written off are no longer counted. */
static void returning_sync(const struct function *function, struct returning *returning)
{
	if (returning->disappointed != function->disappointed)
		*returning = (struct returning){ .disappointed = function->disappointed };
}

void function_returns(struct function *function, struct returning *returning)
{
	pthread_mutex_lock(&function->lock);
	returning_sync(function, returning);
	returning->count++;
	function->returning++;
	pthread_mutex_unlock(&function->lock);
}

void function_returned(struct function *function, struct returning *returning, bool all)
{
	unsigned int count;

	pthread_mutex_lock(&function->lock);
	returning_sync(function, returning);
	count = all || !returning->count ? returning->count : 1;
	returning->count -= count;
	function->returning -= count;
	pthread_mutex_unlock(&function->lock);
}

unsigned int function_lacks(struct function *function)
{
	unsigned int lacks;

	pthread_mutex_lock(&function->lock);
	if (function->returning && function->queue && clock_ms() - function->queue->queued_ms >= RETURN_MS) {
		/* Whatever they do now: nobody waits for them a second time. */
		function->returning = 0;
		function->disappointed++;
	}
	lacks = function->queued > function->returning ? function->queued - function->returning : 0;
	pthread_mutex_unlock(&function->lock);
	return lacks;
}

struct invocation *function_take_waiting(struct function *function)
{
	struct invocation *inv;

	pthread_mutex_lock(&function->lock);
	inv = queue_pop(function);
	function->running += inv != NULL;
	pthread_mutex_unlock(&function->lock);
	return inv;
}

/* ---- instances ---- */

struct invocation *function_wait(struct instance *instance)
{
	struct function *function = instance->function;
	struct invocation *inv;

	pthread_mutex_lock(&function->lock);
	inv = queue_pop(function);
	if (inv) {
		function->running++;
	} else {
		instance->next = function->idle;
		instance->prev = &function->idle;
		if (instance->next)
			instance->next->prev = &instance->next;
		function->idle = instance;
	}
	pthread_mutex_unlock(&function->lock);
	return inv;
}

bool function_leave(struct instance *instance)
{
	struct function *function = instance->function;
	bool waited;

	pthread_mutex_lock(&function->lock);
	waited = instance->prev || instance->retired;
	instance_unlink(instance);
	pthread_mutex_unlock(&function->lock);
	return waited;
}

bool function_retire(struct function *function, uint32_t vm_id)
{
	struct instance *instance;
	const struct op *op;

	pthread_mutex_lock(&function->lock);
	/* Its worker may just let go of the operation, but takes the lock before that ends. */
	for (instance = function->idle; instance; instance = instance->next) {
		op = __atomic_load_n(&instance->op, __ATOMIC_RELAXED);
		if (op && op->channel->guest->vm_id == vm_id)
			break;
	}
	if (instance) {
		instance_unlink(instance);
		instance->retired = true;
	}
	pthread_mutex_unlock(&function->lock);
	return instance;
}

void function_done(struct function *function)
{
	pthread_mutex_lock(&function->lock);
	function->running--;
	pthread_mutex_unlock(&function->lock);
}

void function_count_all(struct function *function, struct function_counts *counts)
{
	pthread_mutex_lock(&function->lock);
	*counts = (struct function_counts){
		.totals = function->counters,
		.running = function->running,
		.queued = function->queued,
		.events = function->events,
	};
	for (const struct instance *i = function->idle; i; i = i->next)
		counts->idle++;
	pthread_mutex_unlock(&function->lock);
}

/* ---- life ---- */

int functions_start(const struct config *config, struct loop *main_loop)
{
	struct function *function;

	max_invocations = config->max_invocations;
	for (const struct function_config *fc = config->functions; fc; fc = fc->next) {
		function = calloc(1, sizeof(*function));
		if (!function)
			return -ENOMEM;
		function->timelines = timelines_new();
		if (!function->timelines) {
			free(function);
			return -ENOMEM;
		}
		function->config = fc;
		function->region = config->ingress.region ? config->ingress.region : "us-east-1";
		function->loop = main_loop;
		function->used_ms = clock_ms();
		function->timer.expired = queue_sweep;
		function->queue_tail = &function->queue;
		pthread_mutex_init(&function->lock, NULL);
		function->next = functions;
		functions = function;
	}
	return 0;
}

void functions_quiesce(void)
{
	struct invocation *inv;

	for (struct function *function = functions; function; function = function->next) {
		do {
			pthread_mutex_lock(&function->lock);
			function->stopping = true;
			inv = queue_pop(function);
			pthread_mutex_unlock(&function->lock);
			if (inv) {
				invocation_end(inv, INVOCATION_STOPPED);
				invocation_put(inv);
			}
		} while (inv);
	}
}

void functions_stop(void)
{
	struct function *function;

	while ((function = functions)) {
		functions = function->next;
		loop_timer_stop(function->loop, &function->timer);
		pthread_mutex_destroy(&function->lock);
		timelines_free(function->timelines);
		free(function);
	}
}

struct function *function_first(void)
{
	return functions;
}

struct function *function_find(const char *name)
{
	struct function *function = functions;

	while (function && strcmp(function->config->name, name))
		function = function->next;
	return function;
}
