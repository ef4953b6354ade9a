// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's insides: registers, address translation, halting. All of it, and every
 * difference between kernels in it, is here.
 *
 * KVM exports less from release to release (since 6.18 most of it to kvm-amd
 * and kvm-intel only). Two functions stay open to all modules, kvm_get_kvm()
 * and kvm_put_kvm(): those are linked, which also keeps kvm.ko loaded. The
 * others are looked up by name at load; a kernel that lacks one is refused.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/rcuwait.h>
#include <linux/sched/mm.h>
#include <linux/version.h>

#include "kvm.h"
#include "kvm_inline.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define NEXUS_KVM_KICK_NAME "__kvm_vcpu_kick"
typedef void nexus_kvm_kick_fn(struct kvm_vcpu *vcpu, bool wait);
#else
#define NEXUS_KVM_KICK_NAME "kvm_vcpu_kick"
typedef void nexus_kvm_kick_fn(struct kvm_vcpu *vcpu);
#endif

/*
 * Prototypes are KVM's; newer headers do not ship them to modules, so they
 * stand here.
 */
static struct {
	int (*skip)(struct kvm_vcpu *vcpu);
	gpa_t (*gva_to_gpa_write)(struct kvm_vcpu *vcpu, gva_t gva, void *exception);
	unsigned long (*vcpu_gfn_to_hva)(struct kvm_vcpu *vcpu, gfn_t gfn);
	unsigned long (*gfn_to_hva)(struct kvm *kvm, gfn_t gfn);
	nexus_kvm_kick_fn *kick;
	void (*vcpu_load)(struct kvm_vcpu *vcpu);
	void (*vcpu_put)(struct kvm_vcpu *vcpu);
	int (*vcpu_runnable)(struct kvm_vcpu *vcpu);
	bool (*file_is_kvm)(struct file *file);
} nexus_kvm_fns __ro_after_init;

static const struct {
	const char *name;
	void *fn;	/* the pointer to set */
} nexus_kvm_symbols[] __initconst = {
	{ "kvm_skip_emulated_instruction", &nexus_kvm_fns.skip },
	{ "kvm_mmu_gva_to_gpa_write", &nexus_kvm_fns.gva_to_gpa_write },
	{ "kvm_vcpu_gfn_to_hva", &nexus_kvm_fns.vcpu_gfn_to_hva },
	{ "gfn_to_hva", &nexus_kvm_fns.gfn_to_hva },
	{ NEXUS_KVM_KICK_NAME, &nexus_kvm_fns.kick },
	{ "vcpu_load", &nexus_kvm_fns.vcpu_load },
	{ "vcpu_put", &nexus_kvm_fns.vcpu_put },
	{ "kvm_arch_vcpu_runnable", &nexus_kvm_fns.vcpu_runnable },
	{ "file_is_kvm", &nexus_kvm_fns.file_is_kvm },
};

/*
 * A kprobe, never armed, tells where its function is; kallsyms_lookup_name()
 * could tell too, but it is not exported, and where it has no caller by pointer
 * a kernel with IBT forbids to call it through one. On such kernels a kprobe
 * sits behind the function's ENDBR, and an indirect call has to land on it.
 */
static int __init nexus_kvm_find(const char *name, unsigned long *addr)
{
	struct kprobe probe = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	int err;

	err = register_kprobe(&probe);
	if (err) {
		if (err == -ENOENT)
			pr_err("this kernel's KVM has no %s: not supported\n", name);
		else
			pr_err("cannot look up %s: %d; this kernel needs CONFIG_KPROBES and CONFIG_KALLSYMS\n",
			       name, err);
		return -EOPNOTSUPP;
	}
	*addr = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
#ifdef CONFIG_X86_KERNEL_IBT
	if (*(u32 *)(*addr - ENDBR_INSN_SIZE) == gen_endbr()) {
		*addr -= ENDBR_INSN_SIZE;
	} else if (cpu_feature_enabled(X86_FEATURE_IBT)) {
		pr_err("this kernel's %s has no ENDBR: boot with ibt=off\n", name);
		return -EOPNOTSUPP;
	}
#endif
	return 0;
}

int __init nexus_kvm_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(nexus_kvm_symbols); i++) {
		err = nexus_kvm_find(nexus_kvm_symbols[i].name, nexus_kvm_symbols[i].fn);
		if (err)
			return err;
	}
	return 0;
}

/* Has the guest taken up Hyper-V's hypercall convention? */
static __always_inline bool nexus_kvm_speaks_hyperv(const struct kvm_vcpu *vcpu)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0) || defined(CONFIG_KVM_HYPERV)
	return vcpu->arch.hyperv_enabled && vcpu->kvm->arch.hyperv.hv_guest_os_id;
#else
	return false;
#endif
}

/* Does the VMM emulate Xen, and want its hypercalls? */
static __always_inline bool nexus_kvm_speaks_xen(const struct kvm *kvm)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	return kvm->arch.xen_hvm_config.flags & KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL;
#elif defined(CONFIG_KVM_XEN)
	return kvm->arch.xen.hvm_config.flags & KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL;
#else
	return false;
#endif
}

/*
 * A guest that runs under Hyper-V's or Xen's conventions keeps its number in
 * another register, and RAX may hold anything; a nested guest's hypercalls are
 * its own hypervisor's business; in SMM other memory slots apply.
 */
bool notrace nexus_kvm_is_ours(const struct kvm_vcpu *vcpu)
{
	if (!nexus_kvm_has_our_number(vcpu))
		return false;
	if (vcpu->arch.hflags & (HF_GUEST_MASK | HF_SMM_MASK))
		return false;
	return !nexus_kvm_speaks_hyperv(vcpu) && !nexus_kvm_speaks_xen(vcpu->kvm);
}

void nexus_kvm_read_call(const struct kvm_vcpu *vcpu, struct nexus_kvm_call *call)
{
	const unsigned long *regs = vcpu->arch.regs;

	call->nr = regs[VCPU_REGS_RAX];
	call->args[0] = regs[VCPU_REGS_RBX];
	call->args[1] = regs[VCPU_REGS_RCX];
	call->args[2] = regs[VCPU_REGS_RDX];
	call->args[3] = regs[VCPU_REGS_RSI];
}

int nexus_kvm_finish_call(struct kvm_vcpu *vcpu, s64 result)
{
	vcpu->arch.regs[VCPU_REGS_RAX] = result;
	return nexus_kvm_fns.skip(vcpu);
}

struct kvm *nexus_kvm_of(const struct kvm_vcpu *vcpu)
{
	return vcpu->kvm;
}

unsigned int nexus_kvm_vcpu_index(const struct kvm_vcpu *vcpu)
{
	return vcpu->vcpu_idx;
}

unsigned int nexus_kvm_max_vcpus(void)
{
	return KVM_MAX_VCPUS;
}

struct kvm *nexus_kvm_get(struct file *file)
{
	struct kvm *kvm;

	if (!nexus_kvm_fns.file_is_kvm(file))
		return NULL;
	kvm = file->private_data;
	kvm_get_kvm(kvm);
	return kvm;
}

void nexus_kvm_put(struct kvm *kvm)
{
	kvm_put_kvm(kvm);
}

bool nexus_kvm_is_dead(const struct kvm *kvm)
{
	return refcount_read(&kvm->users_count) == 1;
}

int nexus_kvm_pin(struct kvm_vcpu *vcpu, u64 gva, struct page **page, u64 *gfn)
{
	/* KVM's struct x86_exception, of 24 to 32 bytes by now; not looked at. */
	u64 exception[16];
	unsigned long hva;
	gpa_t gpa;
	int got;

	gpa = nexus_kvm_fns.gva_to_gpa_write(vcpu, gva, exception);
	if (gpa == INVALID_GPA)
		return -EFAULT;
	/* An error value for what no slot backs, and for read-only slots. */
	*gfn = gpa_to_gfn(gpa);
	hva = nexus_kvm_fns.vcpu_gfn_to_hva(vcpu, *gfn);
	if (kvm_is_error_hva(hva))
		return -EFAULT;
	/* The vCPU's thread runs in the VMM's address space. */
	got = pin_user_pages_fast(hva, 1, FOLL_WRITE | FOLL_LONGTERM, page);
	if (got == 1)
		return 0;
	/* A lack of memory is not the caller's mistake. */
	return got == -ENOMEM ? -ENOMEM : -EFAULT;
}

/* One page of another process, whose mmap_lock is held. */
static long nexus_kvm_pin_remote(struct mm_struct *mm, unsigned long hva, struct page **page)
{
	const unsigned int flags = FOLL_WRITE | FOLL_LONGTERM;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return pin_user_pages_remote(mm, hva, 1, flags, page, NULL);
#else
	return pin_user_pages_remote(mm, hva, 1, flags, page, NULL, NULL);
#endif
}

int nexus_kvm_pin_frames(struct kvm *kvm, const u64 *gfns, int count, struct page **pages)
{
	struct mm_struct *mm = kvm->mm;
	unsigned long hva;
	long got = -EFAULT;
	int i, idx;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	/* As in a hypercall: KVM's SRCU, which keeps the slots, then mmap_lock. */
	idx = srcu_read_lock(&kvm->srcu);
	if (mmap_read_lock_killable(mm)) {
		srcu_read_unlock(&kvm->srcu, idx);
		mmput_async(mm);
		return -EINTR;
	}
	for (i = 0; i < count; i++) {
		hva = nexus_kvm_fns.gfn_to_hva(kvm, gfns[i]);
		got = kvm_is_error_hva(hva) ? -EFAULT : nexus_kvm_pin_remote(mm, hva, &pages[i]);
		if (got != 1)
			break;
	}
	mmap_read_unlock(mm);
	srcu_read_unlock(&kvm->srcu, idx);
	/* The last user of an address space takes it down: not under our caller's lock. */
	mmput_async(mm);
	if (i)
		return i;
	return got == -ENOMEM || got == -EINTR ? got : -EFAULT;
}

bool nexus_kvm_can_halt(const struct kvm_vcpu *vcpu)
{
	return vcpu->arch.apic;
}

void nexus_kvm_halt_prepare(struct kvm_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->arch.pv.pv_unhalted, false);
}

void nexus_kvm_halt(struct kvm_vcpu *vcpu)
{
	vcpu->arch.mp_state = KVM_MP_STATE_HALTED;
}

/* By whether a vCPU waits when it is put, and when loaded, KVM sets up its posted interrupts. */
static void nexus_kvm_reload(struct kvm_vcpu *vcpu)
{
	nexus_kvm_fns.vcpu_put(vcpu);
	nexus_kvm_fns.vcpu_load(vcpu);
}

/*
 * What kvm_vcpu_block() does, without its look at kvm_cpu_has_pending_timer(): a timer
 * that expired is only counted, until KVM makes an interrupt of it on the way
 * back into the guest. Any other event makes a halted vCPU runnable.
 */
void nexus_kvm_idle(struct kvm_vcpu *vcpu, unsigned int ms)
	__must_hold(&vcpu->kvm->srcu)
{
	struct rcuwait *wait = kvm_arch_vcpu_get_wait(vcpu);
	long left = msecs_to_jiffies(ms);

	kvm_vcpu_srcu_read_unlock(vcpu);
	vcpu->arch.mp_state = KVM_MP_STATE_HALTED;
	prepare_to_rcuwait(wait);
	nexus_kvm_reload(vcpu);
	while (left) {
		/* Pairs with the barrier of rcuwait_wake_up(). */
		set_current_state(TASK_INTERRUPTIBLE);
		if (nexus_kvm_fns.vcpu_runnable(vcpu) || signal_pending(current))
			break;
		left = schedule_timeout(left);
	}
	finish_rcuwait(wait);
	nexus_kvm_reload(vcpu);
	vcpu->arch.mp_state = KVM_MP_STATE_RUNNABLE;
	nexus_kvm_halt_prepare(vcpu);
	kvm_vcpu_srcu_read_lock(vcpu);
}

void nexus_kvm_wake(struct kvm *kvm, unsigned int vcpu_index)
{
	struct kvm_vcpu *vcpu = kvm_get_vcpu(kvm, vcpu_index);

	if (!vcpu)
		return;
	/* As KVM's own KICK_CPU does; ordered before the request by its barrier. */
	WRITE_ONCE(vcpu->arch.pv.pv_unhalted, true);
	kvm_make_request(KVM_REQ_UNBLOCK, vcpu);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	nexus_kvm_fns.kick(vcpu, false);
#else
	nexus_kvm_fns.kick(vcpu);
#endif
}
