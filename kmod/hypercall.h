/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEXUS_HYPERCALL_H
#define _NEXUS_HYPERCALL_H

struct kvm_vcpu;

/* Takes the place of kvm_emulate_hypercall() for numbers in our range. */
int nexus_hypercall(struct kvm_vcpu *vcpu);

#endif
