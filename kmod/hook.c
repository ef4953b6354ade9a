// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hook: calls with our numbers go to nexus_hypercall() in place of KVM's
 * handler. KVM refuses hypercalls from user mode inside that handler, so we
 * have to come first. SVM and VMX both pass through this function.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>

#include "compat.h"
#include "hook.h"
#include "hypercall.h"
#include "kvm.h"
#include "kvm_inline.h"

#define NEXUS_HOOK_FUNCTION "kvm_emulate_hypercall"

/*
 * Both of these see every hypercall of every VM, and pass on those with numbers
 * that are not ours: nexus_hook_trampoline() in five instructions
 * (selftests/kmod/hook-cost); nexus_hook_enter(), while others trace the
 * function too, in six after those of ftrace's own trampoline.
 */
asmlinkage void nexus_hook_trampoline(void);

static void notrace nexus_hook_enter(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	const struct kvm_vcpu *vcpu = (void *)nexus_compat_arg0(fregs);

	if (unlikely(nexus_kvm_has_our_number(vcpu)) && nexus_kvm_is_ours(vcpu))
		nexus_compat_redirect(fregs, nexus_hypercall);
}

/*
 * IPMODIFY excludes a second redirection of the function (a live patch of it).
 * PERMANENT: sysctl kernel.ftrace_enabled=0 must not detach guests in flight.
 */
static struct ftrace_ops nexus_hook_ops = {
	.func = nexus_hook_enter,
	.trampoline = (unsigned long)nexus_hook_trampoline,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
};

int nexus_hook_register(void)
{
	int err;

	err = ftrace_set_filter(&nexus_hook_ops, NEXUS_HOOK_FUNCTION,
				strlen(NEXUS_HOOK_FUNCTION), 1);
	if (err) {
		pr_err("cannot trace " NEXUS_HOOK_FUNCTION ": %d\n", err);
		return err;
	}
	err = register_ftrace_function(&nexus_hook_ops);
	if (err) {
		pr_err("cannot hook " NEXUS_HOOK_FUNCTION ": %d\n", err);
		if (err == -EBUSY)
			pr_err("a live patch or another module redirects it, or kernel.ftrace_enabled is 0\n");
		ftrace_free_filter(&nexus_hook_ops);
	}
	return err;
}

void nexus_hook_unregister(void)
{
	/* Waits for every task to leave the trampoline and what it jumped to. */
	unregister_ftrace_function(&nexus_hook_ops);
	ftrace_free_filter(&nexus_hook_ops);
	synchronize_rcu_tasks();
}
