/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one door to KVM's insides. Nothing outside kvm.c (and kvm_inline.h, for
 * speed) knows a field of struct kvm or struct kvm_vcpu, or a KVM function that
 * KVM does not export.
 */
#ifndef _NEXUS_KVM_H
#define _NEXUS_KVM_H

#include <linux/types.h>

struct file;
struct kvm;
struct kvm_vcpu;
struct page;

struct nexus_kvm_call {
	u64 nr;			/* RAX */
	u64 args[4];		/* RBX, RCX, RDX, RSI */
};

int nexus_kvm_init(void);

/* For the hook: is this hypercall's number within Nexus's range, in a VM and a
 * mode where KVM's own convention holds?
 */
bool nexus_kvm_is_ours(const struct kvm_vcpu *vcpu);

void nexus_kvm_read_call(const struct kvm_vcpu *vcpu, struct nexus_kvm_call *call);

/* Ends the hypercall: RAX = result, next instruction. Returns what KVM's
 * hypercall handler would.
 */
int nexus_kvm_finish_call(struct kvm_vcpu *vcpu, s64 result);

struct kvm *nexus_kvm_of(const struct kvm_vcpu *vcpu);
unsigned int nexus_kvm_vcpu_index(const struct kvm_vcpu *vcpu);
unsigned int nexus_kvm_max_vcpus(void);

/* Returns the VM behind a file with a reference, or NULL if it is no VM. */
struct kvm *nexus_kvm_get(struct file *file);
void nexus_kvm_put(struct kvm *kvm);

/* True when our own reference is the last: no process holds a descriptor of
 * the VM or of one of its vCPUs any more, so that no guest code can run again.
 */
bool nexus_kvm_is_dead(const struct kvm *kvm);

/*
 * Translate a guest-virtual address with the rights of the calling vCPU's
 * current mode, for writing, and pin the page behind it (FOLL_LONGTERM). The
 * caller is the vCPU's thread in a hypercall. *gfn is the guest's own number of
 * the page. May sleep. -EFAULT, -ENOMEM.
 */
int nexus_kvm_pin(struct kvm_vcpu *vcpu, u64 gva, struct page **page, u64 *gfn);

/*
 * Pin `count` guest frames of a VM, for writing (FOLL_LONGTERM), from any
 * context that may sleep. Returns how many were pinned, all or a first part of
 * them; or, when none was, -EFAULT, -ENOMEM, -EINTR, or -ESRCH: the VMM is gone.
 */
int nexus_kvm_pin_frames(struct kvm *kvm, const u64 *gfns, int count, struct page **pages);

/*
 * Halting. prepare() forgets earlier wake-ups; then the caller makes itself
 * visible to wakers and looks for a reason not to halt; then halt(), after
 * nexus_kvm_finish_call(). A wake-up that comes after prepare() is not lost.
 * can_halt() is false where the local APIC is emulated in user space.
 */
bool nexus_kvm_can_halt(const struct kvm_vcpu *vcpu);
void nexus_kvm_halt_prepare(struct kvm_vcpu *vcpu);
void nexus_kvm_halt(struct kvm_vcpu *vcpu);
void nexus_kvm_wake(struct kvm *kvm, unsigned int vcpu_index);

#endif
