// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random hypercalls, from user and kernel mode, from all vCPUs at once, while a
 * daemon notifies, maps, unmaps, frees and is replaced. Each answer is one that
 * the ABI knows, each call is counted, no vCPU stays halted, nothing stays
 * pinned. NEXUS_SEED repeats a run's calls (not its timing).
 */
#include <errno.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hostile.h"
#include "nexus.h"
#include "vmm.h"

#define VCPUS 4U
#define LIMIT 1000U
#define MAPS 64U
#define BATCH 100U	/* calls; a multiple of VCPUS batches is made */
#define KINDS 17U	/* the range's numbers, and all others */
#define KVM_EPERM_RESULT (-1)
#define KVM_ENOSYS_RESULT (-1000)

static struct vmm vmm;
static int device, handle;
static uint32_t id;
static bool stop;
static pthread_rwlock_t handle_lock = PTHREAD_RWLOCK_INITIALIZER;

struct guest {
	pthread_t thread;
	unsigned int vcpu, batches;
	uint64_t random;
	uint64_t calls[KINDS], refused, foreign, strange;
};

static struct guest guests[VCPUS];

/* What a number may answer below zero. */
static const int errors[7][8] = {
	[NEXUS_HC_OPEN - NEXUS_HC_BASE] = { EPROTONOSUPPORT, EMFILE, ENOMEM },
	[NEXUS_HC_SHARE - NEXUS_HC_BASE] = { EINVAL, EFAULT, ENOSPC, EBADF, ENOMEM, EINTR },
	[NEXUS_HC_UNSHARE - NEXUS_HC_BASE] = { EINVAL, EBADF },
	[NEXUS_HC_KICK - NEXUS_HC_BASE] = { EBADF },
	[NEXUS_HC_WAIT - NEXUS_HC_BASE] = { EBADF, ENXIO },
	[NEXUS_HC_CLOSE - NEXUS_HC_BASE] = { EBADF },
};

/* And the most that it may answer. */
static const int64_t most[7] = { NEXUS_ABI_VERSION, NEXUS_MAX_CHANNELS - 1, LIMIT, 0, 0, 0, 0 };

static bool result_ok(const struct vmm_batch_call *call, unsigned int cpl)
{
	uint64_t kind = call->nr - NEXUS_HC_BASE;

	if (kind >= NEXUS_HC_END - NEXUS_HC_BASE)
		return call->result == (cpl ? KVM_EPERM_RESULT : KVM_ENOSYS_RESULT);
	if (kind >= NEXUS_HC_COUNT)
		return call->result == -ENOSYS;
	if (call->result >= 0)
		return call->result <= most[kind] && (kind || call->result == most[kind]);
	for (unsigned int i = 0; i < 8 && errors[kind][i]; i++)
		if (call->result == -errors[kind][i])
			return true;
	return false;
}

/* Kinds by how often they come: so that channels live a while. */
static const unsigned char kinds[] = { 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 5, 5, 6 };

static uint64_t random_nr(uint64_t *r)
{
	switch (random_below(r, 16)) {
	case 0:
		return NEXUS_HC_BASE - 16 + random_below(r, 48);
	case 1:		/* ours, but for the upper half */
		return NEXUS_HC_BASE + random_below(r, 16) + ((1 + random_below(r, 1 << 20)) << 32);
	case 2:		/* never one of KVM's own */
		return random_next(r) | 1UL << 40;
	default:
		return NEXUS_HC_BASE + kinds[random_below(r, ARRAY_SIZE(kinds))];
	}
}

static uint64_t random_edge(uint64_t *r)
{
	static const uint64_t edges[] = {
		0, 1, 15, 16, 17, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001,
		INT64_MAX, 1UL << 63, UINT64_MAX, UINT64_MAX - 4095, 0x7ffffffff000, 0x800000000000,
		0xffff800000000000, 0xffffffff80000000,
	};

	return random_below(r, 4) ? edges[random_below(r, ARRAY_SIZE(edges))] : random_next(r);
}

static uint64_t random_channel(uint64_t *r)
{
	return random_below(r, 12) ? random_below(r, NEXUS_MAX_CHANNELS) : random_edge(r);
}

static uint64_t random_address(uint64_t *r)
{
	static const uint64_t special[] = {
		VMM_READONLY, VMM_READONLY - 4096, VMM_KERNEL, VMM_KERNEL - 4096, VMM_UNMAPPED,
		VMM_NO_SLOT, VMM_NO_SLOT - 4096, VMM_MEMORY - 4096, VMM_DATA + 8, VMM_DATA + 4095,
	};

	switch (random_below(r, 8)) {
	case 0:
		return special[random_below(r, ARRAY_SIZE(special))];
	case 1:
		return random_edge(r);
	default:
		return VMM_DATA + random_below(r, 0x100) * 4096;
	}
}

static uint64_t random_pages(uint64_t *r)
{
	static const uint64_t special[] = { 0, 512, 513, 1UL << 32, (1UL << 32) + 1, 1UL << 52, UINT64_MAX };

	switch (random_below(r, 16)) {
	case 0:
		return special[random_below(r, ARRAY_SIZE(special))];
	case 1:
		return random_below(r, 200);
	default:
		return 1 + random_below(r, 4);
	}
}

static struct vmm_batch_call random_call(uint64_t *r)
{
	struct vmm_batch_call call = {
		.nr = random_nr(r),
		.args = { random_channel(r), random_edge(r), random_edge(r) },
		.result = 0x5555555555555555,
	};

	switch (call.nr) {
	case NEXUS_HC_OPEN:
		call.args[0] = random_below(r, 8) ? NEXUS_ABI_VERSION : random_edge(r);
		break;
	case NEXUS_HC_SHARE:
		call.args[1] = random_address(r);
		call.args[2] = random_pages(r);
		break;
	case NEXUS_HC_UNSHARE:
		call.args[1] = random_below(r, 4) ? random_below(r, 16) : random_edge(r);
		break;
	case NEXUS_HC_WAIT:	/* pages are zero: most of these halt */
		call.args[1] = random_below(r, 4) ? 0 : random_edge(r);
		call.args[0] |= random_below(r, 4) ? 0 : NEXUS_WAIT_KICK;
		break;
	}
	return call;
}

static void check_batch(struct guest *guest, const struct vmm_batch_call *calls, unsigned int cpl)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		uint64_t kind = calls[i].nr - NEXUS_HC_BASE;

		if (kind < KINDS - 1) {
			guest->calls[kind]++;
			guest->refused += calls[i].result < 0;
		} else {
			guest->foreign++;
		}
		if (!result_ok(&calls[i], cpl) && !guest->strange++)
			printf("# CPL %u: %#llx(%#llx, %#llx, %#llx) = %lld\n", cpl,
			       (unsigned long long)calls[i].nr, (unsigned long long)calls[i].args[0],
			       (unsigned long long)calls[i].args[1], (unsigned long long)calls[i].args[2],
			       (long long)calls[i].result);
	}
}

static void *guest_thread(void *arg)
{
	struct guest *guest = arg;
	struct vmm_batch_call calls[BATCH];

	for (unsigned int batch = 0; batch < guest->batches; batch++) {
		unsigned int cpl = random_below(&guest->random, 2) * 3;

		for (unsigned int i = 0; i < BATCH; i++)
			calls[i] = random_call(&guest->random);
		memcpy(vmm_batch(&vmm, guest->vcpu), calls, sizeof(calls));
		if (vmm_run_batch(&vmm, guest->vcpu, cpl, BATCH) == VMM_INTERRUPTED)
			tap_bail("a signal");
		for (unsigned int i = 0; i < BATCH; i++)
			calls[i].result = vmm_batch(&vmm, guest->vcpu)[i].result;
		check_batch(guest, calls, cpl);
	}
	return NULL;
}

/* Whoever halts is woken sooner or later: the daemon is alive. */
static void *notify_thread(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		pthread_rwlock_rdlock(&handle_lock);
		for (unsigned long nr = 0; nr < NEXUS_MAX_CHANNELS; nr++)
			ioctl(handle, NEXUS_IOC_NOTIFY, nr);
		pthread_rwlock_unlock(&handle_lock);
		usleep(500);
	}
	return NULL;
}

struct map {
	void *at;
	size_t size;
};

struct daemon {
	uint64_t random;
	struct map maps[MAPS];
	unsigned long mapped, freed, attached, restored, strange;
};

static void daemon_unmap(struct map *map)
{
	if (map->at)
		munmap(map->at, map->size);
	map->at = NULL;
}

/* Map a grant, in the place of one mapped earlier. */
static void daemon_map(struct daemon *daemon)
{
	struct nexus_grant list[32];
	struct nexus_grants grants = {
		.channel = random_below(&daemon->random, NEXUS_MAX_CHANNELS + 1),
		.capacity = 32, .grants = (uintptr_t)list,
	};
	struct map *map = &daemon->maps[random_below(&daemon->random, MAPS)];
	struct nexus_grant *grant;

	daemon_unmap(map);
	if (ioctl(handle, NEXUS_IOC_GRANTS, &grants)) {
		daemon->strange += errno != EBADF;
		return;
	}
	if (!grants.count)
		return;
	grant = &list[random_below(&daemon->random, grants.count < 32 ? grants.count : 32)];
	map->at = nexus_map(handle, grants.channel, grant->first, grant->pages);
	map->size = grant->pages * NEXUS_PAGE_SIZE;
	if (map->at) {
		daemon->mapped++;
		(void)*(volatile char *)(map->at + map->size - 1);
	} else {
		/* The guest may have changed the arena by now. */
		daemon->strange += errno != ENOENT && errno != EINVAL;
	}
}

static void daemon_free(struct daemon *daemon)
{
	if (!ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, random_below(&daemon->random, NEXUS_MAX_CHANNELS + 1)))
		daemon->freed++;
	else
		daemon->strange += errno != EBADF && errno != EBUSY;
}

/* A channel as out of a snapshot, of frames that may be anything. */
static void daemon_restore(struct daemon *daemon)
{
	uint64_t *r = &daemon->random, frames[64];
	struct nexus_grant grants[4];
	struct nexus_restore restore = {
		.channel = random_below(r, NEXUS_MAX_CHANNELS + 1), .count = 1 + random_below(r, 4),
		.grants = (uintptr_t)grants, .frames = (uintptr_t)frames,
	};
	uint32_t first = random_below(r, 8) == 0;

	for (unsigned int i = 0; i < 4; i++) {
		grants[i] = (struct nexus_grant){ first, random_below(r, 16) ? 1 + random_below(r, 4) : random_edge(r) };
		first += grants[i].pages;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i] = random_below(r, 64) ? (VMM_DATA >> 12) + random_below(r, 0x100) : random_edge(r);
	if (!ioctl(handle, NEXUS_IOC_RESTORE, &restore))
		daemon->restored++;
	else
		daemon->strange += errno != EEXIST && errno != EINVAL && errno != EFAULT && errno != ENOSPC;
}

/* The daemon ends, with all its mappings; the next one takes over. */
static void daemon_replace(struct daemon *daemon)
{
	for (unsigned int i = 0; i < MAPS; i++)
		daemon_unmap(&daemon->maps[i]);
	pthread_rwlock_wrlock(&handle_lock);
	close(handle);
	handle = nexus_attach(device, id);
	if (handle < 0)
		tap_bail("attach");
	pthread_rwlock_unlock(&handle_lock);
	daemon->attached++;
}

static void *daemon_thread(void *arg)
{
	struct daemon *daemon = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		switch (random_below(&daemon->random, 64)) {
		case 0:
			daemon_replace(daemon);
			break;
		case 1 ... 8:
			nexus_events(handle, 0);
			break;
		case 9 ... 12:
			daemon_restore(daemon);
			break;
		case 13 ... 16:
			daemon_unmap(&daemon->maps[random_below(&daemon->random, MAPS)]);
			break;
		case 17 ... 40:
			daemon_free(daemon);
			break;
		default:
			daemon_map(daemon);
		}
	}
	for (unsigned int i = 0; i < MAPS; i++)
		daemon_unmap(&daemon->maps[i]);
	return NULL;
}

static void run_guests(uint64_t seed)
{
	const unsigned int batches = (full_length() ? 1000000 : 20000) / BATCH / VCPUS;
	struct daemon daemon = { .random = seed };
	pthread_t notifier, server;
	uint64_t strange = 0;

	pthread_create(&notifier, NULL, notify_thread, NULL);
	pthread_create(&server, NULL, daemon_thread, &daemon);
	for (unsigned int i = 0; i < VCPUS; i++) {
		guests[i] = (struct guest){ .vcpu = i, .batches = batches, .random = seed + 1 + i };
		pthread_create(&guests[i].thread, NULL, guest_thread, &guests[i]);
	}
	for (unsigned int i = 0; i < VCPUS; i++)
		join_or_fail(guests[i].thread, "a vCPU");
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join_or_fail(server, "the daemon");
	join_or_fail(notifier, "the notifier");
	for (unsigned int i = 0; i < VCPUS; i++)
		strange += guests[i].strange;
	tap_is(strange, 0, "every call of four vCPUs answers as the ABI says");
	tap_is(daemon.strange, 0, "and every call of the daemon");
	printf("# %u calls; the daemon mapped %lu grants, freed %lu channels, restored %lu, was replaced %lu times\n",
	       batches * VCPUS * BATCH, daemon.mapped, daemon.freed, daemon.restored, daemon.attached);
	tap_ok(daemon.mapped && daemon.freed && daemon.attached && daemon.restored, "the daemon had work");
}

static void check_counters(void)
{
	uint64_t calls[KINDS] = { 0 }, unknown = 0, refused = 0, sum = 0;
	bool equal = true;

	for (unsigned int i = 0; i < VCPUS; i++) {
		for (unsigned int kind = 0; kind < KINDS; kind++)
			calls[kind] += guests[i].calls[kind];
		refused += guests[i].refused;
	}
	for (unsigned int kind = 0; kind < KINDS - 1; kind++) {
		sum += calls[kind];
		if (kind >= NEXUS_HC_COUNT)
			unknown += calls[kind];
		else if (nexus_counter(id, NEXUS_A_VM_PROBE + kind) != (int64_t)calls[kind])
			equal = false;
	}
	tap_ok(equal, "each kind of call was counted exactly");
	tap_is(nexus_counter(id, NEXUS_A_VM_UNKNOWN), unknown, "so was the unknown");
	tap_is(nexus_counter(id, NEXUS_A_VM_REFUSED), refused, "and the refused");
	printf("# %llu calls in the range, %llu refused, %lld halts, %lld wakes\n", (unsigned long long)sum,
	       (unsigned long long)refused, (long long)nexus_counter(id, NEXUS_A_VM_HALTS),
	       (long long)nexus_counter(id, NEXUS_A_VM_WAKES));
}

int main(void)
{
	uint64_t seed = random_seed();

	device = nexus_device();
	vmm_open(&vmm, VCPUS, MAP_PRIVATE);
	handle = nexus_adopt(device, vmm.vm, LIMIT, &id);
	if (handle < 0)
		tap_bail("adopt");
	run_guests(seed);
	check_counters();
	for (unsigned long nr = 0; nr < NEXUS_MAX_CHANNELS; nr++) {
		vmm_call(&vmm, 0, NEXUS_HC_CLOSE, nr, 0, 0);
		ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, nr);
	}
	tap_is(nexus_counter(id, NEXUS_A_VM_CHANNELS), 0, "afterwards every channel closes");
	tap_is(nexus_counter_wait(id, NEXUS_A_VM_PINNED_PAGES, 0), 0, "nothing is pinned");
	for (unsigned int i = 0; i < VCPUS; i++)
		tap_is(vmm_call(&vmm, i, NEXUS_HC_PROBE, 0, 0, 0), NEXUS_ABI_VERSION, "a vCPU still answers");
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
	vmm_close(&vmm);
	tap_ok(all_unpinned(), "the kernel has released every page it ever pinned");
	return tap_done();
}
