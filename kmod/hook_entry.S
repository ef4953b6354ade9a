/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the hooked function's first instruction calls while nobody else traces
 * it: ftrace lets an ops bring a trampoline of its own. The one that ftrace
 * would make saves and restores what any function may need; this function's
 * needs are known. It has one argument, in RDI, and every other register that a
 * call may change is free.
 *
 * With a second user of the function, ftrace calls its general trampoline, and
 * that calls nexus_hook_enter() (hook.c), which does the same as this.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/frame.h>

#include "kvm_offsets.h"

	.text

/* Called directly, whatever ftrace_ops says: no indirect call has to land here. */
SYM_START(nexus_hook_trampoline, SYM_L_GLOBAL, SYM_A_ALIGN)
	ANNOTATE_NOENDBR
	movq	NEXUS_VCPU_RAX(%rdi), %rax
	subq	$NEXUS_HC_FIRST, %rax
	cmpq	$NEXUS_HC_NUMBERS, %rax
	jb	.Lours
	RET
.Lours:
	FRAME_BEGIN
	pushq	%rdi
	call	nexus_kvm_is_ours
	popq	%rdi
	FRAME_END
	testb	%al, %al
	jz	.Lreturn
	/* Not back into KVM's function, but to the start of ours. */
	leaq	nexus_hypercall(%rip), %rax
	movq	%rax, (%rsp)
.Lreturn:
	RET
SYM_FUNC_END(nexus_hook_trampoline)
