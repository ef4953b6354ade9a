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

/**
 * struct nexus_grant_pages - pages of one SHARE
 * @node: in channel->grants; vm->lock and vm->grants_lock
 * @refs: the list's, and one for each mapping
 * @vm: a reference; charged with @nr_pages
 * @first: page index in the arena
 * @nr_pages: as many are pinned
 * @gfns: the guest's numbers of these pages; behind @pages
 * @pages: the pinned pages
 */
struct nexus_grant_pages {
	struct list_head node;
	refcount_t refs;
	struct nexus_vm *vm;
	u32 first;
	u32 nr_pages;
	u64 *gfns;
	struct page *pages[];
};

/**
 * nexus_grant_pin() - pin and charge the pages behind guest-virtual addresses
 * @vm: to charge
 * @vcpu: whose rights and address space count
 * @address: page-aligned; the guest's word
 * @pages: how many, bounded by the caller
 *
 * Context: The vCPU's thread, may sleep, under vm->lock.
 * Return: a grant with one reference, or ERR_PTR(): -EFAULT, -ENOSPC (limit),
 * -ENOMEM, -EINTR. All or nothing.
 */
struct nexus_grant_pages *nexus_grant_pin(struct nexus_vm *vm, struct kvm_vcpu *vcpu, u64 address,
					  u32 pages);

/**
 * nexus_grant_pin_frames() - the same for frames of the VM's memory
 * @vm: to charge
 * @gfns: the frames; the daemon's word
 * @pages: how many, bounded by the caller
 *
 * Context: The daemon's thread, may sleep, under vm->lock.
 * Return: as nexus_grant_pin(); also -ESRCH, the VMM is gone.
 */
struct nexus_grant_pages *nexus_grant_pin_frames(struct nexus_vm *vm, const u64 *gfns, u32 pages);

/**
 * nexus_grant_get() - take another reference
 * @grant: that the caller has, or finds in a list that it locks
 *
 * Return: @grant.
 */
struct nexus_grant_pages *nexus_grant_get(struct nexus_grant_pages *grant);

/**
 * nexus_grant_put() - give a reference back; the last one unpins
 * @grant: no longer the caller's
 *
 * Context: Process, may sleep; also under mmap_lock.
 */
void nexus_grant_put(struct nexus_grant_pages *grant);

/**
 * nexus_grant_address() - the kernel's address of the grant's first page
 * @grant: kept by the caller for as long as it uses the address
 *
 * Return: the address; what is there is the guest's to change at any time.
 */
void *nexus_grant_address(struct nexus_grant_pages *grant);

/**
 * nexus_grant_mmap() - map the grant over the whole vma
 * @grant: the mapping takes a reference of its own
 * @vma: shared, and as long as the grant
 *
 * Context: Process, under mmap_lock.
 * Return: 0, -EINVAL, or what the page tables say.
 */
int nexus_grant_mmap(struct nexus_grant_pages *grant, struct vm_area_struct *vma);

#endif
