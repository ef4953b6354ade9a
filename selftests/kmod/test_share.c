// SPDX-License-Identifier: GPL-2.0-only
/* SHARE: only what the caller could write, within the limit; and its mappings. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tap.h"
#include "nexus.h"
#include "vmm.h"

#define LIMIT 64U

static int64_t share(struct vmm *vmm, uint64_t address, uint64_t pages)
{
	return vmm_call(vmm, 0, NEXUS_HC_SHARE, 0, address, pages);
}

static void test_rights(struct vmm *vmm)
{
	tap_is(share(vmm, VMM_READONLY, 1), -EFAULT, "a read-only page is -EFAULT");
	tap_is(share(vmm, VMM_KERNEL, 1), -EFAULT, "a kernel page from user mode is -EFAULT");
	tap_is(share(vmm, VMM_UNMAPPED, 1), -EFAULT, "an unmapped page is -EFAULT");
	tap_is(share(vmm, VMM_NO_SLOT, 1), -EFAULT, "a page without memory behind it is -EFAULT");
	tap_is(share(vmm, 0x800000000000ULL, 1), -EFAULT, "a non-canonical address is -EFAULT");
	tap_is(share(vmm, 0xffffffff80000000ULL, 1), -EFAULT, "a kernel-half address is -EFAULT");
	tap_is(share(vmm, UINT64_MAX - 4095, 2), -EFAULT, "a range that wraps is -EFAULT");
	tap_is(share(vmm, VMM_READONLY - 4096, 2), -EFAULT, "a range is refused whole for one bad page");
	tap_is(share(vmm, VMM_DATA + 8, 1), -EINVAL, "an unaligned address is -EINVAL");
	tap_is(share(vmm, VMM_DATA, 0), -EINVAL, "no pages is -EINVAL");
	tap_is(share(vmm, VMM_DATA, NEXUS_SHARE_MAX_PAGES + 1), -EINVAL, "too many in one call is -EINVAL");
	tap_is(share(vmm, VMM_DATA, UINT64_MAX), -EINVAL, "so is 2^64 - 1");
	tap_is(share(vmm, VMM_DATA, LIMIT + 1), -ENOSPC, "more than the VM's limit is -ENOSPC");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_SHARE, 7, VMM_DATA, 1), -EBADF, "a channel that is not open is -EBADF");
}

static void test_mapping(int handle, struct vmm *vmm, uint32_t id)
{
	struct nexus_grant list[4];
	struct nexus_grants grants = { .capacity = 4, .grants = (uintptr_t)list };
	char *map;

	tap_is(share(vmm, VMM_DATA, 2), 2, "SHARE returns the arena's size");
	tap_is(nexus_events(handle, 0) & NEXUS_EVENT_ARENA, NEXUS_EVENT_ARENA, "the daemon hears of it");
	tap_is(share(vmm, VMM_DATA + 0x10000, 3), 5, "a second one appends");
	tap_is(nexus_counter(id, NEXUS_A_VM_PINNED_PAGES), 5, "five pages are pinned");
	tap_is(ioctl(handle, NEXUS_IOC_GRANTS, &grants), 0, "GRANTS");
	tap_ok(grants.count == 2 && list[0].first == 0 && list[0].pages == 2 && list[1].first == 2 &&
	       list[1].pages == 3 && grants.flags == NEXUS_CHANNEL_OPEN, "lists both");

	errno = 0;
	tap_ok(!nexus_map(handle, 0, 1, 1) && errno == ENOENT, "mapping from the middle of a grant is ENOENT");
	tap_ok(!nexus_map(handle, 1, 0, 2) && errno == ENOENT, "mapping a closed channel is ENOENT");
	tap_ok(!nexus_map(handle, 0, 0, 1) && errno == EINVAL, "mapping a part of one is EINVAL");
	tap_ok(mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, handle, 0) == MAP_FAILED && errno == EINVAL,
	       "mapping privately is EINVAL");
	map = nexus_map(handle, 0, 2, 3);
	tap_ok(map, "mapping the whole of one succeeds");
	strcpy(vmm->memory + VMM_DATA + 0x11000, "from the guest");
	tap_ok(map && !strcmp(map + 4096, "from the guest"), "the daemon sees the guest's write");
	strcpy(map + 2 * 4096, "from the daemon");
	tap_ok(!strcmp(vmm->memory + VMM_DATA + 0x12000, "from the daemon"), "the guest sees the daemon's");
	tap_ok(munmap(map, 4096) && errno == EINVAL, "a part cannot be unmapped");

	tap_is(vmm_call(vmm, 0, NEXUS_HC_UNSHARE, 0, 3, 0), -EINVAL, "shrinking into a grant is -EINVAL");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_UNSHARE, 0, 0, 0), -EINVAL, "the control pages stay");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_UNSHARE, 0, 9, 0), -EINVAL, "growing by UNSHARE is -EINVAL");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_UNSHARE, 0, 2, 0), 0, "shrinking by one grant");
	tap_is(nexus_counter(id, NEXUS_A_VM_PINNED_PAGES), 5, "its pages stay pinned while they are mapped");
	strcpy(map, "still ours");
	munmap(map, 3 * 4096);
	tap_is(nexus_counter(id, NEXUS_A_VM_PINNED_PAGES), 2, "and no longer than that");
}

static void test_limit(struct vmm *vmm, uint32_t id)
{
	int64_t size = 2;

	while (size >= 0 && size < LIMIT)
		size = share(vmm, VMM_DATA, 1);
	tap_is(size, LIMIT, "one page shared many times is charged each time");
	tap_is(share(vmm, VMM_DATA, 1), -ENOSPC, "up to the limit");
	tap_is(nexus_counter(id, NEXUS_A_VM_PINNED_PAGES), LIMIT, "and not beyond it");
}

int main(void)
{
	int device = nexus_device();
	struct vmm vmm;
	uint32_t id;
	int handle;
	char *map;

	vmm_open(&vmm, 1, MAP_PRIVATE);
	handle = nexus_adopt(device, vmm.vm, LIMIT, &id);
	if (handle < 0)
		tap_bail("adopt");
	vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	test_rights(&vmm);
	tap_is(nexus_counter(id, NEXUS_A_VM_PINNED_PAGES), 0, "after refusals nothing is pinned");
	test_mapping(handle, &vmm, id);
	test_limit(&vmm, id);

	map = nexus_map(handle, 0, 0, 2);
	vmm_call(&vmm, 0, NEXUS_HC_CLOSE, 0, 0, 0);
	tap_is(share(&vmm, VMM_DATA, 1), -EBADF, "a closed channel takes no pages");
	tap_is(ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, 0), 0, "the daemon frees it");
	tap_is(nexus_counter_wait(id, NEXUS_A_VM_PINNED_PAGES, 2), 2, "what it has mapped stays pinned");
	map[0] = 1;
	munmap(map, 2 * 4096);
	tap_is(nexus_counter_wait(id, NEXUS_A_VM_PINNED_PAGES, 0), 0, "then nothing is");

	vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	tap_is(vmm_call_kernel(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_KERNEL, 1), 1, "kernel mode may share a kernel page");
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
	vmm_close(&vmm);
	return tap_done();
}
