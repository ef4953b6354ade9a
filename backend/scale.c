// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdlib.h>
#include "channel.h"
#include "config.h"
#include "function.h"
#include "log.h"
#include "loop.h"
#include "microvm.h"
#include "scale.h"
#include "vm.h"

#define LOOK_MS		500	/* how late an idle one ends */
#define BACKOFF_MS	1000	/* after a start that failed; doubles with each */
#define BACKOFF_MAX_MS	30000

static struct loop *main_loop;
static struct loop_timer look_timer;

/* queued: how many of those that start have not begun to. */
static unsigned int microvm_count(const struct function_config *config, unsigned int *starting, unsigned int *queued)
{
	unsigned int count = 0;

	*starting = 0;
	*queued = 0;
	for (const struct microvm *m = microvm_first(); m; m = m->next) {
		if (m->function != config || m->template || m->pooled || m->state == MICROVM_ENDING)
			continue;
		count++;
		/* It will take an event that waits now. A survivor has another one to end first. */
		*starting += !m->survivor && (!m->vm_id || !vm_polled(m->vm_id));
		*queued += m->state == MICROVM_QUEUED;
	}
	return count;
}

static void scale_ended(void *arg, const struct microvm *microvm, const char *reason)
{
	struct function *function = arg;
	unsigned int doublings = function->start_failures;
	uint64_t delay_ms;

	log_info("a microVM of function %s, process %d, has ended: %s", microvm->function->name, microvm->vmm_pid,
		 reason);
	if (microvm->worked || microvm->stale || vm_polled(microvm->vm_id))
		return;
	/* It never asked for an event: so would the next one not. */
	delay_ms = doublings < 5 ? BACKOFF_MS << doublings : BACKOFF_MAX_MS;
	function->start_after_ms = loop_now_ms(main_loop) + delay_ms;
	function->start_failures++;
	log_warning("function %s: a microVM ended before it asked for an event: %s", function->config->name, reason);
}

bool scale_wants(const struct function_config *config)
{
	struct function *function = function_find(config->name);
	unsigned int starting, queued;

	microvm_count(config, &starting, &queued);
	return function && function_lacks(function) > starting - queued;
}

void scale_up(struct function *function)
{
	const struct function_config *config = function->config;
	unsigned int waiting, starting, queued, count;
	struct microvm *microvm;
	char error[512];

	if (!config->kernel || loop_now_ms(main_loop) < function->start_after_ms)
		return;
	waiting = function_lacks(function);
	count = microvm_count(config, &starting, &queued);
	for (; starting < waiting && count < config->concurrency; starting++, count++) {
		microvm = microvm_start(config, scale_ended, function, error, sizeof(error));
		if (microvm) {
			microvm->on_demand = true;
			continue;
		}
		log_warning("cannot start a microVM: %s", error);
		function->start_after_ms = loop_now_ms(main_loop) + BACKOFF_MS;
		return;
	}
}

/* ---- and down ---- */

static void microvm_look(struct microvm *microvm, uint64_t now_ms)
{
	struct function *function = function_find(microvm->function->name);
	uint64_t work;

	if (microvm->state != MICROVM_RUNNING || microvm->template || !microvm->vm_id)
		return;
	work = vm_polled(microvm->vm_id);
	if (microvm->survivor && !work && now_ms - microvm->at[TIMELINE_ADOPTED] / 1000000 >= microvm->function->timeout_ms) {
		/* Nobody waits any more for what it works on, and its deadline was an earlier daemon's to watch. */
		microvm_kill(microvm, "what it did for an earlier daemon passed the deadline");
		return;
	}
	if (work && !microvm->worked) {
		microvm->worked = true;
		if (function)
			function->start_failures = 0;
	}
	if (!vm_polls(microvm->vm_id) || work != microvm->seen_work) {
		microvm->seen_work = work;
		microvm->idle_since_ms = now_ms;
		return;
	}
	if (now_ms - microvm->idle_since_ms < microvm->function->keep_alive_ms)
		return;
	/* From here on no event can find it. */
	if (!function || function_retire(function, microvm->vm_id))
		microvm_kill(microvm, "it was idle for keep_alive");
}

static void scale_look(struct loop_timer *timer)
{
	uint64_t now_ms = loop_now_ms(main_loop);

	for (const struct microvm *m = microvm_first(); m; m = m->next)
		microvm_look((struct microvm *)m, now_ms);
	for (struct function *f = function_first(); f; f = f->next)
		microvm_pool_look(f);
	loop_timer_start(main_loop, timer, LOOK_MS);
}

static void scale_expired_posted(void *arg)
{
	struct microvm *microvm = microvm_of_vm((uintptr_t)arg);

	if (microvm && !microvm->template)
		microvm_kill(microvm, "its invocation passed the deadline");
}

void scale_expired(const struct guest *guest)
{
	if (guest->vm_id && loop_post(main_loop, scale_expired_posted, (void *)(uintptr_t)guest->vm_id))
		log_error("no memory to end vm %u", guest->vm_id);
}

void scale_start(struct loop *loop)
{
	main_loop = loop;
	microvms_recover(scale_ended);
	look_timer.expired = scale_look;
	loop_timer_start(loop, &look_timer, LOOK_MS);
}
