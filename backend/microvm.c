// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "function.h"
#include "microvm_core.h"
#include "vm.h"

#define FAIL(status, ...) (snprintf(error, size, __VA_ARGS__), (status))

static struct loop *main_loop;
static const struct config *microvm_config;
static struct microvm *microvms;
static uint32_t serial;

/* ---- the end ---- */

void microvm_kill(struct microvm *microvm, const char *reason)
{
	struct microvm_core *core = microvm_to_core(microvm);

	if (microvm->state == MICROVM_ENDING)
		return;
	microvm->state = MICROVM_ENDING;
	snprintf(core->reason, sizeof(core->reason), "%s", reason);
	if (core->vmm)
		vmm_kill(core->vmm);
	else
		queue_drop(core);
}

void microvm_free(struct microvm_core *core)
{
	struct microvm *microvm = &core->microvm;

	*microvm->prev = microvm->next;
	if (microvm->next)
		microvm->next->prev = microvm->prev;
	loop_timer_stop(main_loop, &core->look);
	if (microvm->vmm_pid)
		record_remove(microvm->vmm_pid);
	vmm_free(core->vmm);
	snapshot_clear(&core->snapshot);
	free(core->ram);
	free(core->state);
	free(core);
	queue_news();
}

char *microvm_path(const struct function_config *function, const char *file)
{
	const char *parts[] = { function ? "/" : "", function ? function->name : "", file ? "/" : "", file ? file : "" };
	char *path;

	if (asprintf(&path, "%s%s%s%s%s", microvm_config->snapshot_dir, parts[0], parts[1], parts[2], parts[3]) < 0)
		abort();	/* a few bytes */
	return path;
}

void microvm_gone(struct microvm_core *core, const char *reason)
{
	if (core->microvm.state == MICROVM_ENDING && *core->reason)
		reason = core->reason;
	core->microvm.state = MICROVM_ENDING;
	if (core->microvm.template)
		template_ended(core, reason);
	else if (core->microvm.pooled)
		pool_ended(core, reason);
	else
		core->ended(core->arg, &core->microvm, reason);
	microvm_free(core);
}

static void microvm_vmm_ended(void *arg, const char *reason)
{
	microvm_gone(arg, reason);
}

/* ---- beginning ---- */

static int microvm_adopt(struct microvm_core *core, char *error, size_t size)
{
	const struct function_config *function = core->microvm.function;
	int64_t id;

	if (core->microvm.restored)
		id = vm_adopt_restored(core->vmm->pid, function->tenant->name, function->name, &core->snapshot, error,
				       size);
	else
		id = vm_adopt(core->vmm->pid, function->tenant->name, function->name, error, size);
	if (id < 0)
		return id;
	core->microvm.vm_id = id;
	return 0;
}

/* A clone's vCPUs run once their state is there, and the worker knows its Next: so the event's input is on its way. */
static void microvm_run(struct microvm_core *core)
{
	if (core->microvm.state != MICROVM_LOADING || (core->microvm.restored && !(core->loaded && core->served)))
		return;
	core->microvm.at[TIMELINE_CONTINUED] = timeline_now();
	vmm_run(core->vmm);
}

static void microvm_served(uint32_t vm_id)
{
	struct microvm *microvm = microvm_of_vm(vm_id);

	if (!microvm)
		return;
	microvm_to_core(microvm)->served = true;
	microvm_run(microvm_to_core(microvm));
}

static void microvm_loaded(void *arg)
{
	struct microvm_core *core = arg;

	core->microvm.at[TIMELINE_LOADED] = timeline_now();
	core->loaded = true;
	microvm_run(core);
}

static void microvm_begin(struct microvm_core *core)
{
	struct microvm *microvm = &core->microvm;
	char error[256];

	microvm->state = MICROVM_LOADING;
	/* From here on the VMM loads, while we adopt and the input is fetched. */
	if (microvm->restored)
		vmm_load(core->vmm);
	if (microvm_adopt(core, error, sizeof(error))) {
		microvm_kill(microvm, error);
		return;
	}
	microvm->at[TIMELINE_ADOPTED] = timeline_now();
	if (microvm->restored)
		vm_when_served(microvm->vm_id, microvm_served);
	else
		microvm_run(core);
}

static void microvm_ready(void *arg)
{
	struct microvm_core *core = arg;

	core->microvm.at[TIMELINE_READY] = timeline_now();
	if (!core->microvm.pooled) {
		microvm_begin(core);
		return;
	}
	core->microvm.state = MICROVM_POOLED;
	queue_news();
}

static void microvm_running(void *arg)
{
	struct microvm_core *core = arg;
	struct microvm *microvm = &core->microvm;
	struct function *function = function_find(microvm->function->name);

	microvm->state = MICROVM_RUNNING;
	microvm->at[TIMELINE_RUNNING] = timeline_now();
	queue_news();
	if (microvm->template) {
		template_running(core);
		return;
	}
	if (microvm->restored)
		vm_runs(microvm->vm_id);
	record_running(microvm->vmm_pid);
	if (function)
		timelines_started(function->timelines, microvm->vm_id, microvm->restored, microvm->from_pool, microvm->at);
}

static void microvm_console(void *arg, const char *line, size_t len)
{
	struct microvm_core *core = arg;

	log_write(&core->console, LOG_INFO, "%s: console: %.*s", core->name, (int)len, line);
}

const struct vmm_handler microvm_handler = {
	.ready = microvm_ready,
	.loaded = microvm_loaded,
	.running = microvm_running,
	.stopped = template_stopped,
	.saved = template_saved,
	.console = microvm_console,
	.ended = microvm_vmm_ended,
};

/* ---- starting ---- */

bool microvm_has_snapshot(const struct function_config *function)
{
	auto_free char *path = microvm_path(function, "sidecar");

	return !access(path, R_OK);
}

int microvm_remove_snapshot(const struct function_config *function)
{
	static const char *const files[] = { "sidecar", "state", "ram", NULL };
	int ret = 0;

	pool_clear(function);
	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_free char *path = microvm_path(function, files[i]);

		if ((files[i] ? unlink(path) : rmdir(path)) && !ret)
			ret = -errno;
	}
	return ret;
}

static void microvm_spec(struct microvm_core *core)
{
	const struct function_config *function = core->microvm.function;

	snprintf(core->name, sizeof(core->name), "%s-%u", function->name, ++serial);
	if (core->microvm.template || core->microvm.restored) {
		core->ram = microvm_path(function, core->microvm.template ? "ram.new" : "ram");
		core->state = microvm_path(function, core->microvm.template ? "state.new" : "state");
	}
	core->spec = (struct vmm_spec){
		.name = core->name, .program = microvm_config->vmm, .machine = function->machine,
		.memory_mib = function->memory >> 20, .vcpus = function->vcpus,
		.kernel = function->kernel, .initrd = function->image, .append = function->command_line,
		.ram_path = core->ram, .state_path = core->state,
	};
}

/* Reading it now: a snapshot that is replaced meanwhile is not mixed with this one. */
static int microvm_load(struct microvm_core *core, char *error, size_t size)
{
	auto_free char *path = microvm_path(core->microvm.function, "sidecar");

	if (core->microvm.template || !microvm_has_snapshot(core->microvm.function))
		return 0;
	core->microvm.restored = true;
	return snapshot_load(&core->snapshot, path, error, size);
}

int microvm_check(const struct function_config *function, char *error, size_t size)
{
	const char *const files[] = { function->kernel, function->image };
	uint32_t count = 0;

	/* What waits in the pool is bounded there. */
	for (const struct microvm *i = microvms; i; i = i->next)
		count += !i->pooled;
	if (count >= microvm_config->max_instances)
		return FAIL(-ENOSPC, "%u instances run, the limit: raise max_instances in [backend]", count);
	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!files[i])
			return FAIL(-EINVAL, "function %s has no %s: set it in [function %s]", function->name,
				    i ? "image" : "kernel", function->name);
		if (access(files[i], R_OK))
			return FAIL(-errno, "function %s: %s: %s", function->name, files[i], strerror(errno));
	}
	return 0;
}

struct microvm_core *microvm_new(const struct function_config *function)
{
	struct microvm_core *core = calloc(1, sizeof(*core));
	struct microvm *microvm;

	if (!core)
		return NULL;
	microvm = &core->microvm;
	microvm->function = function;
	microvm->next = microvms;
	microvm->prev = &microvms;
	if (microvm->next)
		microvm->next->prev = &microvm->next;
	microvms = microvm;
	return core;
}

int microvm_start_vmm(struct microvm_core *core, char *error, size_t size)
{
	struct microvm *microvm = &core->microvm;
	int ret;

	ret = microvm_load(core, error, size);
	if (!ret && !microvm->restored)
		ret = microvm_check_memory(microvm->function, error, size);
	if (ret)
		return ret;
	microvm_spec(core);
	core->vmm = vmm_start(&vmm_qemu_type, main_loop, &core->spec, microvm->restored, &microvm_handler, core);
	if (!core->vmm)
		return FAIL(-errno, "cannot start %s: %s", core->spec.program ? core->spec.program : "QEMU",
			    strerror(errno));
	microvm->state = MICROVM_STARTING;
	queue_started();
	microvm->at[TIMELINE_SPAWNED] = timeline_now();
	microvm->vmm_pid = core->vmm->pid;
	record_add(microvm->vmm_pid, microvm->function, microvm->restored);
	return 0;
}

int microvm_spawn(struct microvm_core *core, char *error, size_t size)
{
	int ret = queue_add(core) ? 0 : microvm_start_vmm(core, error, size);

	if (ret)
		microvm_free(core);
	return ret;
}

struct microvm *microvm_start(const struct function_config *function, microvm_ended *ended, void *arg, char *error,
			      size_t size)
{
	uint64_t wanted = timeline_now();
	struct microvm_core *core;
	bool ready;

	if (microvm_check(function, error, size))
		return NULL;
	core = pool_take(function);
	ready = core && core->microvm.state == MICROVM_POOLED;
	if (!core)
		core = microvm_new(function);
	if (!core) {
		snprintf(error, size, "out of memory");
		return NULL;
	}
	core->ended = ended;
	core->arg = arg;
	core->microvm.at[TIMELINE_WANTED] = wanted;
	if (ready)
		microvm_begin(core);
	else if (!core->vmm && !core->turn && microvm_spawn(core, error, size))
		return NULL;
	return &core->microvm;
}

const struct microvm *microvm_first(void)
{
	return microvms;
}

struct microvm *microvm_of_vm(uint32_t vm_id)
{
	struct microvm *microvm = microvms;

	while (microvm && microvm->vm_id != vm_id)
		microvm = microvm->next;
	return microvm;
}

struct loop *microvms_loop(void)
{
	return main_loop;
}

void microvms_start(struct loop *loop, const struct config *config)
{
	char error[512];

	main_loop = loop;
	microvm_config = config;
	for (const struct function_config *f = config->functions; f; f = f->next) {
		if (microvm_check_memory(f, error, sizeof(error)))
			log_warning("%s", error);
	}
	records_open(config->control_path);
	queue_open(config);
	microvms_end_leftovers();
}

void microvms_stop(void)
{
	while (microvms)
		microvm_free(microvm_to_core(microvms));
	queue_close();
	records_close();
}
