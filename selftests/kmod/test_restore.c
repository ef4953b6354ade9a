// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots: FRAMES says where an arena lies in a guest's memory, RESTORE makes
 * the channel anew in a VM whose memory is a copy, before a vCPU of it ran.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tap.h"
#include "nexus.h"
#include "vmm.h"

#define LIMIT	64U
#define CHANNEL	1U
#define SECOND	0x10000UL	/* of the second grant, behind the first */

static const struct nexus_grant pieces[] = { { 0, 2 }, { 2, 3 } };
static uint64_t frames[5];

static int restore_as(int handle, uint32_t channel, const struct nexus_grant *grants, uint32_t count,
		      const uint64_t *gfns)
{
	struct nexus_restore restore = {
		.channel = channel, .count = count, .grants = (uintptr_t)grants, .frames = (uintptr_t)gfns,
	};

	return ioctl(handle, NEXUS_IOC_RESTORE, &restore) ? -errno : 0;
}

static int get_frames(int handle, uint32_t channel, uint64_t *gfns, uint32_t capacity, uint32_t *count)
{
	struct nexus_frames list = { .channel = channel, .capacity = capacity, .frames = (uintptr_t)gfns };
	int ret = ioctl(handle, NEXUS_IOC_FRAMES, &list) ? -errno : 0;

	*count = list.count;
	return ret;
}

/* The template: channel 1, of two pieces, and a completion that waits. */
static void test_frames(struct vmm *vmm, int handle)
{
	struct nexus_ring_header *header = (void *)(vmm->memory + VMM_DATA);
	uint64_t few[2] = { 0, 0 };
	uint32_t count;

	vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	tap_is(vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0), CHANNEL, "the template opens channel 1");
	vmm_call(vmm, 0, NEXUS_HC_SHARE, CHANNEL, VMM_DATA, 2);
	tap_is(vmm_call(vmm, 0, NEXUS_HC_SHARE, CHANNEL, VMM_DATA + SECOND, 3), 5, "and shares two pieces");
	header->cq_tail = 7;
	strcpy(vmm->memory + VMM_DATA + SECOND, "in the template");

	tap_is(get_frames(handle, CHANNEL, frames, 5, &count), 0, "FRAMES");
	tap_is(count, 5, "tells five pages");
	tap_ok(frames[0] == VMM_DATA >> 12 && frames[1] == (VMM_DATA >> 12) + 1, "the first piece's");
	tap_ok(frames[2] == (VMM_DATA + SECOND) >> 12 && frames[4] == ((VMM_DATA + SECOND) >> 12) + 2,
	       "and the second's");
	tap_is(get_frames(handle, CHANNEL, few, 1, &count), 0, "FRAMES with too little room");
	tap_ok(count == 5 && few[0] == frames[0] && !few[1], "tells how much it takes, and writes no more");
	tap_is(get_frames(handle, 9, few, 1, &count), -EBADF, "FRAMES of a channel that is not open");
	tap_is(get_frames(handle, CHANNEL, (uint64_t *)8, 1, &count), -EFAULT, "FRAMES into nowhere");
	tap_is(get_frames(handle, 0, few, 1, &count), 0, "FRAMES of a channel without an arena");
	tap_is(count, 0, "tells none");
}

static void test_refusals(int handle, uint32_t id)
{
	static const struct nexus_grant gap[] = { { 0, 2 }, { 3, 2 } }, empty[] = { { 0, 0 } };
	static const struct nexus_grant huge[] = { { 0, NEXUS_SHARE_MAX_PAGES + 1 } }, late[] = { { 1, 1 } };
	static const struct nexus_grant all[] = { { 0, LIMIT + 1 } };
	uint64_t bad[5];

	tap_is(restore_as(handle, NEXUS_MAX_CHANNELS, pieces, 2, frames), -EINVAL, "a number beyond the last");
	tap_is(restore_as(handle, CHANNEL, pieces, 0, frames), -EINVAL, "no grants");
	tap_is(restore_as(handle, CHANNEL, gap, 2, frames), -EINVAL, "a gap between grants");
	tap_is(restore_as(handle, CHANNEL, late, 1, frames), -EINVAL, "an arena that does not begin at 0");
	tap_is(restore_as(handle, CHANNEL, empty, 1, frames), -EINVAL, "an empty grant");
	tap_is(restore_as(handle, CHANNEL, huge, 1, frames), -EINVAL, "a grant larger than SHARE makes");
	tap_is(restore_as(handle, CHANNEL, all, 1, frames), -ENOSPC, "more than the VM's limit");
	tap_is(restore_as(handle, CHANNEL, pieces, UINT32_MAX, frames), -ENOSPC, "more grants than pages may be");
	tap_is(restore_as(handle, CHANNEL, (void *)8, 2, frames), -EFAULT, "grants out of nowhere");
	tap_is(restore_as(handle, CHANNEL, pieces, 2, (void *)8), -EFAULT, "frames out of nowhere");
	memcpy(bad, frames, sizeof(bad));
	bad[4] = VMM_NO_SLOT >> 12;
	tap_is(restore_as(handle, CHANNEL, pieces, 2, bad), -EFAULT, "a frame with no memory behind it");
	bad[4] = UINT64_MAX;
	tap_is(restore_as(handle, CHANNEL, pieces, 2, bad), -EFAULT, "a frame number that is none");
	bad[4] = (VMM_MEMORY >> 12) + 0x100;
	tap_is(restore_as(handle, CHANNEL, pieces, 2, bad), -EFAULT, "a frame of a read-only slot");
	tap_is(nexus_counter(id, NEXUS_A_VM_PINNED_PAGES), 0, "nothing of those is pinned");
}

static void test_clone(struct vmm *vmm, struct vmm *template, int handle, uint32_t id)
{
	char *control, *data;

	tap_is(restore_as(handle, CHANNEL, pieces, 2, frames), 0, "RESTORE, before a vCPU ran");
	tap_is(nexus_counter(id, NEXUS_A_VM_PINNED_PAGES), 5, "pins the arena");
	tap_is(nexus_events(handle, CHANNEL),
	       NEXUS_EVENT_OPENED | NEXUS_EVENT_ARENA | NEXUS_EVENT_KICKED, "and tells the daemon");
	tap_is(restore_as(handle, CHANNEL, pieces, 2, frames), -EEXIST, "a second time is refused");
	control = nexus_map(handle, CHANNEL, 0, 2);
	data = nexus_map(handle, CHANNEL, 2, 3);
	tap_ok(control && data, "both pieces can be mapped");
	tap_ok(data && !strcmp(data, "in the template"), "what the template left is there");
	strcpy(data, "fetched meanwhile");
	tap_ok(!strcmp(vmm->memory + VMM_DATA + SECOND, "fetched meanwhile"),
	       "the daemon's writes are in the clone's memory before its first instruction");
	tap_ok(!strcmp(template->memory + VMM_DATA + SECOND, "in the template"), "and not in the template's");

	tap_is(vmm_call(vmm, 0, NEXUS_HC_KICK, CHANNEL, 0, 0), 0, "the clone's first call is a KICK");
	tap_is(nexus_events(handle, CHANNEL), NEXUS_EVENT_KICKED, "which the daemon hears");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_WAIT, CHANNEL, 3, 0), 0, "WAIT sees the clone's completions");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_SHARE, CHANNEL, VMM_DATA + 2 * SECOND, 1), 6, "the arena can grow");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_UNSHARE, CHANNEL, 2, 0), 0, "and shrink to what was restored");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0), 0, "other numbers are free");
	munmap(control, 2 * 4096);
	munmap(data, 3 * 4096);
}

static void test_memory(int device, struct vmm *template, int map_flags, const char *what)
{
	struct vmm vmm;
	uint32_t id;
	int handle;

	printf("# a clone whose memory is %s\n", what);
	vmm_open(&vmm, 1, map_flags);
	memcpy(vmm.memory, template->memory, VMM_MEMORY);
	vmm_set_slot(&vmm, 1, KVM_MEM_READONLY, VMM_MEMORY + 0x100000, 4096, vmm.memory);
	handle = nexus_adopt(device, vmm.vm, LIMIT, &id);
	test_refusals(handle, id);
	test_clone(&vmm, template, handle, id);
	ioctl(handle, NEXUS_IOC_RELEASE);
	tap_is(restore_as(handle, CHANNEL, pieces, 2, frames), -ENODEV, "RESTORE after the release");
	close(handle);
	vmm_close(&vmm);
}

static void test_gone(int device)
{
	struct vmm vmm;
	uint32_t id;
	int handle;

	/* The VM's memory goes while its descriptor stays with the daemon. */
	vmm_open(&vmm, 1, MAP_PRIVATE);
	handle = nexus_adopt(device, vmm.vm, LIMIT, &id);
	munmap(vmm.memory, VMM_MEMORY);
	tap_is(restore_as(handle, CHANNEL, pieces, 2, frames), -EFAULT, "RESTORE of memory that the VMM gave back");
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
	close(vmm.vm);
}

int main(void)
{
	int device = nexus_device(), handle;
	struct vmm template;
	uint32_t id;

	vmm_open(&template, 1, MAP_SHARED);
	handle = nexus_adopt(device, template.vm, LIMIT, &id);
	test_frames(&template, handle);
	test_memory(device, &template, MAP_PRIVATE, "private");
	test_memory(device, &template, MAP_SHARED, "shared");
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
	vmm_close(&template);
	test_gone(device);
	return tap_done();
}
