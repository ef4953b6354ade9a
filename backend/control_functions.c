// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include "config.h"
#include "control_functions.h"
#include "function.h"
#include "microvm.h"
#include "log.h"

static const struct config *functions_config;

void control_functions_start(const struct config *config)
{
	functions_config = config;
}

/* The function that the call names; NULL after control_fail(). */
static const struct function_config *function_named(struct control_call *call, const json_t *arguments)
{
	const char *name = json_string_value(json_object_get(arguments, "function"));
	const struct function_config *function = name ? config_function(functions_config, name) : NULL;

	if (!function)
		control_fail(call, "no function %.64s is configured: see nexusctl function list", name ? name : "(none)");
	return function;
}

static const char *microvm_state_name(const struct microvm *microvm)
{
	static const char *const names[] = {
		[MICROVM_QUEUED] = "queued", [MICROVM_STARTING] = "starting", [MICROVM_POOLED] = "pooled", [MICROVM_LOADING] = "loading", [MICROVM_RUNNING] = "running",
		[MICROVM_SAVING] = "saving", [MICROVM_ENDING] = "ending",
	};

	return names[microvm->state];
}

static json_int_t step_ms(const struct microvm *microvm, enum timeline_step step)
{
	return microvm->at[step] / 1000000;
}

static json_t *microvm_describe(const struct microvm *microvm)
{
	return json_pack("{s:I, s:I, s:s, s:b, s:b, s:b, s:b, s:I, s:I, s:I, s:I}",
			 "pid", (json_int_t)microvm->vmm_pid, "vm", (json_int_t)microvm->vm_id,
			 "state", microvm_state_name(microvm), "template", microvm->template,
			 "restored", microvm->restored, "from_pool", microvm->from_pool, "survivor", microvm->survivor,
			 "start_ms", step_ms(microvm, TIMELINE_WANTED), "ready_ms", step_ms(microvm, TIMELINE_READY),
			 "adopted_ms", step_ms(microvm, TIMELINE_ADOPTED), "running_ms", step_ms(microvm, TIMELINE_RUNNING));
}

/* What callers asked of it. */
static json_t *function_calls(const char *name)
{
	struct function_counts counts;
	struct function *function = function_find(name);

	if (!function)
		return json_object();
	function_count_all(function, &counts);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "invocations", (json_int_t)counts.totals.invocations, "errors", (json_int_t)counts.totals.errors,
			 "timeouts", (json_int_t)counts.totals.timeouts, "throttles", (json_int_t)counts.totals.throttles,
			 "no_instance", (json_int_t)counts.totals.no_instance, "retries", (json_int_t)counts.totals.retries,
			 "given_up", (json_int_t)counts.totals.given_up,
			 "log_dropped", (json_int_t)counts.totals.log_dropped,
			 "running", (json_int_t)counts.running, "waiting", (json_int_t)counts.queued,
			 "idle", (json_int_t)counts.idle, "events", (json_int_t)counts.events);
}

static json_t *function_describe(const struct function_config *function)
{
	json_t *list = json_array(), *pool = json_array();

	for (const struct microvm *i = microvm_first(); i; i = i->next) {
		if (i->function == function)
			json_array_append_new(i->pooled ? pool : list, microvm_describe(i));
	}
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s*, s:s*, s:s*, s:b, s:o, s:o, s:o}",
			 "name", function->name, "tenant", function->tenant->name,
			 "timeout_ms", (json_int_t)function->timeout_ms, "concurrency", (json_int_t)function->concurrency,
			 "keep_alive_ms", (json_int_t)function->keep_alive_ms, "memory", (json_int_t)function->memory,
			 "vcpus", (json_int_t)function->vcpus, "kernel", function->kernel, "image", function->image, "handler", function->handler,
			 "snapshot", microvm_has_snapshot(function), "instances", list, "pool", pool,
			 "calls", function_calls(function->name));
}

void verb_function_list(struct control_call *call, const json_t *arguments)
{
	json_t *list = json_array();

	(void)arguments;
	for (const struct function_config *f = functions_config->functions; f; f = f->next)
		json_array_append_new(list, function_describe(f));
	control_reply(call, list);
}

static void function_ended(void *arg, const struct microvm *microvm, const char *reason)
{
	(void)arg;
	log_info("an instance of function %s, process %d, is gone: %s", microvm->function->name, microvm->vmm_pid,
		 reason);
}

void verb_function_start(struct control_call *call, const json_t *arguments)
{
	const struct function_config *function = function_named(call, arguments);
	struct microvm *microvm;
	char error[512];

	if (!function)
		return;
	microvm = microvm_start(function, function_ended, NULL, error, sizeof(error));
	if (microvm)
		control_reply(call, json_pack("{s:I}", "pid", (json_int_t)microvm->vmm_pid));
	else
		control_fail(call, "%s", error);
}

/* All instances of the function, or the one with this pid. */
void verb_function_stop(struct control_call *call, const json_t *arguments)
{
	const struct function_config *function = function_named(call, arguments);
	json_int_t pid = json_integer_value(json_object_get(arguments, "pid")), count = 0;
	const struct microvm *microvm;

	if (!function)
		return;
	for (microvm = microvm_first(); microvm; microvm = microvm->next) {
		if (microvm->function != function || microvm->template || microvm->pooled || (pid && microvm->vmm_pid != pid))
			continue;
		microvm_kill((struct microvm *)microvm, "stopped by the operator");
		count++;
	}
	control_reply(call, json_pack("{s:I}", "stopped", count));
}

/* When what happened in its last invocations. */
void verb_function_timeline(struct control_call *call, const json_t *arguments)
{
	const struct function_config *function = function_named(call, arguments);

	if (function)
		control_reply(call, timelines_describe(function_find(function->name)->timelines));
}

static void function_snapshot_done(void *arg, const char *error)
{
	if (error)
		control_fail(arg, "%s", error);
	else
		control_reply(arg, json_object());
}

void verb_function_snapshot(struct control_call *call, const json_t *arguments)
{
	const struct function_config *function = function_named(call, arguments);
	char error[512];

	if (function && microvm_snapshot(function, function_snapshot_done, call, error, sizeof(error)))
		control_fail(call, "%s", error);
}

void verb_function_remove(struct control_call *call, const json_t *arguments)
{
	const struct function_config *function = function_named(call, arguments);
	int ret;

	if (!function)
		return;
	ret = microvm_remove_snapshot(function);
	if (ret)
		control_fail(call, "the snapshot of function %s: %s", function->name,
			     ret == -ENOENT ? "there is none" : strerror(-ret));
	else
		control_reply(call, json_object());
}
