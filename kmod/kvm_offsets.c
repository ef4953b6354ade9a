// SPDX-License-Identifier: GPL-2.0-only
/* KVM's insides for hook_entry.S: compiled to assembly, and that made into kvm_offsets.h. */
#define COMPILE_OFFSETS

#include <linux/kbuild.h>
#include <linux/kvm_host.h>

#include "nexus_hypercall.h"

static void __used nexus_kvm_offsets(void)
{
	OFFSET(NEXUS_VCPU_RAX, kvm_vcpu, arch.regs[VCPU_REGS_RAX]);
	DEFINE(NEXUS_HC_FIRST, NEXUS_HC_BASE);
	DEFINE(NEXUS_HC_NUMBERS, NEXUS_HC_END - NEXUS_HC_BASE);
}
