// SPDX-License-Identifier: GPL-2.0-only
/*
 * The start queue: max_starts VMMs start at a time, the others wait for their turn. On a host with more to do than it
 * can, those that started all at once would all come too late.
 */
#include "config.h"
#include "microvm_core.h"
#include "scale.h"
#include "vm.h"

#define LOOK_MS		100	/* how late it is seen that a guest has booted */
#define BOOT_MS		5000	/* so long a guest that boots may keep others waiting: the time is its function's */

static const struct config *queue_config;
static struct loop_timer queue_timer;
static uint64_t turns;
static uint64_t nr_starts;

static bool is_starting(const struct microvm *microvm, uint64_t now_ms)
{
	if (microvm->state == MICROVM_STARTING || microvm->state == MICROVM_LOADING)
		return true;
	return microvm->state == MICROVM_RUNNING && !microvm->restored && !microvm->survivor &&
	       now_ms - microvm->at[TIMELINE_RUNNING] / 1000000 < BOOT_MS && !vm_polled(microvm->vm_id);
}

void microvm_starts(struct microvm_starts *starts)
{
	uint64_t now_ms = loop_now_ms(microvms_loop());

	*starts = (struct microvm_starts){ .total = nr_starts };
	for (const struct microvm *i = microvm_first(); i; i = i->next) {
		starts->waiting += microvm_is_queued(i);
		starts->starting += is_starting(i, now_ms);
	}
}

/* Whose turn it is: those that somebody waits for before the pool's, each in the order in which they came. */
static struct microvm_core *queue_first(void)
{
	struct microvm_core *first = NULL, *core;

	for (const struct microvm *i = microvm_first(); i; i = i->next) {
		core = microvm_to_core((struct microvm *)i);
		if (!microvm_is_queued(i) || (first && i->pooled && !first->microvm.pooled))
			continue;
		if (!first || core->turn < first->turn || (first->microvm.pooled && !i->pooled))
			first = core;
	}
	return first;
}

static void queue_turn(struct microvm_core *core)
{
	char error[512];

	if (core->microvm.on_demand && !scale_wants(core->microvm.function)) {
		core->microvm.stale = true;
		microvm_kill(&core->microvm, "no event waits for it any more");
	} else if (microvm_start_vmm(core, error, sizeof(error))) {
		microvm_kill(&core->microvm, error);
	}
}

static void queue_look(struct loop_timer *timer)
{
	struct microvm_starts starts;
	struct microvm_core *core;

	for (;;) {
		microvm_starts(&starts);
		core = starts.starting < queue_config->max_starts ? queue_first() : NULL;
		if (!core)
			break;
		queue_turn(core);
	}
	if (starts.waiting)
		loop_timer_start(microvms_loop(), timer, LOOK_MS);
}

void queue_news(void)
{
	if (queue_config)
		loop_timer_start(microvms_loop(), &queue_timer, 0);
}

bool queue_add(struct microvm_core *core)
{
	struct microvm_starts starts;

	microvm_starts(&starts);
	if (starts.starting < queue_config->max_starts && !starts.waiting)
		return false;
	core->turn = ++turns;
	if (!queue_timer.deadline_ms)
		loop_timer_start(microvms_loop(), &queue_timer, LOOK_MS);
	return true;
}

void queue_started(void)
{
	nr_starts++;
}

static void queue_gone(struct loop_timer *timer)
{
	struct microvm_core *core = container_of(timer, struct microvm_core, look);

	microvm_gone(core, core->reason);
}

/* Not at once: who asks for it may be going through the list. */
void queue_drop(struct microvm_core *core)
{
	core->look.expired = queue_gone;
	loop_timer_start(microvms_loop(), &core->look, 0);
}

void queue_open(const struct config *config)
{
	queue_config = config;
	queue_timer.expired = queue_look;
}

void queue_close(void)
{
	loop_timer_stop(microvms_loop(), &queue_timer);
	queue_config = NULL;
}
