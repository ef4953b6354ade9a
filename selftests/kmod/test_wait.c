// SPDX-License-Identifier: GPL-2.0-only
/* WAIT and NOTIFY: a vCPU halts, is woken, and no wake-up is lost. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../tap.h"
#include "nexus.h"
#include "vmm.h"

#define ROUNDS 2000

static struct vmm vmm;
static struct nexus_ring_header *header;	/* the daemon's mapping */
static int handle;
static uint32_t id;

static int64_t wait_for(unsigned int vcpu, uint32_t seen)
{
	return vmm_call(&vmm, vcpu, NEXUS_HC_WAIT, 0, seen, 0);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void publish(void)
{
	__atomic_fetch_add(&header->cq_tail, 1, __ATOMIC_SEQ_CST);
	ioctl(handle, NEXUS_IOC_NOTIFY, 0);
}

static void *publish_later(void *unused)
{
	(void)unused;
	usleep(200000);
	publish();
	return NULL;
}

static void on_signal(int nr)
{
	(void)nr;
}

static void test_halt(void)
{
	pthread_t thread;
	double start = seconds();

	pthread_create(&thread, NULL, publish_later, NULL);
	tap_is(wait_for(0, header->cq_tail), 0, "WAIT returns after a NOTIFY");
	tap_ok(seconds() - start > 0.15, "and not before it");
	pthread_join(thread, NULL);
}

static void *wait_thread(void *vcpu)
{
	return (void *)wait_for((uintptr_t)vcpu, 0);
}

static void test_all_vcpus(void)
{
	pthread_t threads[4];
	void *result;
	long sum = 0;

	header->cq_tail = 0;
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, wait_thread, (void *)i);
	usleep(300000);
	publish();
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		sum += (long)result;
	}
	tap_is(sum, 0, "one NOTIFY wakes every vCPU that waits");
}

static void test_signal(void)
{
	struct sigaction action = { .sa_handler = on_signal };	/* no SA_RESTART */
	pthread_t thread;

	sigaction(SIGALRM, &action, NULL);
	ualarm(100000, 0);
	tap_is(wait_for(0, header->cq_tail), VMM_INTERRUPTED, "a signal interrupts a halted vCPU");
	pthread_create(&thread, NULL, publish_later, NULL);
	tap_is(vmm_resume(&vmm, 0), 0, "which halts on, until it is woken");
	pthread_join(thread, NULL);
}

static void *waiter(void *stop)
{
	uint32_t seen;
	bool idle = false;

	while (!__atomic_load_n((bool *)stop, __ATOMIC_ACQUIRE)) {
		seen = __atomic_load_n(&header->cq_tail, __ATOMIC_ACQUIRE);
		idle = !idle;
		/* Tells the publisher to go on, while we are on our way to the halt. */
		__atomic_store_n(&header->cq_head, seen, __ATOMIC_RELEASE);
		if (vmm_call(&vmm, 0, NEXUS_HC_WAIT, 0, seen, idle ? NEXUS_IDLE_MAX : 0))
			break;
	}
	return NULL;
}

/* Each publishes when the other has seen the last: one lost wake-up stops both. */
static void test_no_lost_wakeup(void)
{
	bool stop = false;
	pthread_t thread;
	double start = seconds();
	int rounds, slow = 0;

	header->cq_tail = header->cq_head = 0;
	pthread_create(&thread, NULL, waiter, &stop);
	for (rounds = 0; rounds < ROUNDS && seconds() - start < 60; rounds++) {
		double round_start = seconds();

		/* Spread over the window between the look and the halt. */
		for (volatile int i = 0; i < rounds * 7 % 5000; i++)
			;
		publish();
		while ((int32_t)(__atomic_load_n(&header->cq_head, __ATOMIC_ACQUIRE) - header->cq_tail) < 0 &&
		       seconds() - round_start < 10)
			sched_yield();
		if (seconds() - round_start >= 10)
			break;
		slow += seconds() - round_start > 0.9;
	}
	tap_is(rounds, ROUNDS, "no wake-up is lost in 2000 rounds");
	/* An idle WAIT that lost one ends by its time; the machine itself may stand still once. */
	tap_ok(slow <= 2, "nor in those of them that are idle (%d were slow)", slow);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	publish();
	pthread_join(thread, NULL);
}

static void test_kick(void)
{
	struct pollfd pollfd = { .fd = handle, .events = POLLIN };

	nexus_events(handle, 0);
	tap_is(poll(&pollfd, 1, 0), 0, "the handle is quiet");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_KICK, 0, 0, 0), 0, "KICK");
	tap_is(poll(&pollfd, 1, 0), 1, "makes it readable");
	vmm_call(&vmm, 0, NEXUS_HC_KICK, 0, 0, 0);
	tap_is(nexus_events(handle, 0), NEXUS_EVENT_KICKED, "many kicks are one event");
	tap_is(poll(&pollfd, 1, 0), 0, "reading quietens it");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_WAIT, NEXUS_WAIT_KICK, header->cq_tail + 1, 0), 0, "WAIT may kick");
	tap_is(nexus_events(handle, 0), NEXUS_EVENT_KICKED, "even if there is nothing to wait for");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_WAIT, NEXUS_WAIT_KICK | 9, 0, 0), -EBADF, "but only on an open channel");
	wait_for(0, header->cq_tail + 1);
	tap_is(nexus_events(handle, 0), 0, "and only if it is to");
}

/* The daemon's part: an answer once it was kicked. */
static void *answer_kick(void *unused)
{
	struct pollfd pollfd = { .fd = handle, .events = POLLIN };

	(void)unused;
	while (poll(&pollfd, 1, -1) != 1)
		;
	nexus_events(handle, 0);
	publish();
	return NULL;
}

static void test_kick_and_halt(void)
{
	uint64_t halts = nexus_counter(id, NEXUS_A_VM_HALTS);
	pthread_t thread;

	pthread_create(&thread, NULL, answer_kick, NULL);
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_WAIT, NEXUS_WAIT_KICK, header->cq_tail, 0), 0, "WAIT that kicks returns with the answer");
	pthread_join(thread, NULL);
	tap_is(nexus_counter(id, NEXUS_A_VM_HALTS), halts + 1, "and halted for it");
}

static int64_t idle_for(unsigned int ms)
{
	return vmm_call(&vmm, 0, NEXUS_HC_WAIT, 0, header->cq_tail, ms);
}

static void test_idle(void)
{
	uint64_t halts = nexus_counter(id, NEXUS_A_VM_HALTS);
	double start = seconds();
	pthread_t thread;

	tap_is(idle_for(300), 0, "an idle WAIT returns");
	tap_ok(seconds() - start > 0.25, "when its time is over");
	tap_is(nexus_counter(id, NEXUS_A_VM_HALTS), halts + 1, "and is a halt");
	start = seconds();
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_WAIT, 0, header->cq_tail, UINT64_MAX), 0, "for ever");
	tap_ok(seconds() - start > 0.9, "is NEXUS_IDLE_MAX (%.1f s)", seconds() - start);
	pthread_create(&thread, NULL, publish_later, NULL);
	start = seconds();
	tap_is(idle_for(60000), 0, "a NOTIFY ends it");
	tap_ok(seconds() - start > 0.15 && seconds() - start < 0.9, "at once");
	pthread_join(thread, NULL);
	ualarm(100000, 0);
	start = seconds();
	tap_is(idle_for(60000), VMM_INTERRUPTED, "so does a signal");
	tap_ok(seconds() - start < 0.9, "at once");
	tap_is(vmm_resume(&vmm, 0), 0, "and the guest goes on behind its call");
	tap_is(wait_for(0, header->cq_tail + 1), 0, "the next WAIT is as ever");
}

/* A VM of its own: what interrupts its guest shuts it down. */
struct interrupted {
	struct vmm vmm;
	struct nexus_ring_header *header;
	int handle;
};

static void interrupted_open(struct interrupted *i, int device)
{
	uint32_t vm_id;

	vmm_open(&i->vmm, 1, MAP_PRIVATE);
	i->handle = nexus_adopt(device, i->vmm.vm, 64, &vm_id);
	if (i->handle < 0)
		tap_bail("adopt");
	vmm_call(&i->vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	vmm_call(&i->vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 2);
	i->header = nexus_map(i->handle, 0, 0, 2);
	if (!i->header)
		tap_bail("map");
}

static void interrupted_close(struct interrupted *i)
{
	ioctl(i->handle, NEXUS_IOC_RELEASE);
	munmap(i->header, 2 * 4096);
	close(i->handle);
	vmm_close(&i->vmm);
}

/* Its timer expires after 100 ms: when does a WAIT that is idle for so long end? */
static double timer_ends(int device, unsigned int channels, unsigned int idle_ms)
{
	struct interrupted i;
	double start;

	interrupted_open(&i, device);
	while (--channels)
		vmm_call(&i.vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	i.vmm.interruptible = true;
	vmm_start_apic(&i.vmm, 0, 100000);
	start = seconds();
	tap_is(vmm_call(&i.vmm, 0, NEXUS_HC_WAIT, 0, i.header->cq_tail, idle_ms), VMM_SHUT_DOWN,
	       "the timer's interrupt comes in the end");
	start = seconds() - start;
	interrupted_close(&i);
	return start;
}

static void *interrupt_later(void *arg)
{
	usleep(200000);
	vmm_interrupt(arg);
	return NULL;
}

static void test_interrupts(int device)
{
	struct interrupted i;
	pthread_t thread;
	double took;

	took = timer_ends(device, 1, 0);
	tap_ok(took > 0.05 && took < 0.5, "a timer ends a WAIT (%.2f s)", took);
	took = timer_ends(device, 1, 700);
	tap_ok(took > 0.65, "but not one that is idle (%.2f s)", took);
	took = timer_ends(device, 2, 700);
	tap_ok(took > 0.05 && took < 0.5, "unless the VM has another channel (%.2f s)", took);

	interrupted_open(&i, device);
	i.vmm.interruptible = true;
	vmm_start_apic(&i.vmm, 0, 0);
	pthread_create(&thread, NULL, interrupt_later, &i.vmm);
	took = seconds();
	tap_is(vmm_call(&i.vmm, 0, NEXUS_HC_WAIT, 0, i.header->cq_tail, NEXUS_IDLE_MAX), VMM_SHUT_DOWN,
	       "an interrupt of another source");
	took = seconds() - took;
	tap_ok(took > 0.15 && took < 0.9, "ends it at once (%.2f s)", took);
	pthread_join(thread, NULL);
	interrupted_close(&i);
}

int main(void)
{
	int device = nexus_device();

	vmm_open(&vmm, 4, MAP_PRIVATE);
	handle = nexus_adopt(device, vmm.vm, 64, &id);
	if (handle < 0)
		tap_bail("adopt");
	vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	tap_is(wait_for(0, 0), -ENXIO, "WAIT before the control pages are shared is -ENXIO");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_WAIT, 9, 0, 0), -EBADF, "WAIT on a channel that is not open is -EBADF");
	vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 2);
	header = nexus_map(handle, 0, 0, 2);
	if (!header)
		tap_bail("map");
	tap_is(wait_for(0, header->cq_tail + 1), 0, "WAIT for what already happened returns at once");
	tap_is(nexus_counter(id, NEXUS_A_VM_HALTS), 0, "without halting");
	test_kick();
	test_halt();
	test_kick_and_halt();
	test_signal();
	test_all_vcpus();
	test_no_lost_wakeup();
	test_idle();
	test_interrupts(device);
	tap_ok(nexus_counter(id, NEXUS_A_VM_WAKES) > 0, "wakes are counted");
	ioctl(handle, NEXUS_IOC_RELEASE);
	munmap(header, 2 * 4096);
	close(handle);
	vmm_close(&vmm);
	return tap_done();
}
