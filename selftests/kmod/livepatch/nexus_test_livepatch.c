// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live patch of KVM for test_livepatch: of kvm_get_kvm(), which nexus_kvm
 * calls too, or, with hooked=1, of kvm_emulate_hypercall(), which it hooks.
 */
#include <linux/kvm_host.h>
#include <linux/kprobes.h>
#include <linux/livepatch.h>
#include <linux/module.h>

static bool hooked;
module_param(hooked, bool, 0444);
MODULE_PARM_DESC(hooked, "patch kvm_emulate_hypercall in place of kvm_get_kvm");

static unsigned int calls;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "how often the patched function ran");

static int (*skip)(struct kvm_vcpu *vcpu);

/* Does what the original does. */
static void patched_get_kvm(struct kvm *kvm)
{
	calls++;
	refcount_inc(&kvm->users_count);
}

/* Answers all with a number of its own. */
static int patched_emulate_hypercall(struct kvm_vcpu *vcpu)
{
	calls++;
	vcpu->arch.regs[VCPU_REGS_RAX] = -777;
	return skip(vcpu);
}

static struct klp_func funcs[] = {
	{ .old_name = "kvm_get_kvm", .new_func = patched_get_kvm },
	{ }
};

static struct klp_object objects[] = {
	{ .name = "kvm", .funcs = funcs },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init livepatch_init(void)
{
	struct kprobe probe = {
		.symbol_name = "kvm_skip_emulated_instruction", .flags = KPROBE_FLAG_DISABLED,
	};
	int err;

	err = register_kprobe(&probe);
	if (err)
		return err;
	skip = (void *)probe.addr;
	unregister_kprobe(&probe);
#ifdef CONFIG_X86_KERNEL_IBT
	if (*(u32 *)((unsigned long)skip - ENDBR_INSN_SIZE) == gen_endbr())
		skip = (void *)skip - ENDBR_INSN_SIZE;
#endif
	if (hooked) {
		funcs[0].old_name = "kvm_emulate_hypercall";
		funcs[0].new_func = patched_emulate_hypercall;
	}
	return klp_enable_patch(&patch);
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION("A live patch of KVM, for a test");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
