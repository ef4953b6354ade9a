// SPDX-License-Identifier: GPL-2.0-only
/*
 * Started VMMs: a function's vmm_pool of them wait with its snapshot's memory mapped, and
 * nothing of the guest in it, so that a clone costs the load of its state only. They go when the
 * function had nothing to do for vmm_pool_idle.
 */
#include <stdio.h>
#include "config.h"
#include "function.h"
#include "microvm_core.h"

#define REST_MS		3000	/* after one was taken: its guest is to have the processors first */
#define BACKOFF_MS	1000	/* after one that ended by itself; doubles with each */
#define BACKOFF_MAX_MS	30000

static bool is_pooled(const struct microvm *microvm, const struct function_config *function)
{
	return microvm->pooled && microvm->function == function && microvm->state != MICROVM_ENDING;
}

/* One that is ready, before one that still starts. */
struct microvm_core *pool_take(const struct function_config *function)
{
	struct function *owner = function_find(function->name);
	uint64_t now_ms = loop_now_ms(microvms_loop());
	struct microvm *best = NULL;

	for (const struct microvm *i = microvm_first(); i; i = i->next)
		if (is_pooled(i, function) && (!best || i->state == MICROVM_POOLED || microvm_is_queued(best)))
			best = (struct microvm *)i;
	if (!best)
		return NULL;
	if (owner && owner->pool_after_ms <= now_ms)	/* not put off by each further one */
		owner->pool_after_ms = now_ms + REST_MS;
	best->pooled = false;
	best->from_pool = true;
	return microvm_to_core(best);
}

void pool_ended(struct microvm_core *core, const char *reason)
{
	struct function *function = function_find(core->microvm.function->name);
	uint64_t delay_ms;

	log_info("a started VMM of function %s, process %d, has ended: %s", core->microvm.function->name,
		 core->microvm.vmm_pid, reason);
	if (!function || *core->reason)
		return;
	delay_ms = function->pool_failures < 5 ? BACKOFF_MS << function->pool_failures : BACKOFF_MAX_MS;
	function->pool_failures++;
	function->pool_after_ms = loop_now_ms(microvms_loop()) + delay_ms;
}

void pool_clear(const struct function_config *function)
{
	for (const struct microvm *i = microvm_first(); i; i = i->next) {
		bool starting = i->function == function && i->restored && i->state == MICROVM_STARTING;

		if (!starting && !is_pooled(i, function))
			continue;
		((struct microvm *)i)->stale = true;
		microvm_kill((struct microvm *)i, "its snapshot is replaced or removed");
	}
}

static void pool_add(struct function *function)
{
	struct microvm_core *core = microvm_new(function->config);
	char error[512];

	if (!core)
		return;
	core->microvm.pooled = true;
	if (!microvm_spawn(core, error, sizeof(error)))
		return;
	log_warning("cannot start a VMM for the pool of function %s: %s", function->config->name, error);
	function->pool_after_ms = loop_now_ms(microvms_loop()) + BACKOFF_MAX_MS;
}

void microvm_pool_look(struct function *function)
{
	const struct function_config *config = function->config;
	uint64_t now_ms = loop_now_ms(microvms_loop());
	struct microvm *any = NULL;
	uint32_t want = 0, have = 0, busy = 0;

	if (!config->vmm_pool)
		return;
	for (const struct microvm *i = microvm_first(); i; i = i->next) {
		if (i->function != config || i->state == MICROVM_ENDING)
			continue;
		if (i->state == MICROVM_POOLED)
			function->pool_failures = 0;
		have += i->pooled;
		any = i->pooled ? (struct microvm *)i : any;
		/* Those that an event waits for go first. */
		busy += !i->pooled && i->state != MICROVM_RUNNING;
		if (!i->pooled)
			function->used_ms = now_ms;
	}
	if (microvm_has_snapshot(config) && now_ms - function->used_ms < config->vmm_pool_idle_ms)
		want = config->vmm_pool;
	if (have > want)
		microvm_kill(any, "the function had nothing to do for vmm_pool_idle");
	else if (have < want && !busy && now_ms >= function->pool_after_ms)
		pool_add(function);
}
