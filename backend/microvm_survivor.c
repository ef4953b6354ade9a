// SPDX-License-Identifier: GPL-2.0-only
/* MicroVMs that an earlier daemon left when it crashed. The module has kept their VMs; vm_start() serves them again. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "function.h"
#include "microvm_core.h"
#include "vm.h"

#define END_MS	5000	/* a killed process may take so long; far beyond what it does */

static const struct vm *survivor_vm(pid_t pid, const char *function)
{
	const struct vm *vm = vm_first();

	while (vm && (vm->vmm_pid != pid || strcmp(vm->function, function)))
		vm = vm->next;
	return vm;
}

/* Takes pidfd over. */
static bool survivor_add(struct function *function, const struct vm *vm, int pidfd, bool restored, microvm_ended *ended)
{
	auto_close int owned = pidfd;
	struct microvm_core *core = microvm_new(function->config);
	struct microvm *microvm;

	if (!core)
		return false;
	microvm = &core->microvm;
	microvm->state = MICROVM_RUNNING;
	microvm->survivor = true;
	microvm->restored = restored;
	microvm->vm_id = vm->id;
	microvm->idle_since_ms = loop_now_ms(microvms_loop());
	microvm->at[TIMELINE_ADOPTED] = timeline_now();
	core->ended = ended;
	core->arg = function;
	core->vmm = vmm_survivor(microvms_loop(), vm->vmm_pid, take_fd(&owned), &microvm_handler, core);
	if (!core->vmm) {
		microvm_free(core);
		return false;
	}
	microvm->vmm_pid = vm->vmm_pid;
	return true;
}

static void survivor_found(void *arg, pid_t pid, int pidfd, const char *name, bool restored, bool running)
{
	struct function *function = function_find(name);
	const struct vm *vm = survivor_vm(pid, name);
	auto_close int owned = pidfd;

	if (running && function && function->config->kernel && vm &&
	    survivor_add(function, vm, take_fd(&owned), restored, *(microvm_ended **)arg)) {
		log_info("a microVM of function %s, process %d, is ours again", name, pid);
		return;
	}
	/* Nobody else will ever end it. */
	log_notice("a microVM of function %s, process %d, was left behind and is of no use: it is ended", name, pid);
	if (owned >= 0)
		syscall(SYS_pidfd_send_signal, owned, SIGKILL, NULL, 0);
	record_remove(pid);
}

/* Half started: its guest must not be given an event, since it would never run. */
static void leftover_found(void *arg, pid_t pid, int pidfd, const char *name, bool restored, bool running)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	(void)arg;
	(void)restored;
	if (!running) {
		log_notice("a VMM of function %s, process %d, was left behind before its guest ran: it is ended", name,
			   pid);
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		poll(&end, 1, END_MS);
		record_remove(pid);
	}
	close(pidfd);
}

void microvms_end_leftovers(void)
{
	records_each(leftover_found, NULL);
}

void microvms_recover(microvm_ended *ended)
{
	records_each(survivor_found, &ended);
}
