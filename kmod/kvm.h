/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one door to KVM's insides. Nothing outside kvm.c (and kvm_inline.h and
 * kvm_offsets.c, for speed) knows a field of struct kvm or struct kvm_vcpu, or a
 * KVM function that KVM does not export.
 *
 * Halting, in this order: nexus_kvm_halt_prepare() forgets earlier wake-ups; then
 * the caller makes itself visible to wakers and looks for a reason not to halt;
 * then nexus_kvm_finish_call(), and nexus_kvm_halt() or nexus_kvm_idle(). A wake-up
 * that comes after nexus_kvm_halt_prepare() is not lost.
 */
#ifndef _NEXUS_KVM_H
#define _NEXUS_KVM_H

#include <linux/types.h>

struct file;
struct kvm;
struct kvm_vcpu;
struct page;

/**
 * struct nexus_kvm_call - a hypercall's registers; all of it the guest's word
 * @nr: RAX
 * @args: RBX, RCX, RDX, RSI
 */
struct nexus_kvm_call {
	u64 nr;
	u64 args[4];
};

/**
 * nexus_kvm_init() - find what KVM does not export
 *
 * Return: 0, or -EOPNOTSUPP where this kernel cannot serve; the log says what
 * is missing.
 */
int nexus_kvm_init(void);

/**
 * nexus_kvm_is_ours() - is a hypercall for the module to answer?
 * @vcpu: the caller
 *
 * Its number is within our range, and the VM and the mode are such that KVM's
 * own convention holds: no Hyper-V, no Xen, no nested guest, no SMM.
 *
 * Context: The hook: any context that KVM's handler is called in; notrace.
 * Return: true if so.
 */
bool nexus_kvm_is_ours(const struct kvm_vcpu *vcpu);

/**
 * nexus_kvm_read_call() - a hypercall's number and arguments
 * @vcpu: the caller
 * @call: to be filled
 */
void nexus_kvm_read_call(const struct kvm_vcpu *vcpu, struct nexus_kvm_call *call);

/**
 * nexus_kvm_finish_call() - end a hypercall: RAX = result, next instruction
 * @vcpu: the caller
 * @result: what the guest gets
 *
 * Return: what KVM's hypercall handler would.
 */
int nexus_kvm_finish_call(struct kvm_vcpu *vcpu, s64 result);

/**
 * nexus_kvm_of() - a vCPU's VM
 * @vcpu: to look at
 *
 * Return: the VM; no reference.
 */
struct kvm *nexus_kvm_of(const struct kvm_vcpu *vcpu);

/**
 * nexus_kvm_vcpu_index() - a vCPU's place among its VM's
 * @vcpu: to look at
 *
 * Return: an index below nexus_kvm_max_vcpus(), for nexus_kvm_wake().
 */
unsigned int nexus_kvm_vcpu_index(const struct kvm_vcpu *vcpu);

/**
 * nexus_kvm_max_vcpus() - how many vCPUs this kernel gives a VM at most
 *
 * Return: the number.
 */
unsigned int nexus_kvm_max_vcpus(void);

/**
 * nexus_kvm_get() - the VM behind a file
 * @file: any file of the caller's
 *
 * Return: the VM with a reference, or NULL if the file is no VM.
 */
struct kvm *nexus_kvm_get(struct file *file);

/**
 * nexus_kvm_put() - give the reference back
 * @kvm: no longer the caller's
 *
 * Context: Process, may sleep, with none of our locks held: the last reference
 * tears the VM down.
 */
void nexus_kvm_put(struct kvm *kvm);

/**
 * nexus_kvm_is_dead() - is our own reference the last?
 * @kvm: to look at
 *
 * Return: true when no process holds a descriptor of the VM or of one of its
 * vCPUs any more, so that no guest code can run again.
 */
bool nexus_kvm_is_dead(const struct kvm *kvm);

/**
 * nexus_kvm_pin() - pin the page behind a guest-virtual address
 * @vcpu: the caller, in a hypercall; the rights of its current mode count
 * @gva: the address; the guest's word
 * @page: the page, pinned (FOLL_WRITE | FOLL_LONGTERM) on success
 * @gfn: the guest's own number of the page
 *
 * Context: The vCPU's thread, may sleep.
 * Return: 0; -EFAULT where the caller cannot write, or where that is no plain
 * memory that the VMM can write; -ENOMEM.
 */
int nexus_kvm_pin(struct kvm_vcpu *vcpu, u64 gva, struct page **page, u64 *gfn);

/**
 * nexus_kvm_pin_frames() - pin guest frames of a VM, for writing
 * @kvm: a VM that the caller has a reference on
 * @gfns: the frames; the daemon's word
 * @count: how many
 * @pages: the pages, pinned (FOLL_WRITE | FOLL_LONGTERM)
 *
 * Context: Process, may sleep; takes KVM's SRCU and the VMM's mmap_lock.
 * Return: how many were pinned, all or a first part of them; or, when none was,
 * -EFAULT, -ENOMEM, -EINTR, or -ESRCH: the VMM is gone.
 */
int nexus_kvm_pin_frames(struct kvm *kvm, const u64 *gfns, int count, struct page **pages);

/**
 * nexus_kvm_can_halt() - can this vCPU halt in the kernel?
 * @vcpu: to look at
 *
 * Return: false where the local APIC is emulated in user space.
 */
bool nexus_kvm_can_halt(const struct kvm_vcpu *vcpu);

/**
 * nexus_kvm_halt_prepare() - forget earlier wake-ups
 * @vcpu: the caller
 */
void nexus_kvm_halt_prepare(struct kvm_vcpu *vcpu);

/**
 * nexus_kvm_halt() - the vCPU halts before it enters the guest again
 * @vcpu: the caller, its call finished
 */
void nexus_kvm_halt(struct kvm_vcpu *vcpu);

/**
 * nexus_kvm_idle() - halt here and now, whatever the vCPU's own timer says
 * @vcpu: the caller, its call finished
 * @ms: for so long at most
 *
 * Ends as KVM's own halt does, but for that timer, which KVM is left to deliver
 * when the vCPU enters the guest again.
 *
 * Context: The vCPU's thread, sleeps; KVM's SRCU is given up meanwhile.
 */
void nexus_kvm_idle(struct kvm_vcpu *vcpu, unsigned int ms);

/**
 * nexus_kvm_wake() - end a vCPU's halt
 * @kvm: a VM that the caller has a reference on
 * @vcpu_index: of a vCPU that once was
 *
 * Context: Any that may send an IPI; does not sleep.
 */
void nexus_kvm_wake(struct kvm *kvm, unsigned int vcpu_index);

#endif
