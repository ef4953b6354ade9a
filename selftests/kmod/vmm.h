/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMM of the tests' own, on bare /dev/kvm: one call of it is one hypercall of
 * a guest in the mode and with the registers that the test wants. No guest
 * kernel, no device.
 *
 * Guest memory is VMM_MEMORY bytes at guest-physical 0, mapped one to one:
 *
 *	0x1000..0x4fff		page tables
 *	0x6000			the code
 *	VMM_DATA..		pages for the tests, writable in user mode
 *	VMM_READONLY		a page that user mode may only read
 *	VMM_KERNEL		a page that only kernel mode may touch
 *	VMM_UNMAPPED		a page whose table entry is not present
 *	VMM_NO_SLOT		mapped, but no memory of the VM is behind it
 */
#ifndef NEXUS_TEST_VMM_H
#define NEXUS_TEST_VMM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMM_MEMORY	0x1e0000UL
#define VMM_READONLY	0x7000UL
#define VMM_KERNEL	0x8000UL
#define VMM_UNMAPPED	0x9000UL
#define VMM_DATA	0x10000UL
#define VMM_NO_SLOT	0x1f0000UL

struct vmm_vcpu {
	int fd;
	struct kvm_run *run;
	size_t run_size;
};

struct vmm {
	int kvm, vm;
	char *memory;
	unsigned int nr_vcpus;
	bool interruptible;	/* the guest takes interrupts; it has no handler, and the first one shuts it down */
	struct vmm_vcpu vcpus[4];
};

/* Memory flags for mmap(2): MAP_PRIVATE or MAP_SHARED | MAP_ANONYMOUS. */
void vmm_open(struct vmm *vmm, unsigned int vcpus, int map_flags);
void vmm_close(struct vmm *vmm);

/* Execute one hypercall on a vCPU, at CPL 3 (or 0), and return RAX. If a signal
 * interrupts it (in WAIT), -EINTR of KVM_RUN is reported as VMM_INTERRUPTED;
 * vmm_resume() goes on.
 */
#define VMM_INTERRUPTED INT64_MIN
#define VMM_SHUT_DOWN	(INT64_MIN + 1)	/* by an interrupt; that vCPU is of no more use */
int64_t vmm_call(struct vmm *vmm, unsigned int vcpu, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2);
int64_t vmm_call_kernel(struct vmm *vmm, unsigned int vcpu, uint64_t nr, uint64_t a0, uint64_t a1,
			uint64_t a2);
int64_t vmm_resume(struct vmm *vmm, unsigned int vcpu);

/*
 * Many hypercalls in one run, one after the other without leaving the guest:
 * fill vmm_batch(), run, read the results there. A run that is interrupted
 * returns VMM_INTERRUPTED, and goes on with vmm_resume().
 */
#define VMM_BATCH(vcpu)	(0x1d0000UL + (vcpu) * 0x4000UL)	/* guest-physical, four pages */
#define VMM_BATCH_MAX	400U

struct vmm_batch_call {
	uint64_t nr;
	uint64_t args[3];
	int64_t result;
};

struct vmm_batch_call *vmm_batch(struct vmm *vmm, unsigned int vcpu);
int64_t vmm_run_batch(struct vmm *vmm, unsigned int vcpu, unsigned int cpl, unsigned int calls);

/* Enable a vCPU's local APIC; its timer, if us is not 0, expires once, so much later. */
void vmm_start_apic(struct vmm *vmm, unsigned int vcpu, unsigned int us);

/* A message-signalled interrupt for the first vCPU. */
void vmm_interrupt(struct vmm *vmm);

/* One more vCPU, also while others run. */
void vmm_add_vcpu(struct vmm *vmm);

/* Set a memory slot (0 is the VMM's own memory; size 0 removes): 0 or -errno. */
int vmm_set_slot(struct vmm *vmm, unsigned int slot, unsigned int flags, uint64_t address, size_t size,
		 void *memory);

#endif
