// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that is a hypervisor itself: what its own guest calls is its business.
 * With VMMCALL intercepted the call ends in the guest hypervisor, without it is
 * an invalid instruction, as AMD says; never is it a call of the outer guest,
 * even where its registers say KICK, WAIT or SHARE.
 *
 * Where KVM may patch hypercalls of the wrong vendor (its default), an invalid
 * VMMCALL is replaced by itself and tried again, for ever (older kernels do, with
 * us or without): so it is looked at with that off, and with it on until a signal.
 *
 * The inner guest is made by hand: a VMCB and one instruction.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hostile.h"
#include "nexus.h"
#include "vmm.h"

/* Guest-physical pages that vmm.h leaves free. */
#define VMCB		0xa000UL
#define HOST_SAVE	0xb000UL
#define OUTER_CODE	0xc000UL
#define INNER_CODE	0xd000UL

#define MSR_VM_HSAVE_PA	0xc0010117U
#define EFER_LONG	0x500UL		/* LME, LMA */
#define EFER_SVME	0x1000UL
#define CR0_PE_PG	0x80000001UL
#define CR4_PAE		0x20UL

#define EXIT_UD		0x46U
#define EXIT_VMMCALL	0x81U
#define NUMBER_ELSE	0x123456UL

static struct vmm vmm;
static int handle;
static uint32_t id;

static const unsigned char outer_code[] = {
	0x0f, 0x01, 0xd8,	/* vmrun: RAX points to the VMCB */
	0x0f, 0x01, 0xdc,	/* stgi */
	0xe6, 0x10,		/* out %al, $0x10: back to the test */
};

static const unsigned char inner_code[] = {
	0x0f, 0x01, 0xd9,	/* vmmcall */
	0xf4,			/* hlt: it came back */
};

static void put(unsigned int offset, const void *value, size_t size)
{
	memcpy(vmm.memory + VMCB + offset, value, size);
}

static void put32(unsigned int offset, uint32_t value)
{
	put(offset, &value, sizeof(value));
}

static void put64(unsigned int offset, uint64_t value)
{
	put(offset, &value, sizeof(value));
}

static uint64_t get64(unsigned int offset)
{
	uint64_t value;

	memcpy(&value, vmm.memory + VMCB + offset, sizeof(value));
	return value;
}

/* The inner guest shares the outer one's memory and tables. */
static void write_vmcb(unsigned int cpl, bool intercept, uint64_t number)
{
	const uint32_t data = 0xc93 | cpl << 5, code = 0xa9b | cpl << 5;
	const struct { uint16_t selector, attributes; uint32_t limit; uint64_t base; }
		code_segment = { 0x8 | cpl, code, 0xffffffff, 0 },
		data_segment = { 0x10 | cpl, data, 0xffffffff, 0 };

	memset(vmm.memory + VMCB, 0, 4096);
	put32(0x008, 0xffffffff);			/* every exception */
	put32(0x00c, 1U << 31 | 1U << 24 | 3);		/* shutdown, HLT, NMI, INTR */
	put32(0x010, 1 | intercept << 1);		/* VMRUN, VMMCALL */
	put32(0x058, 1);				/* address space */
	put(0x400, &data_segment, sizeof(data_segment));
	put(0x410, &code_segment, sizeof(code_segment));
	put(0x420, &data_segment, sizeof(data_segment));
	put(0x430, &data_segment, sizeof(data_segment));
	vmm.memory[VMCB + 0x4cb] = cpl;
	put64(0x4d0, EFER_LONG | EFER_SVME);
	put64(0x548, CR4_PAE);
	put64(0x550, 0x1000);				/* CR3: vmm.c's */
	put64(0x558, CR0_PE_PG);
	put64(0x560, 0x400);				/* DR7 */
	put64(0x568, 0xffff0ff0);			/* DR6 */
	put64(0x570, 2);				/* RFLAGS */
	put64(0x578, INNER_CODE);
	put64(0x5f8, number);				/* RAX */
}

/* An adopted VM with a channel becomes a hypervisor. */
static bool set_up(int device, bool patches)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DISABLE_QUIRKS2, .args = { KVM_X86_QUIRK_FIX_HYPERCALL_INSN } };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry = { .index = MSR_VM_HSAVE_PA, .data = HOST_SAVE } };
	struct kvm_sregs sregs;
	int fd;

	vmm_open(&vmm, 1, MAP_PRIVATE);
	fd = vmm.vcpus[0].fd;
	if (!patches && ioctl(vmm.vm, KVM_ENABLE_CAP, &cap))
		tap_bail("KVM_CAP_DISABLE_QUIRKS2");
	handle = nexus_adopt(device, vmm.vm, 64, &id);
	if (handle < 0)
		tap_bail("adopt");
	if (vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0) ||
	    vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 1) != 1)
		tap_bail("a channel");
	/* A call, for the mode that vmm.c sets; the next ones keep it. */
	vmm_call_kernel(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0);
	if (ioctl(fd, KVM_GET_SREGS, &sregs))
		tap_bail("KVM_GET_SREGS");
	sregs.efer |= EFER_SVME;
	memcpy(vmm.memory + OUTER_CODE, outer_code, sizeof(outer_code));
	memcpy(vmm.memory + INNER_CODE, inner_code, sizeof(inner_code));
	return !ioctl(fd, KVM_SET_SREGS, &sregs) && ioctl(fd, KVM_SET_MSRS, &msr) == 1;
}

static void tear_down(void)
{
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
	vmm_close(&vmm);
}

/* The inner guest makes this call; VMM_INTERRUPTED, or its hypervisor's code has run. */
static int64_t run_inner(unsigned int cpl, bool intercept, const uint64_t *call)
{
	struct kvm_regs regs = {
		.rip = OUTER_CODE, .rflags = 2, .rax = VMCB, .rbx = call[1], .rcx = call[2], .rdx = call[3],
	};

	write_vmcb(cpl, intercept, call[0]);
	if (ioctl(vmm.vcpus[0].fd, KVM_SET_REGS, &regs))
		tap_bail("KVM_SET_REGS");
	return vmm_resume(&vmm, 0);
}

/* What our counters and the daemon say of the whole VM. */
struct seen {
	int64_t counters[NEXUS_HC_COUNT + 2];
	uint32_t events;
};

static struct seen look(void)
{
	struct seen seen = { .events = nexus_events(handle, 0) };

	for (unsigned int i = 0; i < NEXUS_HC_COUNT; i++)
		seen.counters[i] = nexus_counter(id, NEXUS_A_VM_PROBE + i);
	seen.counters[NEXUS_HC_COUNT] = nexus_counter(id, NEXUS_A_VM_UNKNOWN);
	seen.counters[NEXUS_HC_COUNT + 1] = nexus_counter(id, NEXUS_A_VM_HALTS);
	return seen;
}

static void test_inner(unsigned int cpl, bool intercept)
{
	static const uint64_t calls[][4] = {
		{ NEXUS_HC_PROBE }, { NEXUS_HC_OPEN, NEXUS_ABI_VERSION }, { NEXUS_HC_SHARE, 0, VMM_DATA, 1 },
		{ NEXUS_HC_UNSHARE, 0, 1 }, { NEXUS_HC_KICK }, { NEXUS_HC_WAIT }, { NEXUS_HC_CLOSE },
		{ NEXUS_HC_END - 1 }, { NUMBER_ELSE },
	};
	const uint64_t want = intercept ? EXIT_VMMCALL : EXIT_UD;
	struct seen before, after;
	unsigned int wrong = 0, changed = 0;

	nexus_events(handle, 0);
	before = look();
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		const uint64_t *call = calls[i];

		if (run_inner(cpl, intercept, call) == VMM_INTERRUPTED)
			tap_bail("a signal");
		/* What the hypervisor sees of it, and that it neither moved on nor got an answer. */
		if (get64(0x70) != want && !wrong++)
			printf("#   %#llx: exit code %#llx\n", (unsigned long long)call[0],
			       (unsigned long long)get64(0x70));
		changed += get64(0x578) != INNER_CODE || get64(0x5f8) != call[0];
	}
	after = look();
	tap_ok(!wrong, "an inner guest's call at CPL %u, %s: %s", cpl, intercept ? "intercepted" : "not intercepted",
	       intercept ? "its hypervisor gets it" : "an invalid instruction");
	tap_is(changed, 0, "its registers are as they were");
	tap_ok(!memcmp(&before, &after, sizeof(before)), "and nothing is done or counted for the outer one");
}

static void on_signal(int nr)
{
	(void)nr;
}

static void test_patched(unsigned int cpl)
{
	static const uint64_t kick[4] = { NEXUS_HC_KICK };
	struct seen before, after;
	bool interrupted;

	nexus_events(handle, 0);
	before = look();
	ualarm(500000, 500000);
	interrupted = run_inner(cpl, false, kick) == VMM_INTERRUPTED;
	ualarm(0, 0);
	tap_ok(interrupted || get64(0x70) == EXIT_UD, "where KVM patches hypercalls, at CPL %u: %s", cpl,
	       interrupted ? "it tries for ever, until a signal" : "an invalid instruction");
	after = look();
	tap_ok(!memcmp(&before, &after, sizeof(before)), "and nothing is done or counted for the outer one");
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };	/* no SA_RESTART */
	int device = nexus_device();

	sigaction(SIGALRM, &action, NULL);
	if (!set_up(device, false))
		tap_skip_all("no nested virtualization of AMD's kind on this host");
	for (unsigned int cpl = 0; cpl <= 3; cpl += 3) {
		test_inner(cpl, true);
		test_inner(cpl, false);
	}
	/* The outer guest's own calls, with such a guest behind it. */
	tap_is(vmm_call_kernel(&vmm, 0, NEXUS_HC_KICK, 0, 0, 0), 0, "the hypervisor's own KICK");
	tap_is(nexus_events(handle, 0), NEXUS_EVENT_KICKED, "is heard");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 1), 2, "and its process's SHARE succeeds");
	tear_down();
	for (unsigned int cpl = 0; cpl <= 3; cpl += 3) {
		set_up(device, true);
		test_patched(cpl);
		tear_down();
	}
	tap_ok(all_unpinned(), "the kernel has released every page it ever pinned");
	return tap_done();
}
