/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants: guest pages pinned by one SHARE. References: the channel's list, and
 * each mapping by the daemon; the last one unpins, wherever that happens.
 */
#ifndef _NEXUS_GRANT_H
#define _NEXUS_GRANT_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct kvm_vcpu;
struct nexus_vm;
struct page;
struct vm_area_struct;

struct nexus_grant_pages {
	struct list_head node;		/* channel->grants; vm->lock */
	refcount_t refs;
	struct nexus_vm *vm;		/* a reference; charged with nr_pages */
	u32 first;			/* page index in the arena */
	u32 nr_pages;
	u64 *gfns;			/* the guest's numbers of these pages, behind them */
	struct page *pages[];
};

/* Returns a grant with one reference. -EFAULT, -ENOSPC (limit), -ENOMEM, -EINTR.
 * Called under vm->lock by the vCPU's thread.
 */
struct nexus_grant_pages *nexus_grant_pin(struct nexus_vm *vm, struct kvm_vcpu *vcpu, u64 address,
					  u32 pages);
/* The same for frames of the VM's memory, from the daemon's thread. Also -ESRCH. */
struct nexus_grant_pages *nexus_grant_pin_frames(struct nexus_vm *vm, const u64 *gfns, u32 pages);
struct nexus_grant_pages *nexus_grant_get(struct nexus_grant_pages *grant);
void nexus_grant_put(struct nexus_grant_pages *grant);	/* may sleep */

void *nexus_grant_address(struct nexus_grant_pages *grant);	/* of its first page */

/* Map the grant over the whole vma, which takes a reference of its own. */
int nexus_grant_mmap(struct nexus_grant_pages *grant, struct vm_area_struct *vma);

#endif
