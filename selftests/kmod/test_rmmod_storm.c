// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmmod while calls storm in: refused or clean. A call gets our answer or KVM's
 * own, as if it had come before or after.
 *
 * The kernel patches the hooked function's first bytes under the storm. QEMU's
 * emulation by several threads may keep one on a stale translation of the
 * breakpoint that stands there meanwhile, for ever: a soft lockup that is the
 * emulator's. So run-tests gives this test a virtual host of one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hostile.h"
#include "module.h"
#include "nexus.h"
#include "vmm.h"

#define VCPUS 3U
#define CALLS 100U

static bool stop;
static struct vmm vmm;

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_ACQUIRE);
}

struct guest {
	pthread_t thread;
	unsigned int vcpu;
	uint64_t random;
	unsigned long ours, kvms, strange;
};

static void check_result(struct guest *guest, const struct vmm_batch_call *call, unsigned int cpl)
{
	uint64_t kind = call->nr - NEXUS_HC_BASE;

	if (call->result == (cpl ? -1 : -1000))
		guest->kvms++;
	else if (kind < 16 && call->result == (kind ? -EACCES : NEXUS_ABI_VERSION))
		guest->ours++;
	else if (!guest->strange++)
		printf("# CPL %u: %#llx = %lld\n", cpl, (unsigned long long)call->nr, (long long)call->result);
}

static void *guest_thread(void *arg)
{
	struct guest *guest = arg;
	struct vmm_batch_call *calls = vmm_batch(&vmm, guest->vcpu);

	while (!stopped()) {
		unsigned int cpl = random_below(&guest->random, 2) * 3;

		for (unsigned int i = 0; i < CALLS; i++)
			calls[i] = (struct vmm_batch_call){
				.nr = NEXUS_HC_BASE + random_below(&guest->random, 18),
				.args = { random_below(&guest->random, 4), VMM_DATA, 1 },
			};
		vmm_run_batch(&vmm, guest->vcpu, cpl, CALLS);
		for (unsigned int i = 0; i < CALLS; i++)
			check_result(guest, &calls[i], cpl);
	}
	return NULL;
}

/* A daemon that adopts a VM now and then; rmmod has to fit in between. */
static void *adopter_thread(void *adopted)
{
	struct vmm other;

	vmm_open(&other, 1, MAP_PRIVATE);
	while (!stopped()) {
		int device = open(NEXUS_DEV_PATH, O_RDWR | O_CLOEXEC);
		int handle = device < 0 ? -1 : nexus_adopt(device, other.vm, 64, NULL);

		if (handle >= 0) {
			vmm_call(&other, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
			vmm_call(&other, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 4);
			++*(unsigned long *)adopted;
			ioctl(handle, NEXUS_IOC_RELEASE);
			close(handle);
		}
		if (device >= 0)
			close(device);
		usleep(100000);
	}
	vmm_close(&other);
	return NULL;
}

static void test_storm(uint64_t seed)
{
	const unsigned int rounds = full_length() ? 50 : 8;
	unsigned int removed = 0, refused = 0, strange = 0;
	struct guest guests[VCPUS], sum = { 0 };
	double start = seconds(), removing = 0;
	unsigned long adopted = 0;
	pthread_t adopter;

	stop = false;
	vmm_open(&vmm, VCPUS, MAP_PRIVATE);
	for (unsigned int i = 0; i < VCPUS; i++) {
		guests[i] = (struct guest){ .vcpu = i, .random = seed + i };
		pthread_create(&guests[i].thread, NULL, guest_thread, &guests[i]);
	}
	pthread_create(&adopter, NULL, adopter_thread, &adopted);
	while (removed < rounds && !strange) {
		double before = seconds();
		int ret = module_try_remove("nexus_kvm");

		refused += ret == -EWOULDBLOCK;
		if (ret == -EWOULDBLOCK) {
			usleep(2000);
			continue;
		}
		removed += !ret;
		removing += seconds() - before;
		strange += ret || module_load();
		usleep(random_below(&seed, 20000));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < VCPUS; i++) {
		join_or_fail(guests[i].thread, "a vCPU");
		sum.ours += guests[i].ours;
		sum.kvms += guests[i].kvms;
		sum.strange += guests[i].strange;
	}
	join_or_fail(adopter, "the adopter");
	tap_is(strange, 0, "rmmod is refused or succeeds, and insmod succeeds");
	tap_ok(removed == rounds, "%u times, while calls storm in", removed);
	tap_is(sum.strange, 0, "each call is answered by us or by KVM");
	tap_ok(sum.ours && sum.kvms, "both happened");
	printf("# rmmod %u times in %.1f s, %.1f s of it removing; refused %u times\n", removed, seconds() - start,
	       removing, refused);
	printf("# %lu answers are ours, %lu KVM's; %lu adoptions\n", sum.ours, sum.kvms, adopted);
	vmm_close(&vmm);
}

int main(void)
{
	uint64_t seed = random_seed();

	close(nexus_device());
	test_storm(seed);
	tap_ok(all_unpinned(), "the kernel has released every page it ever pinned");
	return tap_done();
}
