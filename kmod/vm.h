/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Adopted VMs: names, limits, counters, and who holds them.
 *
 * References on struct nexus_vm: one for the table while it is adopted, one for
 * an open handle, one for each grant (pages are charged to it), and short ones
 * during hypercalls. The struct is freed after an RCU grace period.
 *
 * Locks: nexus_vms_lock (vm.c) is taken before vm->lock, that before mmap_lock
 * (SHARE), and that before vm->grants_lock (mmap).
 */
#ifndef _NEXUS_VM_H
#define _NEXUS_VM_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "nexus_dev.h"
#include "nexus_hypercall.h"
#include "nexus_netlink.h"

struct kvm;
struct nexus_channel;

struct nexus_vm {
	struct kref refs;
	struct hlist_node node;		/* by kvm; RCU */
	struct kvm *kvm;		/* a reference */
	u32 id;
	s32 vmm_pid;
	char tenant[NEXUS_NAME_MAX];
	char function[NEXUS_NAME_MAX];

	bool attached;			/* a handle is open; nexus_vms_lock */
	bool dead;			/* no descriptor of the VM is left; set once */
	bool released;			/* set once, under vm->lock */

	struct mutex lock;		/* channels[] and their grants, changes of */
	struct mutex grants_lock;	/* and for mmap(): their lists, and that they stay */
	struct nexus_channel __rcu *channels[NEXUS_MAX_CHANNELS];

	/* What the daemon has not read yet: a bit per channel, and NEXUS_VM_NEWS. */
	unsigned long news;
	wait_queue_head_t wait;

	u32 max_pages;
	atomic_t pinned;		/* pages */

	atomic64_t calls[NEXUS_HC_COUNT];
	atomic64_t unknown;
	atomic64_t refused;
	atomic64_t halts;
	atomic64_t notifies;
	atomic64_t wakes;

	struct rcu_work free;
};

#define NEXUS_VM_NEWS NEXUS_MAX_CHANNELS

int nexus_vm_init(void);
void nexus_vm_exit(void);

/* For what must wait until readers are gone, or needs locks that are held now. */
extern struct workqueue_struct *nexus_vm_wq;

/* The adopted VM of a kvm, or NULL. Under rcu_read_lock(). */
struct nexus_vm *nexus_vm_find(struct kvm *kvm);

bool nexus_vm_get(struct nexus_vm *vm);	/* false: it is on its way out */
void nexus_vm_put(struct nexus_vm *vm);

/*
 * Adopt the VM behind a file: returns it attached, with a reference for the
 * handle. -ENXIO not a VM; -EEXIST adopted already; -ENOSPC too many; -EINVAL.
 */
struct nexus_vm *nexus_vm_adopt(struct file *file, struct nexus_adopt *adopt);

/* Attach to an orphan: the same. -ENOENT, -EBUSY. */
struct nexus_vm *nexus_vm_attach(u32 id);

/* The handle was closed: the VM waits for another daemon, unless released. */
void nexus_vm_detach(struct nexus_vm *vm);

/* End of the adoption: channels go, guests' calls are refused again. */
void nexus_vm_release(struct nexus_vm *vm);

enum nexus_vm_state nexus_vm_state(const struct nexus_vm *vm);

/* Call fn for each adopted VM with id > *after, in that order, until it returns
 * an error, which is returned. fn may not sleep on vm->lock's holder. *after
 * follows, so that a dump can go on.
 */
int nexus_vm_for_each(u32 *after, int (*fn)(struct nexus_vm *vm, void *data), void *data);

/* The daemon has something to read. */
void nexus_vm_tell(struct nexus_vm *vm, unsigned int bit);

void nexus_vm_count_call(struct nexus_vm *vm, u64 nr, s64 result);

#endif
