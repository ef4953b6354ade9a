// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls: from registers to the function that serves one, and back.
 * Runs in the vCPU's thread, with its mutex and KVM's SRCU held.
 */
#include <linux/kernel.h>
#include <linux/rcupdate.h>

#include "channel.h"
#include "grant.h"
#include "hypercall.h"
#include "kvm.h"
#include "trace.h"
#include "vm.h"

/* Calls that may sleep: the VM is held by a reference. */
static s64 nexus_hypercall_slow(struct kvm_vcpu *vcpu, struct nexus_vm *vm,
				const struct nexus_kvm_call *call)
{
	switch (call->nr) {
	case NEXUS_HC_OPEN:
		return nexus_channel_open(vm, call->args[0]);
	case NEXUS_HC_SHARE:
		return nexus_channel_share(vm, vcpu, call->args[0], call->args[1], call->args[2]);
	case NEXUS_HC_UNSHARE:
		return nexus_channel_unshare(vm, call->args[0], call->args[1]);
	case NEXUS_HC_CLOSE:
		return nexus_channel_close(vm, call->args[0]);
	}
	return -ENOSYS;
}

/* What is to come once the call is finished. */
struct nexus_hypercall_end {
	bool halt;
	unsigned int idle;	/* ms for which the vCPU's timer does not end the halt */
};

/* The owner of another channel may sleep by that timer, and the caller cannot know. */
static unsigned int nexus_hypercall_idle(struct nexus_vm *vm, u64 ms)
{
	return nexus_channel_count(vm) == 1 ? min_t(u64, ms, NEXUS_IDLE_MAX) : 0;
}

static s64 nexus_hypercall_dispatch(struct kvm_vcpu *vcpu, const struct nexus_kvm_call *call,
				    struct nexus_hypercall_end *end)
{
	struct nexus_vm *vm;
	s64 ret;

	if (call->nr == NEXUS_HC_PROBE)
		ret = NEXUS_ABI_VERSION;
	else
		ret = -EACCES;

	rcu_read_lock();
	vm = nexus_vm_find(nexus_kvm_of(vcpu));
	if (!vm) {
		rcu_read_unlock();
		return ret;
	}
	switch (call->nr) {
	case NEXUS_HC_PROBE:
		break;
	case NEXUS_HC_KICK:
		ret = nexus_channel_kick(vm, call->args[0]);
		break;
	case NEXUS_HC_WAIT:
		ret = nexus_channel_wait(vm, vcpu, call->args[0], call->args[1], &end->halt);
		if (end->halt && call->args[2])
			end->idle = nexus_hypercall_idle(vm, call->args[2]);
		break;
	default:
		ret = nexus_vm_get(vm) ? 0 : -EACCES;
		if (ret)
			break;
		rcu_read_unlock();
		ret = nexus_hypercall_slow(vcpu, vm, call);
		nexus_vm_count_call(vm, call->nr, ret);
		nexus_vm_put(vm);
		return ret;
	}
	nexus_vm_count_call(vm, call->nr, ret);
	rcu_read_unlock();
	return ret;
}

int nexus_hypercall(struct kvm_vcpu *vcpu)
{
	struct nexus_hypercall_end end = {};
	struct nexus_kvm_call call;
	s64 ret;
	int next;

	nexus_kvm_read_call(vcpu, &call);
	ret = nexus_hypercall_dispatch(vcpu, &call, &end);
	trace_nexus_hypercall(nexus_kvm_of(vcpu), &call, ret);
	next = nexus_kvm_finish_call(vcpu, ret);
	/* Not where KVM has to leave to user space first; WAIT may return early. */
	if (!end.halt || next <= 0)
		return next;
	if (end.idle)
		nexus_kvm_idle(vcpu, end.idle);
	else
		nexus_kvm_halt(vcpu);
	return next;
}
