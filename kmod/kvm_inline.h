/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of kvm.c that every hypercall of every VM passes through. */
#ifndef _NEXUS_KVM_INLINE_H
#define _NEXUS_KVM_INLINE_H

#include <linux/kvm_host.h>

#include "nexus_hypercall.h"

static __always_inline bool nexus_kvm_has_our_number(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.regs[VCPU_REGS_RAX] - NEXUS_HC_BASE < NEXUS_HC_END - NEXUS_HC_BASE;
}

#endif
