// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "container.h"
#include "instance.h"
#include "log.h"
#include "loop.h"
#include "snapshot.h"
#include "vm.h"
#include "vmm.h"

#define TEMPLATE_MS	120000	/* a guest may take so long until it waits for work */
#define TEMPLATE_LOOK_MS 20
#define FAIL(status, ...) (snprintf(error, size, __VA_ARGS__), (status))

struct instance_core {
	struct instance instance;
	struct vmm_spec spec;
	struct vmm *vmm;
	struct snapshot snapshot;	/* restored from, or being taken */
	struct log_site console;
	struct loop_timer look;		/* template: does it wait for work? */
	uint64_t look_until_ms;
	char name[NEXUS_NAME_MAX + 16];
	char *ram, *state;		/* of spec, owned */
	char reason[256];		/* of the end, if it was ours */
	bool saved;			/* template: state and sidecar are there */
	void (*ended)(void *arg, const struct instance *instance, const char *reason);
	void (*done)(void *arg, const char *error);	/* template's */
	void *arg;
};

static struct loop *main_loop;
static const struct config *instance_config;
static struct instance *instances;
static uint32_t nr_instances, serial;

static struct instance_core *to_core(struct instance *instance)
{
	return container_of(instance, struct instance_core, instance);
}

/* ---- the end ---- */

void instance_kill(struct instance *instance, const char *reason)
{
	struct instance_core *core = to_core(instance);

	if (instance->state == INSTANCE_ENDING)
		return;
	instance->state = INSTANCE_ENDING;
	snprintf(core->reason, sizeof(core->reason), "%s", reason);
	vmm_kill(core->vmm);
}

static void instance_free(struct instance_core *core)
{
	struct instance *instance = &core->instance;

	*instance->prev = instance->next;
	if (instance->next)
		instance->next->prev = instance->prev;
	nr_instances--;
	loop_timer_stop(main_loop, &core->look);
	vmm_free(core->vmm);
	snapshot_clear(&core->snapshot);
	free(core->ram);
	free(core->state);
	free(core);
}

/* A file of the function's snapshot, or (file NULL) their directory; the caller frees it. */
static char *function_path(const struct function *function, const char *file)
{
	char *path;

	if (asprintf(&path, "%s/%s%s%s", instance_config->snapshot_dir, function->name, file ? "/" : "",
		     file ? file : "") < 0)
		abort();	/* a few bytes */
	return path;
}

/* The template's files become the snapshot: the sidecar last, by which a snapshot is known. */
static int template_commit(const struct instance_core *core, char *error, size_t size)
{
	const struct function *function = core->instance.function;
	auto_free char *ram = function_path(function, "ram"), *state = function_path(function, "state");
	auto_free char *sidecar = function_path(function, "sidecar");

	if (unlink(sidecar) && errno != ENOENT)
		return FAIL(-errno, "cannot remove %s: %s", sidecar, strerror(errno));
	if (rename(core->ram, ram))
		return FAIL(-errno, "cannot name %s: %s", ram, strerror(errno));
	if (rename(core->state, state))
		return FAIL(-errno, "cannot name %s: %s", state, strerror(errno));
	return snapshot_save(&core->snapshot, sidecar, error, size);
}

static void template_ended(struct instance_core *core, const char *reason)
{
	char error[512];
	const char *what = reason;

	if (core->saved)
		what = template_commit(core, error, sizeof(error)) ? error : NULL;
	if (what) {
		unlink(core->ram);
		unlink(core->state);
		log_warning("no snapshot of function %s: %s", core->instance.function->name, what);
	} else {
		log_info("snapshot of function %s taken", core->instance.function->name);
	}
	core->done(core->arg, what);
}

static void instance_ended(void *arg, const char *reason)
{
	struct instance_core *core = arg;

	if (core->instance.state == INSTANCE_ENDING && *core->reason)
		reason = core->reason;
	core->instance.state = INSTANCE_ENDING;
	if (core->instance.template)
		template_ended(core, reason);
	else
		core->ended(core->arg, &core->instance, reason);
	instance_free(core);
}

/* ---- beginning ---- */

static int instance_adopt(struct instance_core *core, char *error, size_t size)
{
	const struct function *function = core->instance.function;
	int64_t id;

	if (core->instance.restored)
		id = vm_adopt_restored(core->vmm->pid, function->tenant->name, function->name, &core->snapshot, error,
				       size);
	else
		id = vm_adopt(core->vmm->pid, function->tenant->name, function->name, error, size);
	if (id < 0)
		return id;
	core->instance.vm_id = id;
	return 0;
}

static void instance_ready(void *arg)
{
	struct instance_core *core = arg;
	char error[256];

	core->instance.ready_ms = loop_now_ms(main_loop);
	if (instance_adopt(core, error, sizeof(error))) {
		instance_kill(&core->instance, error);
		return;
	}
	core->instance.adopted_ms = loop_now_ms(main_loop);
	core->instance.state = INSTANCE_LOADING;
	vmm_resume(core->vmm);
}

static void instance_running(void *arg)
{
	struct instance_core *core = arg;

	core->instance.state = INSTANCE_RUNNING;
	core->instance.running_ms = loop_now_ms(main_loop);
	if (!core->instance.template)
		return;
	core->look_until_ms = loop_now_ms(main_loop) + TEMPLATE_MS;
	loop_timer_start(main_loop, &core->look, TEMPLATE_LOOK_MS);
}

static void instance_console(void *arg, const char *line, size_t len)
{
	struct instance_core *core = arg;

	log_write(&core->console, LOG_INFO, "%s: console: %.*s", core->name, (int)len, line);
}

/* ---- the template's way to its snapshot ---- */

static void template_look(struct loop_timer *timer)
{
	struct instance_core *core = container_of(timer, struct instance_core, look);

	if (vm_polls(core->instance.vm_id)) {
		core->instance.state = INSTANCE_SAVING;
		vmm_save(core->vmm);
	} else if (loop_now_ms(main_loop) >= core->look_until_ms) {
		instance_kill(&core->instance, "the function did not ask for an event within 120 s: see its console in the log");
	} else {
		loop_timer_start(main_loop, timer, TEMPLATE_LOOK_MS);
	}
}

static void template_frozen(void *arg, int status)
{
	struct instance_core *core = arg;

	core->instance.vm_id = 0;
	if (status)
		instance_kill(&core->instance, status == -EBUSY ? "requests were in flight for too long" : strerror(-status));
	else
		vmm_save_state(core->vmm);
}

static void template_stopped(void *arg)
{
	struct instance_core *core = arg;
	int ret = vm_freeze(core->instance.vm_id, &core->snapshot, template_frozen, core);

	if (ret)
		instance_kill(&core->instance, strerror(-ret));
}

static void template_saved(void *arg)
{
	struct instance_core *core = arg;

	core->saved = true;
	instance_kill(&core->instance, "saved");
}

static const struct vmm_handler instance_handler = {
	.ready = instance_ready,
	.running = instance_running,
	.stopped = template_stopped,
	.saved = template_saved,
	.console = instance_console,
	.ended = instance_ended,
};

/* ---- starting ---- */

bool instance_has_snapshot(const struct function *function)
{
	auto_free char *path = function_path(function, "sidecar");

	return !access(path, R_OK);
}

int instance_remove_snapshot(const struct function *function)
{
	static const char *const files[] = { "sidecar", "state", "ram", NULL };
	int ret = 0;

	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_free char *path = function_path(function, files[i]);

		if ((files[i] ? unlink(path) : rmdir(path)) && !ret)
			ret = -errno;
	}
	return ret;
}

static void instance_spec(struct instance_core *core)
{
	const struct function *function = core->instance.function;

	snprintf(core->name, sizeof(core->name), "%s-%u", function->name, ++serial);
	if (core->instance.template || core->instance.restored) {
		core->ram = function_path(function, core->instance.template ? "ram.new" : "ram");
		core->state = function_path(function, core->instance.template ? "state.new" : "state");
	}
	core->spec = (struct vmm_spec){
		.name = core->name, .program = instance_config->vmm, .machine = function->machine,
		.memory_mib = function->memory >> 20, .vcpus = function->vcpus,
		.kernel = function->kernel, .initrd = function->image, .append = function->append,
		.ram_path = core->ram, .state_path = core->state,
	};
}

/* Reading it now: a snapshot that is replaced meanwhile is not mixed with this one. */
static int instance_load(struct instance_core *core, char *error, size_t size)
{
	auto_free char *path = function_path(core->instance.function, "sidecar");

	if (core->instance.template || !instance_has_snapshot(core->instance.function))
		return 0;
	core->instance.restored = true;
	return snapshot_load(&core->snapshot, path, error, size);
}

static int instance_check(const struct function *function, char *error, size_t size)
{
	const char *const files[] = { function->kernel, function->image };

	if (nr_instances >= instance_config->max_instances)
		return FAIL(-ENOSPC, "%u instances run, the limit: raise max_instances in [backend]", nr_instances);
	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!files[i])
			return FAIL(-EINVAL, "function %s has no %s: set it in [function %s]", function->name,
				    i ? "image" : "kernel", function->name);
		if (access(files[i], R_OK))
			return FAIL(-errno, "function %s: %s: %s", function->name, files[i], strerror(errno));
	}
	return 0;
}

/* Takes core over, also when it fails. */
static int instance_run(struct instance_core *core, char *error, size_t size)
{
	struct instance *instance = &core->instance;
	int ret;

	instance->core = core;
	instance->start_ms = loop_now_ms(main_loop);
	instance->next = instances;
	instance->prev = &instances;
	if (instance->next)
		instance->next->prev = &instance->next;
	instances = instance;
	nr_instances++;
	core->look.expired = template_look;
	ret = instance_load(core, error, size);
	if (!ret) {
		instance_spec(core);
		core->vmm = vmm_start(&vmm_qemu_type, main_loop, &core->spec, instance->restored, &instance_handler, core);
		if (!core->vmm)
			ret = FAIL(-errno, "cannot start %s: %s", core->spec.program ? core->spec.program : "QEMU",
				   strerror(errno));
	}
	if (ret)
		instance_free(core);
	else
		instance->vmm_pid = core->vmm->pid;
	return ret;
}

struct instance *instance_start(const struct function *function,
				void (*ended)(void *arg, const struct instance *instance, const char *reason),
				void *arg, char *error, size_t size)
{
	struct instance_core *core;

	if (instance_check(function, error, size))
		return NULL;
	core = calloc(1, sizeof(*core));
	if (!core) {
		snprintf(error, size, "out of memory");
		return NULL;
	}
	core->instance.function = function;
	core->ended = ended;
	core->arg = arg;
	return instance_run(core, error, size) ? NULL : &core->instance;
}

int instance_snapshot(const struct function *function, void (*done)(void *arg, const char *error), void *arg,
		      char *error, size_t size)
{
	auto_free char *path = function_path(function, NULL);
	struct instance_core *core;
	int ret;

	for (const struct instance *i = instances; i; i = i->next) {
		if (i->template && i->function == function)
			return FAIL(-EALREADY, "a snapshot of function %s is being taken", function->name);
	}
	ret = instance_check(function, error, size);
	if (ret)
		return ret;
	if ((mkdir(instance_config->snapshot_dir, 0700) && errno != EEXIST) || (mkdir(path, 0700) && errno != EEXIST))
		return FAIL(-errno, "cannot make %s: %s", path, strerror(errno));
	core = calloc(1, sizeof(*core));
	if (!core)
		return FAIL(-ENOMEM, "out of memory");
	core->instance.function = function;
	core->instance.template = true;
	core->done = done;
	core->arg = arg;
	return instance_run(core, error, size);
}

const struct instance *instance_first(void)
{
	return instances;
}

struct instance *instance_of_vm(uint32_t vm_id)
{
	struct instance *instance = instances;

	while (instance && instance->vm_id != vm_id)
		instance = instance->next;
	return instance;
}

void instances_start(struct loop *loop, const struct config *config)
{
	main_loop = loop;
	instance_config = config;
}

void instances_stop(void)
{
	while (instances)
		instance_free(to_core(instances));
}
