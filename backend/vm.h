/* SPDX-License-Identifier: GPL-2.0-only */
/* The VMs that the daemon has adopted. All of it in the main thread. */
#ifndef NEXUS_VM_H
#define NEXUS_VM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "nexus_dev.h"

struct config;
struct loop;
struct snapshot;
struct tenant;
struct worker;

struct vm {
	struct vm *next;
	uint32_t id;		/* the module's */
	pid_t vmm_pid;
	const struct tenant *tenant;
	char function[NEXUS_NAME_MAX];
	struct worker *worker;
	struct kvm_vm *kvm;
	void (*released)(void *arg);	/* who asked for its release */
	void (*frozen)(void *arg, int status);
	int status;		/* for frozen() */
	void *arg;
};

/* Take over the VMs that the module still holds for an earlier daemon. */
void vm_start(struct loop *loop, const struct config *config);

/* After the workers stopped: let go, and leave the VMs to the next daemon. */
void vm_stop(void);

/*
 * Adopt the VM of the VMM with this pid. Returns its id, or -errno with a
 * message for the operator: -ENOENT unknown tenant or no KVM VM, -ESRCH no
 * such process, -EEXIST adopted already, -ENODEV no module,
 * -EPROTONOSUPPORT a module of another ABI, -EINVAL a bad name, and others.
 */
int64_t vm_adopt(pid_t pid, const char *tenant, const char *function, char *error, size_t size);

/* The same for a VM that was restored from a snapshot, and has not run yet. */
int64_t vm_adopt_restored(pid_t pid, const char *tenant, const char *function, const struct snapshot *snapshot,
			  char *error, size_t size);

/*
 * Freeze a VM whose vCPUs are stopped (kvm_vm_freeze()) and forget it. frozen()
 * is called in the main thread. 0; -ENOENT no such VM; -EALREADY; -ENOMEM.
 */
int vm_freeze(uint32_t id, struct snapshot *snapshot, void (*frozen)(void *arg, int status), void *arg);

/*
 * Give a VM up; released(arg) is called when that is done (also if the VM
 * died meanwhile). 0; -ENOENT no such VM; -EALREADY it is being released.
 */
int vm_release(uint32_t id, void (*released)(void *arg), void *arg);

/*
 * Call served(id) once the worker has looked at the VM: what was in flight in a restored one is
 * in flight again then.
 */
void vm_when_served(uint32_t id, void (*served)(uint32_t id));

/* The vCPUs of one that was restored run now: from here on what it has taken has its function's time. */
void vm_runs(uint32_t id);

/* How many operations of the VM wait for news: none, it is not ready yet, or at work. */
uint32_t vm_polls(uint32_t id);
uint64_t vm_polled(uint32_t id);	/* how many have begun so far */

const struct vm *vm_first(void);

#endif
