// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls that are not ours get the same answers with the module in and out:
 * the same exits, the same registers, the same memory. In VMs of four kinds: a
 * plain one, one whose VMM takes MAP_GPA_RANGE, one with Xen's hypercalls and
 * one with Hyper-V's, in which our numbers are not ours either.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../tap.h"
#include "module.h"
#include "nexus_hypercall.h"
#include "vmm.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CODE		0x6000UL	/* vmm.h: the hypercall, and OUT */
#define TABLES		0x1000UL
#define PORT		0x10
#define RFLAGS		0x3002UL	/* IOPL 3: user mode may leave by OUT */
#define GUEST_OS_ID	0x40000000U	/* HV_X64_MSR_GUEST_OS_ID */
#define EXITS		8
#define NUMBERS_MAX	400

enum kind { PLAIN, GPA_RANGE, XEN, HYPERV, KINDS };
static const char *const kind_names[] = {
	"a plain VM", "a VMM that takes MAP_GPA_RANGE", "Xen's hypercalls", "Hyper-V's hypercalls",
};

enum mode { KERNEL_64, USER_64, KERNEL_32, USER_32, MODES };
static const char *const mode_names[] = { "CPL 0", "CPL 3", "CPL 0, 32 bits", "CPL 3, 32 bits" };

/* What came of one hypercall. */
struct answer {
	struct kvm_regs regs;
	uint64_t exits[EXITS];	/* reasons, and a digest of what each told the VMM */
	unsigned int nr_exits;
};

struct call {
	uint64_t nr;
	uint64_t args[6];	/* RBX, RCX, RDX, RSI, RDI, R8 */
};

static struct call calls[2 * NUMBERS_MAX];
static unsigned int nr_calls;

static uint64_t digest(uint64_t seed, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	/* FNV-1a */
	seed ^= 0xcbf29ce484222325;
	for (size_t i = 0; i < size; i++)
		seed = (seed ^ bytes[i]) * 0x100000001b3;
	return seed;
}

static uint64_t random_state = 1;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void add_call(uint64_t nr)
{
	struct call *call = &calls[nr_calls];

	if (nr_calls + 2 > ARRAY_SIZE(calls))
		tap_bail("too many numbers");
	call[0] = (struct call){ nr, { VMM_DATA, 0, 0, 0, 0, 0 } };
	call[1].nr = nr;
	for (int i = 0; i < 6; i++)
		call[1].args[i] = random_next();
	nr_calls += 2;
}

static void add_calls(void)
{
	static const uint64_t high[] = { 1ULL << 32, 1ULL << 63, 0xffffffff00000000 };
	uint64_t nr;

	for (nr = 0; nr <= 48; nr++)			/* KVM's and Xen's */
		add_call(nr);
	for (nr = NEXUS_HC_BASE - 32; nr < NEXUS_HC_END + 32; nr++)
		add_call(nr);
	for (unsigned int i = 0; i < ARRAY_SIZE(high); i++)
		for (nr = NEXUS_HC_BASE - 1; nr <= NEXUS_HC_END; nr++)
			add_call(nr | high[i]);
	for (nr = 0; nr < 32; nr++)			/* Xen's under Hyper-V's */
		add_call(0x80000000 + nr);
	for (nr = 0x5a; nr <= 0x60; nr++)		/* Hyper-V's, and as fast calls */
		add_call(nr), add_call(nr | 0x10000), add_call(nr | 1ULL << 32);
	for (nr = 0; nr < 64; nr++)			/* single bits */
		add_call(1ULL << nr), add_call(NEXUS_HC_BASE ^ 1ULL << nr);
	/* MAP_GPA_RANGE of one page, which a VMM may have asked for. */
	add_call(12);
	calls[nr_calls - 2].args[1] = 1;
	while (nr_calls + 2 <= ARRAY_SIZE(calls))
		add_call(random_next() >> (random_next() & 48));
}

static bool is_ours(enum kind kind, uint64_t nr)
{
	return kind != XEN && kind != HYPERV && nr >= NEXUS_HC_BASE && nr < NEXUS_HC_END;
}

static void set_mode(struct vmm *vmm, enum mode mode)
{
	unsigned int cpl = mode == USER_64 || mode == USER_32 ? 3 : 0;
	bool wide = mode == KERNEL_64 || mode == USER_64;
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 0x8 | cpl, .type = 11, .present = 1,
		.dpl = cpl, .s = 1, .l = wide, .db = !wide, .g = 1,
	};
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 0x10 | cpl, .type = 3, .present = 1,
		.dpl = cpl, .s = 1, .db = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(vmm->vcpus[0].fd, KVM_GET_SREGS, &sregs))
		tap_bail("KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.gdt.limit = sregs.idt.limit = 0;	/* so that an exception is the end */
	sregs.cr0 = 0x80000001;
	sregs.cr3 = TABLES;
	sregs.cr4 = 0x20;
	sregs.efer = 0x500;
	if (ioctl(vmm->vcpus[0].fd, KVM_SET_SREGS, &sregs))
		tap_bail("KVM_SET_SREGS");
}

/* Answer an exit as a VMM would; the digest is of what it was asked. */
static uint64_t serve_exit(struct kvm_run *run)
{
	uint64_t seen;

	switch (run->exit_reason) {
	case KVM_EXIT_XEN:
		seen = digest(run->xen.type, &run->xen.u.hcall, sizeof(run->xen.u.hcall));
		run->xen.u.hcall.result = 0x5ca1ab1e;
		return seen;
	case KVM_EXIT_HYPERCALL:
		seen = digest(run->hypercall.nr, run->hypercall.args, sizeof(run->hypercall.args));
		run->hypercall.ret = 0xdecade;
		return seen;
	case KVM_EXIT_HYPERV:
		seen = digest(run->hyperv.type, &run->hyperv.u.hcall.input, 3 * sizeof(uint64_t));
		run->hyperv.u.hcall.result = 0xfacade;
		return seen;
	}
	return 0;
}

static void run_call(struct vmm *vmm, const struct call *call, struct answer *answer)
{
	struct vmm_vcpu *vcpu = &vmm->vcpus[0];
	struct kvm_run *run = vcpu->run;
	struct kvm_regs regs = {
		.rax = call->nr, .rbx = call->args[0], .rcx = call->args[1], .rdx = call->args[2],
		.rsi = call->args[3], .rdi = call->args[4], .r8 = call->args[5],
		.r9 = 0x99, .r10 = 0xaa, .r11 = 0xbb, .r12 = 0xcc, .r13 = 0xdd, .r14 = 0xee, .r15 = 0xff,
		.rsp = VMM_DATA + 0x1000, .rbp = 0xb9, .rip = CODE, .rflags = RFLAGS,
	};

	memset(answer, 0, sizeof(*answer));
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		tap_bail("KVM_SET_REGS");
	while (answer->nr_exits + 2 <= EXITS) {
		if (ioctl(vcpu->fd, KVM_RUN, 0))
			tap_bail("KVM_RUN");
		answer->exits[answer->nr_exits++] = run->exit_reason;
		if (run->exit_reason != KVM_EXIT_XEN && run->exit_reason != KVM_EXIT_HYPERCALL &&
		    run->exit_reason != KVM_EXIT_HYPERV)
			break;
		answer->exits[answer->nr_exits++] = serve_exit(run);
	}
	if (ioctl(vcpu->fd, KVM_GET_REGS, &answer->regs))
		tap_bail("KVM_GET_REGS");
}

/* Nothing but RAX changed (with Hyper-V, in 32 bits, EDX:EAX is the result), and the guest went on behind the instruction. */
static bool only_rax_changed(enum kind kind, enum mode mode, const struct call *call,
			     const struct answer *answer)
{
	const struct kvm_regs *r = &answer->regs;
	bool wide = mode == KERNEL_64 || mode == USER_64;
	bool upper = r->r8 == call->args[5] && r->r9 == 0x99 && r->r10 == 0xaa && r->r11 == 0xbb &&
		     r->r12 == 0xcc && r->r13 == 0xdd && r->r14 == 0xee && r->r15 == 0xff;
	uint64_t mask = wide ? UINT64_MAX : UINT32_MAX;

	return (upper || !wide) && !((r->rbx ^ call->args[0]) & mask) && !((r->rcx ^ call->args[1]) & mask) &&
	       (!((r->rdx ^ call->args[2]) & mask) || (kind == HYPERV && !wide)) && !((r->rsi ^ call->args[3]) & mask) &&
	       !((r->rdi ^ call->args[4]) & mask) && r->rsp == VMM_DATA + 0x1000 && r->rbp == 0xb9 &&
	       r->rflags == RFLAGS;
}

static bool set_up_hyperv(struct vmm *vmm)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[260];
	} cpuid = { .head.nent = 256 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = { .head.nmsrs = 1, .entry = { .index = GUEST_OS_ID, .data = 0x8100ULL << 48 } };
	unsigned int n = 0;

	if (ioctl(vmm->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid))
		tap_bail("KVM_GET_SUPPORTED_CPUID");
	for (unsigned int i = 0; i < cpuid.head.nent; i++)
		if (cpuid.entries[i].function >> 8 != 0x400000)
			cpuid.entries[n++] = cpuid.entries[i];
	cpuid.entries[n++] = (struct kvm_cpuid_entry2){
		.function = 0x40000000, .eax = 0x40000005,
		.ebx = 0x7263694d, .ecx = 0x666f736f, .edx = 0x76482074,	/* "Microsoft Hv" */
	};
	cpuid.entries[n++] = (struct kvm_cpuid_entry2){ .function = 0x40000001, .eax = 0x31237648 };
	cpuid.entries[n++] = (struct kvm_cpuid_entry2){ .function = 0x40000003, .eax = 0x60, .ebx = 0x30 };
	cpuid.head.nent = n;
	return !ioctl(vmm->vcpus[0].fd, KVM_SET_CPUID2, &cpuid) &&
	       ioctl(vmm->vcpus[0].fd, KVM_SET_MSRS, &msrs) == 1;
}

static bool set_up(struct vmm *vmm, enum kind kind)
{
	struct kvm_xen_hvm_config xen = {
		.flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL,
		.msr = 0x40000200,	/* without one KVM does not take it for Xen */
	};
	struct kvm_enable_cap cap = { .cap = KVM_CAP_EXIT_HYPERCALL, .args = { 1 << 12 } };

	vmm_open(vmm, 1, MAP_PRIVATE);
	switch (kind) {
	case GPA_RANGE:
		return !ioctl(vmm->vm, KVM_ENABLE_CAP, &cap);
	case XEN:
		return !ioctl(vmm->vm, KVM_XEN_HVM_CONFIG, &xen);
	case HYPERV:
		return set_up_hyperv(vmm);
	default:
		return true;
	}
}

/* All calls in all modes; false if this kernel has no such VMs. */
static bool run_calls(enum kind kind, struct answer *answers, uint64_t *memory)
{
	struct vmm vmm;
	bool can = set_up(&vmm, kind);

	for (int mode = 0; can && mode < MODES; mode++) {
		set_mode(&vmm, mode);
		for (unsigned int i = 0; i < nr_calls; i++, answers++) {
			run_call(&vmm, &calls[i], answers);
			/* What ends otherwise (an exception: shutdown) resets the vCPU. */
			if (vmm.vcpus[0].run->exit_reason != KVM_EXIT_IO)
				set_mode(&vmm, mode);
		}
	}
	/* But for the page that CLOCK_PAIRING writes the time to. */
	memset(vmm.memory + VMM_DATA, 0, 0x1000);
	*memory = digest(0, vmm.memory, VMM_MEMORY);
	vmm_close(&vmm);
	return can;
}

static void show(const char *what, const struct answer *answer)
{
	printf("#   module %s: exit %llu, rax %#llx, rbx %#llx, rcx %#llx, rdx %#llx, rip %#llx\n", what,
	       (unsigned long long)answer->exits[answer->nr_exits - 1], answer->regs.rax, answer->regs.rbx,
	       answer->regs.rcx, answer->regs.rdx, answer->regs.rip);
}

static void compare(enum kind kind, const struct answer *out, const struct answer *in)
{
	unsigned int compared = 0, differ = 0, other = 0, to_vmm = 0, ours = 0;

	for (int mode = 0; mode < MODES; mode++)
		for (unsigned int i = 0; i < nr_calls; i++, out++, in++) {
			if (is_ours(kind, calls[i].nr)) {
				ours += memcmp(out, in, sizeof(*out)) != 0;
				continue;
			}
			compared++;
			to_vmm += in->nr_exits > 1;
			if (in->exits[in->nr_exits - 1] == KVM_EXIT_IO &&
			    !only_rax_changed(kind, mode, &calls[i], in) && !other++)
				show("in", in);
			if (!memcmp(out, in, sizeof(*out)) || differ++)
				continue;
			printf("#   number %#llx, %s\n", (unsigned long long)calls[i].nr, mode_names[mode]);
			show("out", out);
			show("in", in);
		}
	tap_ok(!differ, "%s: %u calls that are not ours have the same answers (%u of them the VMM's)",
	       kind_names[kind], compared, to_vmm);
	tap_ok(!other, "%s: and no register but the result changes", kind_names[kind]);
	if (kind == PLAIN)
		tap_ok(ours, "the same comparison sees the difference in those that are ours (%u)", ours);
	else if (kind != GPA_RANGE)
		tap_ok(compared == MODES * nr_calls && !ours, "%s: no number is ours", kind_names[kind]);
	if (kind == XEN || kind == GPA_RANGE)
		tap_ok(to_vmm, "%s: the VMM gets its own", kind_names[kind]);
}

int main(void)
{
	bool loaded = module_loaded();
	struct answer *answers[2][KINDS];
	bool can[2][KINDS];
	uint64_t memory[2][KINDS];

	if (access(module_path(), R_OK))
		tap_skip_all("no module to load: set NEXUS_MODULE");
	add_calls();
	for (int i = 0; i < 2; i++) {
		/* Out, then in: what a test of the module before us left is gone. */
		int err = i ? module_load() : loaded ? module_unload() : 0;

		if (err) {
			errno = -err;
			tap_bail(i ? "loading the module" : "unloading the module");
		}
		for (int kind = 0; kind < KINDS; kind++) {
			answers[i][kind] = calloc(MODES * nr_calls, sizeof(struct answer));
			if (!answers[i][kind])
				tap_bail("memory");
			can[i][kind] = run_calls(kind, answers[i][kind], &memory[i][kind]);
		}
	}
	for (int kind = 0; kind < KINDS; kind++) {
		tap_ok(can[0][kind] == can[1][kind], "%s: %s", kind_names[kind],
		       can[0][kind] ? "this kernel has them, with and without the module" :
				      "# SKIP this kernel has none");
		if (!can[0][kind] || !can[1][kind])
			continue;
		compare(kind, answers[0][kind], answers[1][kind]);
		tap_ok(memory[0][kind] == memory[1][kind], "%s: the guest's memory is the same", kind_names[kind]);
	}
	if (!loaded && module_unload())
		tap_bail("unloading the module");
	return tap_done();
}
