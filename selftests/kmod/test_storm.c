// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storms: all vCPUs KICK, WAIT, or call at random, as fast as they can, while
 * signals arrive, vCPUs are paused or added, and the VM is released and adopted.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hostile.h"
#include "nexus.h"
#include "vmm.h"

#define VCPUS 4U
#define LIMIT 256U
#define PAUSE_US 2000U	/* the slow daemon's, between reads */

static int device;
static bool stop;

struct guest {
	pthread_t thread;
	struct vmm *vmm;
	unsigned int vcpu, batches, calls;
	void (*fill)(struct guest *guest, struct vmm_batch_call *calls);
	bool (*ok)(const struct vmm_batch_call *call);
	uint64_t random;
	unsigned int done, strange, interrupted;
};

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_ACQUIRE);
}

/* Signals may come at any time; a vCPU that one interrupted pauses now and then. */
static void run_batch(struct guest *guest)
{
	struct kvm_mp_state state;
	int64_t ret = vmm_run_batch(guest->vmm, guest->vcpu, 3, guest->calls);

	while (ret == VMM_INTERRUPTED) {
		guest->interrupted++;
		if (!random_below(&guest->random, 8)) {
			if (ioctl(guest->vmm->vcpus[guest->vcpu].fd, KVM_GET_MP_STATE, &state))
				tap_bail("KVM_GET_MP_STATE");
			usleep(random_below(&guest->random, 2000));
			/* As after a restore: still halted, unless it is known to be awake. */
			if (ioctl(guest->vmm->vcpus[guest->vcpu].fd, KVM_SET_MP_STATE, &state))
				tap_bail("KVM_SET_MP_STATE");
		}
		ret = vmm_resume(guest->vmm, guest->vcpu);
	}
}

static void *guest_thread(void *arg)
{
	struct guest *guest = arg;
	struct vmm_batch_call *calls = vmm_batch(guest->vmm, guest->vcpu);

	while (guest->done < guest->batches && !stopped()) {
		guest->fill(guest, calls);
		run_batch(guest);
		for (unsigned int i = 0; i < guest->calls; i++) {
			if (guest->ok(&calls[i]) || guest->strange++)
				continue;
			printf("# %#llx(%lld, %#llx, %#llx) = %lld\n", (unsigned long long)calls[i].nr,
			       (long long)calls[i].args[0], (unsigned long long)calls[i].args[1],
			       (unsigned long long)calls[i].args[2], (long long)calls[i].result);
		}
		__atomic_fetch_add(&guest->done, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void fill_kicks(struct guest *guest, struct vmm_batch_call *calls)
{
	for (unsigned int i = 0; i < guest->calls; i++)
		calls[i] = (struct vmm_batch_call){ .nr = NEXUS_HC_KICK, .result = 1 };
}

/* The pages are zero: each halts until it is woken. */
static void fill_waits(struct guest *guest, struct vmm_batch_call *calls)
{
	for (unsigned int i = 0; i < guest->calls; i++)
		calls[i] = (struct vmm_batch_call){ .nr = NEXUS_HC_WAIT, .result = 1 };
}

static bool is_zero(const struct vmm_batch_call *call)
{
	return !call->result;
}

/* What a well-behaved guest would call, in no order. */
static void fill_any(struct guest *guest, struct vmm_batch_call *calls)
{
	uint64_t *r = &guest->random;

	for (unsigned int i = 0; i < guest->calls; i++) {
		struct vmm_batch_call *call = &calls[i];

		*call = (struct vmm_batch_call){
			.nr = NEXUS_HC_BASE + random_below(r, NEXUS_HC_COUNT),
			.args = { random_below(r, 4), 0, 0 },
			.result = INT64_MAX,
		};
		if (call->nr == NEXUS_HC_OPEN)
			call->args[0] = NEXUS_ABI_VERSION;
		if (call->nr == NEXUS_HC_UNSHARE)
			call->args[1] = random_below(r, 8);
		if (call->nr == NEXUS_HC_SHARE) {
			call->args[1] = VMM_DATA + random_below(r, 128) * NEXUS_PAGE_SIZE;
			call->args[2] = 1 + random_below(r, 4);
		}
	}
}

static bool any_ok(const struct vmm_batch_call *call)
{
	if (call->nr == NEXUS_HC_PROBE)
		return call->result == NEXUS_ABI_VERSION;
	switch (call->result) {
	case 0 ... LIMIT:
	case -EACCES:
		return true;
	case -EBADF:
		return call->nr != NEXUS_HC_OPEN;
	case -EMFILE:
		return call->nr == NEXUS_HC_OPEN;
	case -EINVAL:
		return call->nr == NEXUS_HC_UNSHARE;
	case -ENOSPC:
		return call->nr == NEXUS_HC_SHARE;
	case -ENXIO:
		return call->nr == NEXUS_HC_WAIT;
	}
	return false;
}

static void guests_start(struct guest *guests, unsigned int n, const struct guest *like)
{
	for (unsigned int i = 0; i < n; i++) {
		guests[i] = *like;
		guests[i].vcpu = i;
		guests[i].random += i;
		pthread_create(&guests[i].thread, NULL, guest_thread, &guests[i]);
	}
}

static void guests_join(struct guest *guests, unsigned int n, const char *what)
{
	unsigned int strange = 0;

	for (unsigned int i = 0; i < n; i++) {
		join_or_fail(guests[i].thread, "a vCPU");
		strange += guests[i].strange;
	}
	tap_is(strange, 0, what);
}

static unsigned int guests_done(struct guest *guests, unsigned int n)
{
	unsigned int done = 0;

	for (unsigned int i = 0; i < n; i++)
		done += __atomic_load_n(&guests[i].done, __ATOMIC_ACQUIRE);
	return done;
}

static int vm_start(struct vmm *vmm, unsigned int vcpus, uint32_t *id)
{
	int handle;

	vmm_open(vmm, vcpus, MAP_PRIVATE);
	handle = nexus_adopt(device, vmm->vm, LIMIT, id);
	if (handle < 0)
		tap_bail("adopt");
	if (vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0) ||
	    vmm_call(vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 1) != 1)
		tap_bail("a channel");
	nexus_events(handle, 0);
	return handle;
}

static void vm_end(struct vmm *vmm, int handle)
{
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
	vmm_close(vmm);
}

struct reader {
	int handle;
	unsigned int pause_us;
	unsigned long wakeups, records, empty;
};

static void *reader_thread(void *arg)
{
	struct reader *reader = arg;
	struct pollfd pollfd = { .fd = reader->handle, .events = POLLIN };
	struct nexus_event events[NEXUS_MAX_CHANNELS + 1];
	ssize_t n;

	while (!stopped()) {
		if (poll(&pollfd, 1, 10) != 1)
			continue;
		reader->wakeups++;
		n = read(reader->handle, events, sizeof(events));
		if (n > 0)
			reader->records += n / sizeof(events[0]);
		else
			reader->empty++;
		if (reader->pause_us)
			usleep(reader->pause_us);
	}
	return NULL;
}

static void test_kicks(unsigned int pause_us, unsigned int batches)
{
	const struct guest like = { .batches = batches, .calls = 200, .fill = fill_kicks, .ok = is_zero };
	const unsigned long kicks = (unsigned long)VCPUS * batches * like.calls;
	struct guest guests[VCPUS], mine = like;
	struct reader reader = { .pause_us = pause_us };
	struct vmm vmm;
	struct pollfd pollfd = { .events = POLLIN };
	pthread_t thread;
	double start;
	uint32_t id;
	int handle = vm_start(&vmm, VCPUS, &id);

	stop = false;
	reader.handle = pollfd.fd = handle;
	mine.vmm = &vmm;
	start = seconds();
	pthread_create(&thread, NULL, reader_thread, &reader);
	guests_start(guests, VCPUS, &mine);
	guests_join(guests, VCPUS, "a storm of KICKs from four vCPUs");
	start = seconds() - start;
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_or_fail(thread, "the daemon");
	tap_is(nexus_counter(id, NEXUS_A_VM_KICK), kicks, "each is counted");
	printf("# %lu kicks in %.1f s; a daemon that rests %u us woke %lu times, read %lu events: %lu kicks per read\n",
	       kicks, start, pause_us, reader.wakeups, reader.records, kicks / (reader.wakeups ? reader.wakeups : 1));
	tap_ok(reader.wakeups && reader.records == reader.wakeups - reader.empty,
	       "a read finds one event, however many kicks there were");
	/* Kicks never make it run more often than it chooses to. */
	tap_ok(!pause_us || reader.wakeups <= start * 1e6 / pause_us + 2, "the daemon sets its own pace");
	nexus_events(handle, 0);
	tap_is(poll(&pollfd, 1, 0), 0, "after a last read the handle is quiet");
	vm_end(&vmm, handle);
}

static void on_signal(int nr)
{
	(void)nr;
}

static void *notify_thread(void *handle)
{
	while (!stopped()) {
		ioctl(*(int *)handle, NEXUS_IOC_NOTIFY, 0);
		sched_yield();
	}
	return NULL;
}

/* WAIT everywhere, NOTIFY all the time, signals at any moment. */
static void test_waits(uint64_t seed, unsigned int batches)
{
	struct vmm vmm;
	const struct guest like = {
		.vmm = &vmm, .batches = batches, .calls = 50, .random = seed, .fill = fill_waits, .ok = is_zero,
	};
	struct guest guests[VCPUS];
	pthread_t notifier;
	unsigned int interrupted = 0;
	int64_t halts, wakes;
	uint32_t id;
	int handle = vm_start(&vmm, VCPUS, &id);
	double start = seconds();

	stop = false;
	guests_start(guests, VCPUS, &like);
	pthread_create(&notifier, NULL, notify_thread, &handle);
	while (guests_done(guests, VCPUS) < VCPUS * batches && seconds() - start < HANG_S) {
		pthread_kill(guests[random_below(&seed, VCPUS)].thread, SIGUSR1);
		usleep(random_below(&seed, 500));
	}
	guests_join(guests, VCPUS, "WAIT from four vCPUs under NOTIFYs and signals loses no wake-up");
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_or_fail(notifier, "the notifier");
	for (unsigned int i = 0; i < VCPUS; i++)
		interrupted += guests[i].interrupted;
	halts = nexus_counter(id, NEXUS_A_VM_HALTS);
	wakes = nexus_counter(id, NEXUS_A_VM_WAKES);
	printf("# %lld halts, %lld wakes, %u interrupted by a signal, %lld NOTIFYs\n", (long long)halts,
	       (long long)wakes, interrupted, (long long)nexus_counter(id, NEXUS_A_VM_NOTIFIES));
	tap_is(halts, VCPUS * batches * like.calls, "each WAIT halted its vCPU");
	tap_ok(wakes > 0 && wakes <= halts, "a vCPU is woken once for each halt at most");
	tap_ok(interrupted, "signals interrupted some");
	vm_end(&vmm, handle);
}

/* Scribbles on what is shared, all the while: as another thread of the guest would. */
static void *scribble_thread(void *memory)
{
	uint64_t random = 1;

	while (!stopped())
		*(volatile uint32_t *)((char *)memory + random_below(&random, NEXUS_PAGE_SIZE / 4) * 4) = random;
	return NULL;
}

/* Calls of all kinds on a channel whose ring and slots change under the host. */
static void test_scribbled(uint64_t seed, unsigned int batches)
{
	struct vmm vmm;
	const struct guest like = {
		.vmm = &vmm, .batches = batches, .calls = 100, .random = seed, .fill = fill_any, .ok = any_ok,
	};
	struct guest guests[VCPUS];
	pthread_t notifier, scribbler;
	uint32_t id;
	int handle = vm_start(&vmm, VCPUS, &id);

	stop = false;
	pthread_create(&scribbler, NULL, scribble_thread, vmm.memory + VMM_DATA);
	pthread_create(&notifier, NULL, notify_thread, &handle);
	guests_start(guests, VCPUS, &like);
	for (unsigned int i = 0; guests_done(guests, VCPUS) < VCPUS * batches && i < HANG_S * 1000; i++) {
		for (unsigned int nr = 0; nr < NEXUS_MAX_CHANNELS; nr++) {
			ioctl(handle, NEXUS_IOC_NOTIFY, nr);
			ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, nr);
		}
		usleep(1000);
	}
	guests_join(guests, VCPUS, "calls on a ring that is scribbled on answer as the ABI says");
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_or_fail(notifier, "the notifier");
	join_or_fail(scribbler, "the scribbler");
	vm_end(&vmm, handle);
}

/* Nobody notifies: a vCPU that halts is woken by the end of the adoption. */
static void test_release(uint64_t seed, unsigned int rounds)
{
	struct vmm vmm;
	const struct guest like = {
		.vmm = &vmm, .batches = UINT32_MAX, .calls = 100, .random = seed, .fill = fill_any, .ok = any_ok,
	};
	struct guest guests[VCPUS];
	unsigned int failed = 0;
	uint32_t id;

	stop = false;
	vmm_open(&vmm, VCPUS, MAP_PRIVATE);
	guests_start(guests, VCPUS, &like);
	for (unsigned int i = 0; i < rounds; i++) {
		int handle = nexus_adopt(device, vmm.vm, LIMIT, &id);
		void *map;

		if (handle < 0) {
			failed++;
			continue;
		}
		usleep(random_below(&seed, 3000));
		map = nexus_map(handle, 0, 0, 1);
		nexus_events(handle, 0);
		ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, random_below(&seed, 4));
		if (random_below(&seed, 4) == 0) {	/* by way of the next daemon */
			if (map)
				munmap(map, NEXUS_PAGE_SIZE);
			map = NULL;
			close(handle);
			handle = nexus_attach(device, id);
			failed += handle < 0;
		}
		ioctl(handle, NEXUS_IOC_RELEASE);
		if (map)
			munmap(map, NEXUS_PAGE_SIZE);
		close(handle);
		usleep(random_below(&seed, 500));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	guests_join(guests, VCPUS, "calls while the VM is adopted and released answer as the ABI says");
	tap_is(failed, 0, "each adoption succeeds");
	printf("# %u adoptions under %u calls\n", rounds, guests_done(guests, VCPUS) * like.calls);
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_KICK, 0, 0, 0), -EACCES, "afterwards the VM is nobody's");
	vmm_close(&vmm);
}

/* A channel freed by the daemon leaves nobody halted on it. */
static void *wait_once(void *vmm)
{
	vmm_call(vmm, 1, NEXUS_HC_WAIT, 0, 0, 0);
	return NULL;
}

static void test_freed_channel(void)
{
	struct vmm vmm;
	pthread_t waiter;
	uint32_t id;
	int handle = vm_start(&vmm, 2, &id);

	pthread_create(&waiter, NULL, wait_once, &vmm);
	nexus_counter_wait(id, NEXUS_A_VM_HALTS, 1);
	vmm_call(&vmm, 0, NEXUS_HC_CLOSE, 0, 0, 0);
	tap_is(ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, 0), 0, "a channel is freed while a vCPU waits on it");
	join_or_fail(waiter, "the WAIT");
	tap_ok(true, "the vCPU is woken");
	vm_end(&vmm, handle);
}

static void test_hot_plug(uint64_t seed, unsigned int rounds)
{
	struct guest guests[VCPUS];
	unsigned int strange = 0;

	for (unsigned int round = 0; round < rounds; round++) {
		struct vmm vmm;
		pthread_t notifier;
		uint32_t id;
		int handle = vm_start(&vmm, 1, &id);

		stop = false;
		pthread_create(&notifier, NULL, notify_thread, &handle);
		for (unsigned int i = 0; i < VCPUS; i++) {
			guests[i] = (struct guest){
				.vmm = &vmm, .vcpu = i, .batches = 10, .calls = 20, .random = seed + i,
				.fill = i % 2 ? fill_waits : fill_kicks, .ok = is_zero,
			};
			if (i)
				vmm_add_vcpu(&vmm);
			pthread_create(&guests[i].thread, NULL, guest_thread, &guests[i]);
		}
		for (unsigned int i = 0; i < VCPUS; i++) {
			join_or_fail(guests[i].thread, "a vCPU");
			strange += guests[i].strange;
		}
		__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
		join_or_fail(notifier, "the notifier");
		vm_end(&vmm, handle);
	}
	tap_is(strange, 0, "vCPUs added while others call and wait do the same");
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };	/* no SA_RESTART */
	const unsigned int times = full_length() ? 20 : 1;
	uint64_t seed = random_seed();

	device = nexus_device();
	sigaction(SIGUSR1, &action, NULL);
	test_kicks(PAUSE_US, 25 * times);
	test_kicks(0, 10 * times);
	test_waits(seed, 8 * times);
	test_scribbled(seed + 50, 20 * times);
	test_freed_channel();
	test_release(seed + 100, 100 * times);
	test_hot_plug(seed + 200, 3 * times);
	tap_ok(all_unpinned(), "the kernel has released every page it ever pinned");
	return tap_done();
}
