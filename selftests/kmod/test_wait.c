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

	while (!__atomic_load_n((bool *)stop, __ATOMIC_ACQUIRE)) {
		seen = __atomic_load_n(&header->cq_tail, __ATOMIC_ACQUIRE);
		/* Tells the publisher to go on, while we are on our way to the halt. */
		__atomic_store_n(&header->cq_head, seen, __ATOMIC_RELEASE);
		if (wait_for(0, seen))
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
	int rounds;

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
	}
	tap_is(rounds, ROUNDS, "no wake-up is lost in 2000 rounds");
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
	tap_ok(nexus_counter(id, NEXUS_A_VM_WAKES) > 0, "wakes are counted");
	ioctl(handle, NEXUS_IOC_RELEASE);
	munmap(header, 2 * 4096);
	close(handle);
	vmm_close(&vmm);
	return tap_done();
}
