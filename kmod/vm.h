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

/**
 * struct nexus_vm - an adopted VM
 * @refs: see above
 * @node: in the table by @kvm; RCU
 * @kvm: a reference, from the adoption to the end of this struct
 * @id: its name for daemons; not soon used again
 * @vmm_pid: as the daemon said; for people
 * @tenant: as the daemon said; for people
 * @function: as the daemon said; for people
 * @attached: a handle is open; nexus_vms_lock
 * @dead: no descriptor of the VM is left; set once
 * @released: the adoption is over; set once, under @lock
 * @lock: changes of @channels and of their grants
 * @grants_lock: the same for mmap(), which cannot take @lock
 * @channels: by number
 * @news: what the daemon has not read: a bit per channel, and NEXUS_VM_NEWS
 * @wait: who polls the handle
 * @max_pages: the limit of @pinned
 * @pinned: pages
 * @calls: hypercalls by number
 * @unknown: those of our range with no meaning
 * @refused: those that were answered with an error
 * @halts: WAITs that halted
 * @notifies: the daemon's
 * @wakes: vCPUs woken by those
 * @free: the end, after the last reference and a grace period
 */
struct nexus_vm {
	struct kref refs;
	struct hlist_node node;
	struct kvm *kvm;
	u32 id;
	s32 vmm_pid;
	char tenant[NEXUS_NAME_MAX];
	char function[NEXUS_NAME_MAX];

	bool attached;
	bool dead;
	bool released;

	struct mutex lock;		/* channels[] and their grants, changes of */
	struct mutex grants_lock;	/* and for mmap(): their lists, and that they stay */
	struct nexus_channel __rcu *channels[NEXUS_MAX_CHANNELS];

	unsigned long news;
	wait_queue_head_t wait;

	u32 max_pages;
	atomic_t pinned;

	atomic64_t calls[NEXUS_HC_COUNT];
	atomic64_t unknown;
	atomic64_t refused;
	atomic64_t halts;
	atomic64_t notifies;
	atomic64_t wakes;

	struct rcu_work free;
};

#define NEXUS_VM_NEWS NEXUS_MAX_CHANNELS

/**
 * nexus_vm_init() - before any other function here
 *
 * Return: 0 or -ENOMEM.
 */
int nexus_vm_init(void);

/**
 * nexus_vm_exit() - after the last VM; waits for all that is still to be freed
 */
void nexus_vm_exit(void);

/* For what must wait until readers are gone, or needs locks that are held now. */
extern struct workqueue_struct *nexus_vm_wq;

/**
 * nexus_vm_find() - the adopted VM of a kvm
 * @kvm: any VM
 *
 * Context: Within rcu_read_lock(), or under nexus_vms_lock.
 * Return: the VM, without a reference, or NULL.
 */
struct nexus_vm *nexus_vm_find(struct kvm *kvm);

/**
 * nexus_vm_get() - take a reference on a VM found under RCU
 * @vm: to keep
 *
 * Return: false if it is on its way out.
 */
bool nexus_vm_get(struct nexus_vm *vm);

/**
 * nexus_vm_put() - give a reference back
 * @vm: no longer the caller's
 *
 * Context: Any that may queue work.
 */
void nexus_vm_put(struct nexus_vm *vm);

/**
 * nexus_vm_adopt() - adopt the VM behind a file
 * @file: the daemon's
 * @adopt: what it asks for; checked here. vm_id is filled.
 *
 * Return: the VM, attached, with a reference for the handle; or ERR_PTR():
 * -ENXIO no VM; -EEXIST adopted already; -ENOSPC too many; -EINVAL; -ENOMEM.
 */
struct nexus_vm *nexus_vm_adopt(struct file *file, struct nexus_adopt *adopt);

/**
 * nexus_vm_attach() - attach to an orphan
 * @id: which; the daemon's word
 *
 * Return: as nexus_vm_adopt(); -ENOENT, -EBUSY.
 */
struct nexus_vm *nexus_vm_attach(u32 id);

/**
 * nexus_vm_detach() - the handle was closed
 * @vm: waits for another daemon, unless released
 */
void nexus_vm_detach(struct nexus_vm *vm);

/**
 * nexus_vm_release() - the adoption's end
 * @vm: channels go, guests' calls are refused again; once, whoever else tries
 */
void nexus_vm_release(struct nexus_vm *vm);

/**
 * nexus_vm_state() - whether it lives, and is held
 * @vm: to look at
 *
 * Return: the state, as netlink tells it.
 */
enum nexus_vm_state nexus_vm_state(const struct nexus_vm *vm);

/**
 * nexus_vm_for_each() - call a function for adopted VMs, in the order of ids
 * @after: those with a higher id than this; follows, so that a dump can go on
 * @fn: called under nexus_vms_lock
 * @data: for @fn
 *
 * Return: 0, or the error with which @fn ended it.
 */
int nexus_vm_for_each(u32 *after, int (*fn)(struct nexus_vm *vm, void *data), void *data);

/**
 * nexus_vm_tell() - the daemon has something to read
 * @vm: of its handle
 * @bit: a channel's number, or NEXUS_VM_NEWS
 *
 * Context: Any; does not sleep. Any number of calls is one piece of news.
 */
void nexus_vm_tell(struct nexus_vm *vm, unsigned int bit);

/**
 * nexus_vm_count_call() - count a hypercall
 * @vm: the caller's
 * @nr: its number, within our range
 * @result: what it was answered
 */
void nexus_vm_count_call(struct nexus_vm *vm, u64 nr, s64 result);

#endif
