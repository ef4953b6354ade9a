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
#include "microvm.h"
#include "log.h"
#include "loop.h"
#include "snapshot.h"
#include "vm.h"
#include "vmm.h"

#define TEMPLATE_MS	120000	/* a guest may take so long until it waits for work */
#define TEMPLATE_LOOK_MS 20
#define FAIL(status, ...) (snprintf(error, size, __VA_ARGS__), (status))

struct microvm_core {
	struct microvm microvm;
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
	void (*ended)(void *arg, const struct microvm *microvm, const char *reason);
	void (*done)(void *arg, const char *error);	/* template's */
	void *arg;
};

static struct loop *main_loop;
static const struct config *microvm_config;
static struct microvm *microvms;
static uint32_t nr_microvms, serial;

static struct microvm_core *to_core(struct microvm *microvm)
{
	return container_of(microvm, struct microvm_core, microvm);
}

/* ---- the end ---- */

void microvm_kill(struct microvm *microvm, const char *reason)
{
	struct microvm_core *core = to_core(microvm);

	if (microvm->state == MICROVM_ENDING)
		return;
	microvm->state = MICROVM_ENDING;
	snprintf(core->reason, sizeof(core->reason), "%s", reason);
	vmm_kill(core->vmm);
}

static void microvm_free(struct microvm_core *core)
{
	struct microvm *microvm = &core->microvm;

	*microvm->prev = microvm->next;
	if (microvm->next)
		microvm->next->prev = microvm->prev;
	nr_microvms--;
	loop_timer_stop(main_loop, &core->look);
	vmm_free(core->vmm);
	snapshot_clear(&core->snapshot);
	free(core->ram);
	free(core->state);
	free(core);
}

/* A file of the function's snapshot, or (file NULL) their directory; the caller frees it. */
static char *function_path(const struct function_config *function, const char *file)
{
	char *path;

	if (asprintf(&path, "%s/%s%s%s", microvm_config->snapshot_dir, function->name, file ? "/" : "",
		     file ? file : "") < 0)
		abort();	/* a few bytes */
	return path;
}

/* The template's files become the snapshot: the sidecar last, by which a snapshot is known. */
static int template_commit(const struct microvm_core *core, char *error, size_t size)
{
	const struct function_config *function = core->microvm.function;
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

static void template_ended(struct microvm_core *core, const char *reason)
{
	char error[512];
	const char *what = reason;

	if (core->saved)
		what = template_commit(core, error, sizeof(error)) ? error : NULL;
	if (what) {
		unlink(core->ram);
		unlink(core->state);
		log_warning("no snapshot of function %s: %s", core->microvm.function->name, what);
	} else {
		log_info("snapshot of function %s taken", core->microvm.function->name);
	}
	core->done(core->arg, what);
}

static void microvm_ended(void *arg, const char *reason)
{
	struct microvm_core *core = arg;

	if (core->microvm.state == MICROVM_ENDING && *core->reason)
		reason = core->reason;
	core->microvm.state = MICROVM_ENDING;
	if (core->microvm.template)
		template_ended(core, reason);
	else
		core->ended(core->arg, &core->microvm, reason);
	microvm_free(core);
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

static void microvm_ready(void *arg)
{
	struct microvm_core *core = arg;
	char error[256];

	core->microvm.ready_ms = loop_now_ms(main_loop);
	if (microvm_adopt(core, error, sizeof(error))) {
		microvm_kill(&core->microvm, error);
		return;
	}
	core->microvm.adopted_ms = loop_now_ms(main_loop);
	core->microvm.state = MICROVM_LOADING;
	vmm_resume(core->vmm);
}

static void microvm_running(void *arg)
{
	struct microvm_core *core = arg;

	core->microvm.state = MICROVM_RUNNING;
	core->microvm.running_ms = loop_now_ms(main_loop);
	if (!core->microvm.template)
		return;
	core->look_until_ms = loop_now_ms(main_loop) + TEMPLATE_MS;
	loop_timer_start(main_loop, &core->look, TEMPLATE_LOOK_MS);
}

static void microvm_console(void *arg, const char *line, size_t len)
{
	struct microvm_core *core = arg;

	log_write(&core->console, LOG_INFO, "%s: console: %.*s", core->name, (int)len, line);
}

/* ---- the template's way to its snapshot ---- */

static void template_look(struct loop_timer *timer)
{
	struct microvm_core *core = container_of(timer, struct microvm_core, look);

	if (vm_polls(core->microvm.vm_id)) {
		core->microvm.state = MICROVM_SAVING;
		vmm_save(core->vmm);
	} else if (loop_now_ms(main_loop) >= core->look_until_ms) {
		microvm_kill(&core->microvm, "the function did not ask for an event within 120 s: see its console in the log");
	} else {
		loop_timer_start(main_loop, timer, TEMPLATE_LOOK_MS);
	}
}

static void template_frozen(void *arg, int status)
{
	struct microvm_core *core = arg;

	core->microvm.vm_id = 0;
	if (status)
		microvm_kill(&core->microvm, status == -EBUSY ? "requests were in flight for too long" : strerror(-status));
	else
		vmm_save_state(core->vmm);
}

static void template_stopped(void *arg)
{
	struct microvm_core *core = arg;
	int ret = vm_freeze(core->microvm.vm_id, &core->snapshot, template_frozen, core);

	if (ret)
		microvm_kill(&core->microvm, strerror(-ret));
}

static void template_saved(void *arg)
{
	struct microvm_core *core = arg;

	core->saved = true;
	microvm_kill(&core->microvm, "saved");
}

static const struct vmm_handler microvm_handler = {
	.ready = microvm_ready,
	.running = microvm_running,
	.stopped = template_stopped,
	.saved = template_saved,
	.console = microvm_console,
	.ended = microvm_ended,
};

/* ---- starting ---- */

bool microvm_has_snapshot(const struct function_config *function)
{
	auto_free char *path = function_path(function, "sidecar");

	return !access(path, R_OK);
}

int microvm_remove_snapshot(const struct function_config *function)
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

static void microvm_spec(struct microvm_core *core)
{
	const struct function_config *function = core->microvm.function;

	snprintf(core->name, sizeof(core->name), "%s-%u", function->name, ++serial);
	if (core->microvm.template || core->microvm.restored) {
		core->ram = function_path(function, core->microvm.template ? "ram.new" : "ram");
		core->state = function_path(function, core->microvm.template ? "state.new" : "state");
	}
	core->spec = (struct vmm_spec){
		.name = core->name, .program = microvm_config->vmm, .machine = function->machine,
		.memory_mib = function->memory >> 20, .vcpus = function->vcpus,
		.kernel = function->kernel, .initrd = function->image, .append = function->append,
		.ram_path = core->ram, .state_path = core->state,
	};
}

/* Reading it now: a snapshot that is replaced meanwhile is not mixed with this one. */
static int microvm_load(struct microvm_core *core, char *error, size_t size)
{
	auto_free char *path = function_path(core->microvm.function, "sidecar");

	if (core->microvm.template || !microvm_has_snapshot(core->microvm.function))
		return 0;
	core->microvm.restored = true;
	return snapshot_load(&core->snapshot, path, error, size);
}

static int microvm_check(const struct function_config *function, char *error, size_t size)
{
	const char *const files[] = { function->kernel, function->image };

	if (nr_microvms >= microvm_config->max_instances)
		return FAIL(-ENOSPC, "%u instances run, the limit: raise max_instances in [backend]", nr_microvms);
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
static int microvm_run(struct microvm_core *core, char *error, size_t size)
{
	struct microvm *microvm = &core->microvm;
	int ret;

	microvm->start_ms = loop_now_ms(main_loop);
	microvm->next = microvms;
	microvm->prev = &microvms;
	if (microvm->next)
		microvm->next->prev = &microvm->next;
	microvms = microvm;
	nr_microvms++;
	core->look.expired = template_look;
	ret = microvm_load(core, error, size);
	if (!ret) {
		microvm_spec(core);
		core->vmm = vmm_start(&vmm_qemu_type, main_loop, &core->spec, microvm->restored, &microvm_handler, core);
		if (!core->vmm)
			ret = FAIL(-errno, "cannot start %s: %s", core->spec.program ? core->spec.program : "QEMU",
				   strerror(errno));
	}
	if (ret)
		microvm_free(core);
	else
		microvm->vmm_pid = core->vmm->pid;
	return ret;
}

struct microvm *microvm_start(const struct function_config *function,
				void (*ended)(void *arg, const struct microvm *microvm, const char *reason),
				void *arg, char *error, size_t size)
{
	struct microvm_core *core;

	if (microvm_check(function, error, size))
		return NULL;
	core = calloc(1, sizeof(*core));
	if (!core) {
		snprintf(error, size, "out of memory");
		return NULL;
	}
	core->microvm.function = function;
	core->ended = ended;
	core->arg = arg;
	return microvm_run(core, error, size) ? NULL : &core->microvm;
}

int microvm_snapshot(const struct function_config *function, void (*done)(void *arg, const char *error), void *arg,
		      char *error, size_t size)
{
	auto_free char *path = function_path(function, NULL);
	struct microvm_core *core;
	int ret;

	for (const struct microvm *i = microvms; i; i = i->next) {
		if (i->template && i->function == function)
			return FAIL(-EALREADY, "a snapshot of function %s is being taken", function->name);
	}
	ret = microvm_check(function, error, size);
	if (ret)
		return ret;
	if ((mkdir(microvm_config->snapshot_dir, 0700) && errno != EEXIST) || (mkdir(path, 0700) && errno != EEXIST))
		return FAIL(-errno, "cannot make %s: %s", path, strerror(errno));
	core = calloc(1, sizeof(*core));
	if (!core)
		return FAIL(-ENOMEM, "out of memory");
	core->microvm.function = function;
	core->microvm.template = true;
	core->done = done;
	core->arg = arg;
	return microvm_run(core, error, size);
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

void microvms_start(struct loop *loop, const struct config *config)
{
	main_loop = loop;
	microvm_config = config;
}

void microvms_stop(void)
{
	while (microvms)
		microvm_free(to_core(microvms));
}
