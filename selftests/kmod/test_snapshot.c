// SPDX-License-Identifier: GPL-2.0-only
/*
 * A snapshot in the middle of WAIT: the vCPU's state and the memory saved while
 * it is halted, and restored into another VM. The copy is nobody's until it is
 * adopted by itself, and the original goes on.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hostile.h"
#include "nexus.h"
#include "vmm.h"

#define LIMIT 64U

/* What a VMM saves of a vCPU like ours. */
struct state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp;
};

static int device;

static void on_signal(int nr)
{
	(void)nr;
}

static void save(const struct vmm_vcpu *vcpu, struct state *state)
{
	/* The MP state first, as QEMU does: asking for it may change the events. */
	if (ioctl(vcpu->fd, KVM_GET_MP_STATE, &state->mp) || ioctl(vcpu->fd, KVM_GET_REGS, &state->regs) ||
	    ioctl(vcpu->fd, KVM_GET_SREGS, &state->sregs) || ioctl(vcpu->fd, KVM_GET_FPU, &state->fpu) ||
	    ioctl(vcpu->fd, KVM_GET_LAPIC, &state->lapic) ||
	    ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &state->events))
		tap_bail("saving a vCPU");
}

static void restore(const struct vmm_vcpu *vcpu, struct state *state)
{
	if (ioctl(vcpu->fd, KVM_SET_REGS, &state->regs) || ioctl(vcpu->fd, KVM_SET_SREGS, &state->sregs) ||
	    ioctl(vcpu->fd, KVM_SET_FPU, &state->fpu) || ioctl(vcpu->fd, KVM_SET_LAPIC, &state->lapic) ||
	    ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &state->events) || ioctl(vcpu->fd, KVM_SET_MP_STATE, &state->mp))
		tap_bail("restoring a vCPU");
}

/* An adopted VM with a channel, its first page mapped by the daemon. */
static struct nexus_ring_header *start(struct vmm *vmm, int *handle, uint32_t *id)
{
	struct nexus_ring_header *header;

	vmm_open(vmm, 1, MAP_PRIVATE);
	*handle = nexus_adopt(device, vmm->vm, LIMIT, id);
	if (*handle < 0 || vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0) ||
	    vmm_call(vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 1) != 1)
		tap_bail("a channel");
	header = nexus_map(*handle, 0, 0, 1);
	if (!header)
		tap_bail("map");
	return header;
}

static void publish(struct nexus_ring_header *header, int handle)
{
	__atomic_fetch_add(&header->cq_tail, 1, __ATOMIC_SEQ_CST);
	ioctl(handle, NEXUS_IOC_NOTIFY, 0);
}

/* Signals until one has met KVM_RUN. */
#define TICK_US 200000

static int64_t wait_interrupted(struct vmm *vmm)
{
	int64_t result;

	ualarm(TICK_US, TICK_US);
	result = vmm_call(vmm, 0, NEXUS_HC_WAIT, 0, 0, 0);
	ualarm(0, 0);
	return result;
}

static int64_t resume_interrupted(struct vmm *vmm)
{
	int64_t result;

	ualarm(TICK_US, TICK_US);
	result = vmm_resume(vmm, 0);
	ualarm(0, 0);
	return result;
}

static void *resume_thread(void *vmm)
{
	return (void *)vmm_resume(vmm, 0);
}

/* The copy: what it is answered, adopted or not, and that it stays by itself. */
static void test_copy(struct vmm *copy, uint32_t original)
{
	int64_t pinned = nexus_counter(original, NEXUS_A_VM_PINNED_PAGES), handle;
	uint32_t id;

	tap_is(vmm_call(copy, 0, NEXUS_HC_WAIT, 0, 0, 0), -EACCES, "its next WAIT is -EACCES: it is not adopted");
	tap_is(vmm_call(copy, 0, NEXUS_HC_KICK, 0, 0, 0), -EACCES, "so is KICK");
	tap_is(vmm_call(copy, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 1), -EACCES, "and SHARE");
	tap_is(vmm_call(copy, 0, NEXUS_HC_PROBE, 0, 0, 0), NEXUS_ABI_VERSION, "PROBE answers");
	handle = nexus_adopt(device, copy->vm, LIMIT, &id);
	tap_ok(handle >= 0, "it can be adopted");
	tap_is(vmm_call(copy, 0, NEXUS_HC_WAIT, 0, 0, 0), -EBADF, "the channel it remembers is not open in it");
	tap_is(vmm_call(copy, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0), 0, "it opens one of its own");
	tap_is(vmm_call(copy, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 1), 1, "and shares its own page");
	tap_is(nexus_counter(original, NEXUS_A_VM_PINNED_PAGES), pinned, "none of which is the original's");
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
}

static void test_halted(void)
{
	struct nexus_ring_header *header;
	struct vmm vmm, copy;
	struct state state;
	pthread_t thread;
	void *result;
	uint32_t id;
	int handle;

	header = start(&vmm, &handle, &id);
	tap_is(wait_interrupted(&vmm), VMM_INTERRUPTED, "a vCPU is stopped in the middle of WAIT");
	save(&vmm.vcpus[0], &state);
	tap_is(state.mp.mp_state, KVM_MP_STATE_HALTED, "and saved as halted");
	tap_is(state.regs.rax, 0, "with the call's result in RAX already");

	vmm_open(&copy, 1, MAP_PRIVATE);
	memcpy(copy.memory, vmm.memory, VMM_MEMORY);
	restore(&copy.vcpus[0], &state);
	tap_is(resume_interrupted(&copy), VMM_INTERRUPTED, "its copy in another VM halts too");
	publish(header, handle);
	tap_is(resume_interrupted(&copy), VMM_INTERRUPTED, "a NOTIFY to the original does not wake it");
	tap_is(vmm_resume(&vmm, 0), 0, "it wakes the original, which goes on");
	/* An interrupt, as a guest with a timer has it, ends the copy's halt. */
	state.mp.mp_state = KVM_MP_STATE_RUNNABLE;
	if (ioctl(copy.vcpus[0].fd, KVM_SET_MP_STATE, &state.mp))
		tap_bail("KVM_SET_MP_STATE");
	tap_is(vmm_resume(&copy, 0), 0, "an interrupt ends the copy's halt");
	test_copy(&copy, id);
	vmm_close(&copy);

	tap_is(vmm_call(&vmm, 0, NEXUS_HC_KICK, 0, 0, 0), 0, "the original still kicks");
	header->cq_tail = 0;
	tap_is(wait_interrupted(&vmm), VMM_INTERRUPTED, "and waits");
	pthread_create(&thread, NULL, resume_thread, &vmm);
	publish(header, handle);
	pthread_join(thread, &result);
	tap_is((int64_t)result, 0, "and is woken");
	ioctl(handle, NEXUS_IOC_RELEASE);
	munmap(header, NEXUS_PAGE_SIZE);
	close(handle);
	vmm_close(&vmm);
}

/* A wake-up that came between the stop and the save is in the saved state. */
static void test_woken(void)
{
	struct nexus_ring_header *header;
	struct vmm vmm, copy;
	struct state state;
	uint32_t id;
	int handle;

	header = start(&vmm, &handle, &id);
	tap_is(wait_interrupted(&vmm), VMM_INTERRUPTED, "another is stopped in WAIT");
	publish(header, handle);
	save(&vmm.vcpus[0], &state);
	tap_is(state.mp.mp_state, KVM_MP_STATE_RUNNABLE, "woken meanwhile, it is saved as running");
	vmm_open(&copy, 1, MAP_PRIVATE);
	memcpy(copy.memory, vmm.memory, VMM_MEMORY);
	restore(&copy.vcpus[0], &state);
	tap_is(vmm_resume(&copy, 0), 0, "its copy goes on at once");
	tap_is(vmm_resume(&vmm, 0), 0, "so does the original");

	/* Back into the VM that it is from, as when a VMM pauses or steps back. */
	header->cq_tail = 0;
	tap_is(wait_interrupted(&vmm), VMM_INTERRUPTED, "stopped in WAIT once more");
	save(&vmm.vcpus[0], &state);
	restore(&vmm.vcpus[0], &state);
	tap_is(resume_interrupted(&vmm), VMM_INTERRUPTED, "restored in its own VM it halts on");
	publish(header, handle);
	tap_is(vmm_resume(&vmm, 0), 0, "and is woken");
	ioctl(handle, NEXUS_IOC_RELEASE);
	munmap(header, NEXUS_PAGE_SIZE);
	close(handle);
	vmm_close(&copy);
	vmm_close(&vmm);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };	/* no SA_RESTART */

	device = nexus_device();
	sigaction(SIGALRM, &action, NULL);
	test_halted();
	test_woken();
	tap_ok(all_unpinned(), "the kernel has released every page it ever pinned");
	return tap_done();
}
