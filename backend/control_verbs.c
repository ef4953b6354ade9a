// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "breaker.h"
#include "cleanup.h"
#include "config.h"
#include "control.h"
#include "control_functions.h"
#include "control_invoke.h"
#include "control_journal.h"
#include "journal.h"
#include "nexus_hypercall.h"
#include "transport_kvm.h"
#include "transport_unix.h"
#include "reload.h"
#include "version.h"
#include "vm.h"
#include "vmstats.h"
#include "workers.h"

/* ---- vm-list ---- */

static const char *vm_state_name(uint32_t state)
{
	static const char *const names[] = {
		[NEXUS_VM_ATTACHED] = "attached", [NEXUS_VM_ORPHANED] = "orphaned", [NEXUS_VM_DEAD] = "dead",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static const struct vm *vm_find(uint32_t id)
{
	const struct vm *vm = vm_first();

	while (vm && vm->id != id)
		vm = vm->next;
	return vm;
}

static void vm_counters(json_t *object, const struct vmstats *stats, int first, int last)
{
	for (int i = first - VMSTATS_FIRST_COUNTER; i <= last - VMSTATS_FIRST_COUNTER; i++)
		json_object_set_new(object, vmstats_names[i], json_integer(stats->counters[i]));
}

/* vm: NULL if the module holds it, but not for us. */
static json_t *vm_describe(const struct vmstats *stats, const struct vm *vm)
{
	json_t *hypercalls = json_object();
	json_t *object = json_pack("{s:I, s:I, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I}",
				   "id", (json_int_t)stats->id,
				   "pid", (json_int_t)stats->vmm_pid,
				   "tenant", stats->tenant,
				   "function", stats->function,
				   "state", vm_state_name(stats->state),
				   "served", vm != NULL,
				   "channels", (json_int_t)stats->channels,
				   "pinned_pages", (json_int_t)stats->pinned_pages,
				   "max_pages", (json_int_t)stats->max_pages,
				   "requests", (json_int_t)(vm ? kvm_vm_requests(vm->kvm) : 0));

	vm_counters(object, stats, NEXUS_A_VM_REFUSED, NEXUS_A_VM_WAKES);
	vm_counters(hypercalls, stats, NEXUS_A_VM_PROBE, NEXUS_A_VM_UNKNOWN);
	json_object_set_new(object, "hypercalls", hypercalls);
	return object;
}

/* The module's view of every VM that it holds, and ours of those that we serve. */
static void verb_vm_list(struct control_call *call, const json_t *arguments)
{
	auto_free struct vmstats *stats = NULL;
	json_t *list;
	int count;

	(void)arguments;
	count = vmstats_dump(&stats);
	if (count < 0 && count != -ENOENT) {
		control_fail(call, "cannot ask nexus_kvm for its VMs: %s", strerror(-count));
		return;
	}
	list = json_array();
	for (int i = 0; i < count; i++) {
		json_array_append_new(list, vm_describe(&stats[i], vm_find(stats[i].id)));
	}
	control_reply(call, list);
}

/* ---- vm-adopt, vm-release ---- */

static void verb_vm_adopt(struct control_call *call, const json_t *arguments)
{
	const char *tenant = json_string_value(json_object_get(arguments, "tenant"));
	const char *function = json_string_value(json_object_get(arguments, "function"));
	json_int_t pid = json_integer_value(json_object_get(arguments, "pid"));
	char error[512];
	int64_t id;

	if (!tenant || !function || pid < 1 || pid > INT32_MAX) {
		control_fail(call, "vm-adopt wants a pid, a tenant and a function");
		return;
	}
	id = vm_adopt(pid, tenant, function, error, sizeof(error));
	if (id < 0)
		control_fail(call, "%s", error);
	else
		control_reply(call, json_pack("{s:I}", "id", (json_int_t)id));
}

static void vm_released(void *arg)
{
	control_reply(arg, json_object());
}

static void verb_vm_release(struct control_call *call, const json_t *arguments)
{
	json_t *id = json_object_get(arguments, "id");
	json_int_t value = json_integer_value(id);
	int ret = -ENOENT;

	if (json_is_integer(id) && value >= 0 && value <= UINT32_MAX)
		ret = vm_release(value, vm_released, call);
	if (ret == -ENOENT)
		control_fail(call, "no vm %lld is served here: see nexusctl vm list", (long long)value);
	else if (ret == -EALREADY)
		control_fail(call, "vm %lld is being released", (long long)value);
	else if (ret)
		control_fail(call, "cannot release vm %lld: %s", (long long)value, strerror(-ret));
}

/* ---- stats, version ---- */

/* Only those that have something to tell. */
static void breaker_add(const struct breaker *breaker, void *arg)
{
	if (breaker->failures || breaker->opens)
		json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "tenant", breaker->tenant,
						     "url", breaker->url, "state", breaker_state_name(breaker),
						     "failures", (json_int_t)breaker->failures,
						     "since", (json_int_t)breaker->since,
						     "opens", (json_int_t)breaker->opens, "last", breaker->reason));
}

static json_t *journal_describe(void)
{
	json_t *object = json_object();

#define STAT(name) json_object_set_new(object, #name, \
				       json_integer(__atomic_load_n(&journal_stats.name, __ATOMIC_RELAXED)))
	STAT(records);
	STAT(bytes);
	STAT(segments);
	STAT(replayed);
	STAT(torn);
	STAT(damaged);
	STAT(orphaned);
	STAT(refused);
	STAT(retries);
#undef STAT
	return object;
}

static void verb_stats(struct control_call *call, const json_t *arguments)
{
	json_t *workers = json_array(), *totals = json_object(), *vms = json_array(), *breakers = json_array(), *worker;
	uint64_t value, total[NR_COUNTERS] = { 0 };

	(void)arguments;
	for (uint32_t i = 0; i < workers_count(); i++) {
		worker = json_object();
		for (size_t field = 0; field < NR_COUNTERS; field++) {
			value = counter_read(&workers_get(i)->counters, field);
			total[field] += value;
			json_object_set_new(worker, counter_fields[field].name, json_integer(value));
		}
		json_array_append_new(workers, worker);
	}
	for (size_t field = 0; field < NR_COUNTERS; field++)
		json_object_set_new(totals, counter_fields[field].name, json_integer(total[field]));
	for (const struct vm *vm = vm_first(); vm; vm = vm->next)
		json_array_append_new(vms, json_pack("{s:I, s:s, s:s, s:I}", "id", (json_int_t)vm->id,
						     "tenant", vm->tenant->name, "function", vm->function,
						     "requests", (json_int_t)kvm_vm_requests(vm->kvm)));
	breaker_each(breaker_add, breakers);
	control_reply(call, json_pack("{s:o, s:o, s:o, s:o, s:I, s:o}", "totals", totals, "workers", workers, "vms", vms,
				      "breakers", breakers,
				      "connections", (json_int_t)unix_connections(), "journal", journal_describe()));
}

static void verb_reload(struct control_call *call, const json_t *arguments)
{
	auto_free char *error = NULL;

	(void)arguments;
	if (reload(&error))
		control_fail(call, "nothing is reloaded: %s", error);
	else
		control_reply(call, json_object());
}

static void verb_version(struct control_call *call, const json_t *arguments)
{
	(void)arguments;
	control_reply(call, json_pack("{s:s, s:s}", "backend", NEXUS_VERSION, "abi", NEXUS_ABI_TEXT));
}

const struct control_verb control_verbs[] = {
	{ "vm-list", verb_vm_list },
	{ "vm-adopt", verb_vm_adopt },
	{ "vm-release", verb_vm_release },
	{ "function-list", verb_function_list },
	{ "function-start", verb_function_start },
	{ "function-stop", verb_function_stop },
	{ "function-timeline", verb_function_timeline },
	{ "function-snapshot", verb_function_snapshot },
	{ "function-remove", verb_function_remove },
	{ "function-invoke", verb_function_invoke },
	{ "journal-list", verb_journal_list },
	{ "journal-retry", verb_journal_retry },
	{ "journal-drop", verb_journal_drop },
	{ "reload", verb_reload },
	{ "stats", verb_stats },
	{ "version", verb_version },
	{ NULL, NULL },
};
