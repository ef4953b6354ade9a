// SPDX-License-Identifier: GPL-2.0-only
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tap.h"
#include "vmm.h"

#define PML4	0x1000UL
#define PDPT	0x2000UL
#define PD	0x3000UL
#define PT	0x4000UL
#define CODE	0x6000UL
#define BATCH_CODE 0x6100UL
#define PORT	0x10

#define PTE_PRESENT	1UL
#define PTE_WRITE	2UL
#define PTE_USER	4UL

#define CR0_PE		(1UL << 0)
#define CR0_PG		(1UL << 31)
#define CR4_PAE		(1UL << 5)
#define EFER_LME	(1UL << 8)
#define EFER_LMA	(1UL << 10)
#define RFLAGS_IOPL3	0x3002UL	/* so that user mode may leave by OUT */
#define RFLAGS_IF	0x200UL

#define VECTOR		0x40
#define APIC_SPIV	0xf0
#define APIC_LVTT	0x320
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0
#define APIC_ENABLED	0x1ff
#define APIC_DIV_1	0xb

static void vmm_build_tables(struct vmm *vmm)
{
	uint64_t *pt = (uint64_t *)(vmm->memory + PT);
	uint64_t all = PTE_PRESENT | PTE_WRITE | PTE_USER;

	*(uint64_t *)(vmm->memory + PML4) = PDPT | all;
	*(uint64_t *)(vmm->memory + PDPT) = PD | all;
	*(uint64_t *)(vmm->memory + PD) = PT | all;
	for (uint64_t i = 0; i < 512; i++)
		pt[i] = i << 12 | all;
	pt[VMM_READONLY >> 12] &= ~PTE_WRITE;
	pt[VMM_KERNEL >> 12] &= ~PTE_USER;
	pt[VMM_UNMAPPED >> 12] = 0;
}

/* The hypercall, then OUT to hand the result over. */
static void vmm_write_code(struct vmm *vmm)
{
	unsigned int eax, ebx = 0, ecx, edx;
	unsigned char *code = (unsigned char *)vmm->memory + CODE;

	__get_cpuid(0, &eax, &ebx, &ecx, &edx);
	code[0] = 0x0f;
	code[1] = 0x01;
	code[2] = ebx == 0x756e6547 /* "Genu" */ ? 0xc1 : 0xd9;
	code[3] = 0xe6;		/* out %al, $PORT */
	code[4] = PORT;
}

/* vmm_run_batch(): R9 points to the calls, R8 is how many there are. */
static void vmm_write_batch_code(struct vmm *vmm)
{
	static const unsigned char code[] = {
		0x49, 0x8b, 0x01,		/* mov (%r9), %rax */
		0x49, 0x8b, 0x59, 0x08,		/* mov 8(%r9), %rbx */
		0x49, 0x8b, 0x49, 0x10,		/* mov 16(%r9), %rcx */
		0x49, 0x8b, 0x51, 0x18,		/* mov 24(%r9), %rdx */
		0x0f, 0x01, 0x00,		/* the hypercall */
		0x49, 0x89, 0x41, 0x20,		/* mov %rax, 32(%r9) */
		0x49, 0x83, 0xc1, 0x28,		/* add $40, %r9 */
		0x49, 0xff, 0xc8,		/* dec %r8 */
		0x75, 0xe1,			/* jnz to the start */
		0xe6, PORT,			/* out %al, $PORT */
	};

	memcpy(vmm->memory + BATCH_CODE, code, sizeof(code));
	vmm->memory[BATCH_CODE + 17] = vmm->memory[CODE + 2];
}

/* Newer kernels refuse long mode to a vCPU whose CPUID does not tell of it. */
static void vmm_set_cpuid(struct vmm *vmm, struct vmm_vcpu *vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid = { .head.nent = 256 };

	if (ioctl(vmm->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid))
		tap_bail("KVM_GET_SUPPORTED_CPUID");
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid))
		tap_bail("KVM_SET_CPUID2");
}

void vmm_add_vcpu(struct vmm *vmm)
{
	struct vmm_vcpu *vcpu = &vmm->vcpus[vmm->nr_vcpus];

	vcpu->fd = ioctl(vmm->vm, KVM_CREATE_VCPU, vmm->nr_vcpus);
	if (vcpu->fd < 0)
		tap_bail("KVM_CREATE_VCPU");
	vcpu->run_size = ioctl(vmm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		tap_bail("mmap of a vCPU");
	vmm_set_cpuid(vmm, vcpu);
	/* Application processors start as waiting for INIT. */
	if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &(struct kvm_mp_state){ KVM_MP_STATE_RUNNABLE }))
		tap_bail("KVM_SET_MP_STATE");
	vmm->nr_vcpus++;
}

static void apic_write(struct kvm_lapic_state *apic, unsigned int reg, uint32_t value)
{
	memcpy(apic->regs + reg, &value, sizeof(value));
}

void vmm_start_apic(struct vmm *vmm, unsigned int vcpu, unsigned int us)
{
	struct kvm_lapic_state apic;

	if (ioctl(vmm->vcpus[vcpu].fd, KVM_GET_LAPIC, &apic))
		tap_bail("KVM_GET_LAPIC");
	apic_write(&apic, APIC_SPIV, APIC_ENABLED);
	apic_write(&apic, APIC_LVTT, VECTOR);	/* one shot */
	apic_write(&apic, APIC_TDCR, APIC_DIV_1);
	/* KVM's bus ticks once a nanosecond. */
	apic_write(&apic, APIC_TMICT, us * 1000);
	apic_write(&apic, APIC_TMCCT, us * 1000);
	if (ioctl(vmm->vcpus[vcpu].fd, KVM_SET_LAPIC, &apic))
		tap_bail("KVM_SET_LAPIC");
}

void vmm_interrupt(struct vmm *vmm)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR + 1 };

	if (ioctl(vmm->vm, KVM_SIGNAL_MSI, &msi) < 1)
		tap_bail("KVM_SIGNAL_MSI");
}

void vmm_open(struct vmm *vmm, unsigned int vcpus, int map_flags)
{
	struct kvm_userspace_memory_region region = { .memory_size = VMM_MEMORY };

	memset(vmm, 0, sizeof(*vmm));
	vmm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vmm->kvm < 0)
		tap_bail("/dev/kvm");
	vmm->vm = ioctl(vmm->kvm, KVM_CREATE_VM, 0);
	if (vmm->vm < 0)
		tap_bail("KVM_CREATE_VM");
	if (ioctl(vmm->vm, KVM_CREATE_IRQCHIP, 0))
		tap_bail("KVM_CREATE_IRQCHIP");
	vmm->memory = mmap(NULL, VMM_MEMORY, PROT_READ | PROT_WRITE, map_flags | MAP_ANONYMOUS, -1, 0);
	if (vmm->memory == MAP_FAILED)
		tap_bail("guest memory");
	region.userspace_addr = (uint64_t)vmm->memory;
	if (ioctl(vmm->vm, KVM_SET_USER_MEMORY_REGION, &region))
		tap_bail("KVM_SET_USER_MEMORY_REGION");
	vmm_build_tables(vmm);
	vmm_write_code(vmm);
	vmm_write_batch_code(vmm);
	while (vmm->nr_vcpus < vcpus)
		vmm_add_vcpu(vmm);
}

void vmm_close(struct vmm *vmm)
{
	while (vmm->nr_vcpus) {
		struct vmm_vcpu *vcpu = &vmm->vcpus[--vmm->nr_vcpus];

		munmap(vcpu->run, vcpu->run_size);
		close(vcpu->fd);
	}
	close(vmm->vm);
	close(vmm->kvm);
	munmap(vmm->memory, VMM_MEMORY);
}

static void vmm_set_mode(struct vmm_vcpu *vcpu, unsigned int cpl)
{
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 0x8 | cpl, .type = 11, .present = 1,
		.dpl = cpl, .s = 1, .l = 1, .g = 1,
	};
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 0x10 | cpl, .type = 3, .present = 1,
		.dpl = cpl, .s = 1, .db = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		tap_bail("KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = CR0_PE | CR0_PG;
	sregs.cr3 = PML4;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		tap_bail("KVM_SET_SREGS");
}

int64_t vmm_resume(struct vmm *vmm, unsigned int index)
{
	struct vmm_vcpu *vcpu = &vmm->vcpus[index];
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_RUN, 0)) {
		if (errno == EINTR)
			return VMM_INTERRUPTED;
		tap_bail("KVM_RUN");
	}
	if (vmm->interruptible && vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN)
		return VMM_SHUT_DOWN;
	if (vcpu->run->exit_reason != KVM_EXIT_IO || vcpu->run->io.port != PORT) {
		printf("# unexpected exit, reason %u\n", vcpu->run->exit_reason);
		tap_bail("the guest left its code");
	}
	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs))
		tap_bail("KVM_GET_REGS");
	return regs.rax;
}

static int64_t vmm_call_at(struct vmm *vmm, unsigned int index, unsigned int cpl, uint64_t nr, uint64_t a0,
			   uint64_t a1, uint64_t a2)
{
	struct vmm_vcpu *vcpu = &vmm->vcpus[index];
	struct kvm_regs regs = {
		.rip = CODE, .rflags = RFLAGS_IOPL3 | (vmm->interruptible ? RFLAGS_IF : 0),
		.rax = nr, .rbx = a0, .rcx = a1, .rdx = a2,
	};

	vmm_set_mode(vcpu, cpl);
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		tap_bail("KVM_SET_REGS");
	return vmm_resume(vmm, index);
}

int64_t vmm_call(struct vmm *vmm, unsigned int vcpu, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	return vmm_call_at(vmm, vcpu, 3, nr, a0, a1, a2);
}

int64_t vmm_call_kernel(struct vmm *vmm, unsigned int vcpu, uint64_t nr, uint64_t a0, uint64_t a1,
			uint64_t a2)
{
	return vmm_call_at(vmm, vcpu, 0, nr, a0, a1, a2);
}

struct vmm_batch_call *vmm_batch(struct vmm *vmm, unsigned int vcpu)
{
	return (struct vmm_batch_call *)(vmm->memory + VMM_BATCH(vcpu));
}

int64_t vmm_run_batch(struct vmm *vmm, unsigned int index, unsigned int cpl, unsigned int calls)
{
	struct vmm_vcpu *vcpu = &vmm->vcpus[index];
	struct kvm_regs regs = {
		.rip = BATCH_CODE, .rflags = RFLAGS_IOPL3, .r8 = calls, .r9 = VMM_BATCH(index),
	};

	vmm_set_mode(vcpu, cpl);
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		tap_bail("KVM_SET_REGS");
	return vmm_resume(vmm, index);
}

int vmm_set_slot(struct vmm *vmm, unsigned int slot, unsigned int flags, uint64_t address, size_t size,
		 void *memory)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .flags = flags, .guest_phys_addr = address, .memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	return ioctl(vmm->vm, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}
