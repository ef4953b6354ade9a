// SPDX-License-Identifier: GPL-2.0-only
/* Templates: microVMs that boot for their snapshot only. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "microvm_core.h"
#include "vm.h"

#define TEMPLATE_MS	120000	/* a guest may take so long until it waits for work */
#define TEMPLATE_LOOK_MS 20
#define FAIL(status, ...) (snprintf(error, size, __VA_ARGS__), (status))

/* ---- the end ---- */

/* The template's files become the snapshot: the sidecar last, by which a snapshot is known. */
static int template_commit(const struct microvm_core *core, char *error, size_t size)
{
	const struct function_config *function = core->microvm.function;
	auto_free char *ram = microvm_path(function, "ram"), *state = microvm_path(function, "state");
	auto_free char *sidecar = microvm_path(function, "sidecar");

	pool_clear(function);
	if (unlink(sidecar) && errno != ENOENT)
		return FAIL(-errno, "cannot remove %s: %s", sidecar, strerror(errno));
	if (rename(core->ram, ram))
		return FAIL(-errno, "cannot name %s: %s", ram, strerror(errno));
	if (rename(core->state, state))
		return FAIL(-errno, "cannot name %s: %s", state, strerror(errno));
	return snapshot_save(&core->snapshot, sidecar, error, size);
}

void template_ended(struct microvm_core *core, const char *reason)
{
	char error[512];
	const char *what = reason;

	if (core->saved)
		what = template_commit(core, error, sizeof(error)) ? error : NULL;
	if (what) {
		if (core->ram) {
			unlink(core->ram);
			unlink(core->state);
		}
		log_warning("no snapshot of function %s: %s", core->microvm.function->name, what);
	} else {
		log_info("snapshot of function %s taken", core->microvm.function->name);
	}
	core->done(core->arg, what);
}

/* ---- its way there ---- */

static void template_look(struct loop_timer *timer)
{
	struct microvm_core *core = container_of(timer, struct microvm_core, look);

	if (vm_polls(core->microvm.vm_id)) {
		core->microvm.state = MICROVM_SAVING;
		vmm_save(core->vmm);
	} else if (loop_now_ms(microvms_loop()) >= core->look_until_ms) {
		microvm_kill(&core->microvm, "the function did not ask for an event within 120 s: see its console in the log");
	} else {
		loop_timer_start(microvms_loop(), timer, TEMPLATE_LOOK_MS);
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

void template_running(struct microvm_core *core)
{
	core->look.expired = template_look;
	core->look_until_ms = loop_now_ms(microvms_loop()) + TEMPLATE_MS;
	loop_timer_start(microvms_loop(), &core->look, TEMPLATE_LOOK_MS);
}

void template_stopped(void *arg)
{
	struct microvm_core *core = arg;
	int ret = vm_freeze(core->microvm.vm_id, &core->snapshot, template_frozen, core);

	if (ret)
		microvm_kill(&core->microvm, strerror(-ret));
}

void template_saved(void *arg)
{
	struct microvm_core *core = arg;

	core->saved = true;
	microvm_kill(&core->microvm, "saved");
}

/* ---- the beginning ---- */

int microvm_snapshot(const struct function_config *function, void (*done)(void *arg, const char *error), void *arg,
		      char *error, size_t size)
{
	auto_free char *path = microvm_path(function, NULL), *dir = microvm_path(NULL, NULL);
	struct microvm_core *core;
	int ret;

	for (const struct microvm *i = microvm_first(); i; i = i->next) {
		if (i->template && i->function == function)
			return FAIL(-EALREADY, "a snapshot of function %s is being taken", function->name);
	}
	ret = microvm_check(function, error, size);
	if (ret)
		return ret;
	if ((mkdir(dir, 0700) && errno != EEXIST) || (mkdir(path, 0700) && errno != EEXIST))
		return FAIL(-errno, "cannot make %s: %s", path, strerror(errno));
	core = microvm_new(function);
	if (!core)
		return FAIL(-ENOMEM, "out of memory");
	core->microvm.template = true;
	core->done = done;
	core->arg = arg;
	core->microvm.at[TIMELINE_WANTED] = timeline_now();
	return microvm_spawn(core, error, size);
}
