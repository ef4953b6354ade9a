// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include "hypercall.h"

#define HYPERVISOR_FIRST	0x40000000U
#define HYPERVISOR_LAST		0x40010000U
#define HYPERVISOR_STEP		0x100U

/* Another interface (Hyper-V's) may sit at the first leaf, with KVM's behind it. */
bool hypercall_available(void)
{
	unsigned int eax, ebx, ecx, edx, sig[3];

	__cpuid(1, eax, ebx, ecx, edx);
	if (!(ecx & (1U << 31)))
		return false;
	for (unsigned int leaf = HYPERVISOR_FIRST; leaf < HYPERVISOR_LAST; leaf += HYPERVISOR_STEP) {
		__cpuid(leaf, eax, sig[0], sig[1], sig[2]);
		if (!memcmp(sig, "KVMKVMKVM\0\0\0", sizeof(sig)))
			return true;
	}
	return false;
}

/* 1: VMMCALL, 2: VMCALL. CPUID exits to the host: ask once. */
static int hypercall_kind(void)
{
	static int kind;
	unsigned int eax, id[3];
	int k = __atomic_load_n(&kind, __ATOMIC_RELAXED);

	if (k)
		return k;
	__cpuid(0, eax, id[0], id[2], id[1]);
	k = !memcmp(id, "AuthenticAMD", 12) || !memcmp(id, "HygonGenuine", 12) ? 1 : 2;
	__atomic_store_n(&kind, k, __ATOMIC_RELAXED);
	return k;
}

long hypercall(unsigned long nr, unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3)
{
	long ret;

	if (hypercall_kind() == 1)
		asm volatile("vmmcall" : "=a"(ret) : "a"(nr), "b"(a0), "c"(a1), "d"(a2), "S"(a3) : "memory");
	else
		asm volatile("vmcall" : "=a"(ret) : "a"(nr), "b"(a0), "c"(a1), "d"(a2), "S"(a3) : "memory");
	return ret;
}

long hypercall_probe(void)
{
	long version;

	if (!hypercall_available())
		return -ENXIO;
	version = hypercall(NEXUS_HC_PROBE, 0, 0, 0, 0);
	return version > 0 ? version : -ENODEV;
}
