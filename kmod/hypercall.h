/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEXUS_HYPERCALL_H
#define _NEXUS_HYPERCALL_H

struct kvm_vcpu;

/**
 * nexus_hypercall() - takes the place of kvm_emulate_hypercall() for our numbers
 * @vcpu: the caller
 *
 * Context: The vCPU's thread, with its mutex and KVM's SRCU held; may sleep: for
 * as long as 512 pages take to pin, unless a fatal signal comes; or NEXUS_IDLE_MAX,
 * unless any signal does.
 * Return: as KVM's handler: 1 to go on in the guest, 0 to leave to user space.
 */
int nexus_hypercall(struct kvm_vcpu *vcpu);

#endif
