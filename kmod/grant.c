// SPDX-License-Identifier: GPL-2.0-only
/* Grants: pin, charge, map into the daemon, unpin. */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "grant.h"
#include "kvm.h"
#include "vm.h"

static struct nexus_grant_pages *nexus_grant_alloc(struct nexus_vm *vm, u32 pages)
{
	struct nexus_grant_pages *grant;

	/* vm->lock makes the check and the charge one step for all SHAREs. */
	lockdep_assert_held(&vm->lock);
	if (atomic_read(&vm->pinned) + pages > vm->max_pages)
		return ERR_PTR(-ENOSPC);
	/* A guest asks for this: no warning in the log when memory is short. */
	grant = kvzalloc(struct_size(grant, pages, pages) + array_size(pages, sizeof(*grant->gfns)),
			 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!grant)
		return ERR_PTR(-ENOMEM);
	grant->gfns = (u64 *)&grant->pages[pages];
	refcount_set(&grant->refs, 1);
	grant->vm = vm;
	kref_get(&vm->refs);
	return grant;
}

static void nexus_grant_free(struct nexus_grant_pages *grant)
{
	unpin_user_pages_dirty_lock(grant->pages, grant->nr_pages, true);
	atomic_sub(grant->nr_pages, &grant->vm->pinned);
	nexus_vm_put(grant->vm);
	kvfree(grant);
}

struct nexus_grant_pages *nexus_grant_pin(struct nexus_vm *vm, struct kvm_vcpu *vcpu, u64 address,
					  u32 pages)
{
	struct nexus_grant_pages *grant;
	int err;

	grant = nexus_grant_alloc(vm, pages);
	if (IS_ERR(grant))
		return grant;
	while (grant->nr_pages < pages) {
		err = signal_pending(current) ? -EINTR :
		      nexus_kvm_pin(vcpu, address + grant->nr_pages * PAGE_SIZE,
				    &grant->pages[grant->nr_pages], &grant->gfns[grant->nr_pages]);
		if (err) {
			nexus_grant_free(grant);
			return ERR_PTR(err);
		}
		grant->nr_pages++;
		atomic_inc(&vm->pinned);
	}
	return grant;
}

struct nexus_grant_pages *nexus_grant_pin_frames(struct nexus_vm *vm, const u64 *gfns, u32 pages)
{
	struct nexus_grant_pages *grant;
	int got;

	grant = nexus_grant_alloc(vm, pages);
	if (IS_ERR(grant))
		return grant;
	memcpy(grant->gfns, gfns, array_size(pages, sizeof(*gfns)));
	while (grant->nr_pages < pages) {
		got = nexus_kvm_pin_frames(vm->kvm, gfns + grant->nr_pages, pages - grant->nr_pages,
					   grant->pages + grant->nr_pages);
		if (got < 0) {
			nexus_grant_free(grant);
			return ERR_PTR(got);
		}
		grant->nr_pages += got;
		atomic_add(got, &vm->pinned);
	}
	return grant;
}

struct nexus_grant_pages *nexus_grant_get(struct nexus_grant_pages *grant)
{
	refcount_inc(&grant->refs);
	return grant;
}

void nexus_grant_put(struct nexus_grant_pages *grant)
{
	if (refcount_dec_and_test(&grant->refs))
		nexus_grant_free(grant);
}

void *nexus_grant_address(struct nexus_grant_pages *grant)
{
	return page_address(grant->pages[0]);
}

static void nexus_grant_vma_open(struct vm_area_struct *vma)
{
	nexus_grant_get(vma->vm_private_data);
}

static void nexus_grant_vma_close(struct vm_area_struct *vma)
{
	nexus_grant_put(vma->vm_private_data);
}

/* A part of a grant cannot be let go: it is unpinned as a whole. */
static int nexus_grant_vma_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static const struct vm_operations_struct nexus_grant_vm_ops = {
	.open = nexus_grant_vma_open,
	.close = nexus_grant_vma_close,
	.may_split = nexus_grant_vma_may_split,
};

int nexus_grant_mmap(struct nexus_grant_pages *grant, struct vm_area_struct *vma)
{
	unsigned long addr = vma->vm_start;
	u32 i;
	int err;

	if (!(vma->vm_flags & VM_SHARED) || vma_pages(vma) != grant->nr_pages)
		return -EINVAL;
	nexus_compat_vm_flags_set(vma, VM_IO | VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP);
	/* Guest memory may be anonymous, which only a raw mapping takes. The pins
	 * outlive it, and so no fault can ever meet a page that went away.
	 */
	for (i = 0; i < grant->nr_pages; i++, addr += PAGE_SIZE) {
		err = remap_pfn_range(vma, addr, page_to_pfn(grant->pages[i]), PAGE_SIZE,
				      vma->vm_page_prot);
		if (err)
			return err;
	}
	vma->vm_private_data = nexus_grant_get(grant);
	vma->vm_ops = &nexus_grant_vm_ops;
	return 0;
}
