// SPDX-License-Identifier: GPL-2.0-only
/* Adoption: default deny, who may, how often; and calls that are not ours. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tap.h"
#include "nexus.h"
#include "vmm.h"

static void test_unadopted(struct vmm *vmm)
{
	tap_is(vmm_call(vmm, 0, NEXUS_HC_PROBE, 0, 0, 0), NEXUS_ABI_VERSION, "PROBE answers a VM nobody adopted");
	for (uint64_t nr = NEXUS_HC_OPEN; nr < NEXUS_HC_END; nr++)
		if (vmm_call(vmm, 0, nr, NEXUS_ABI_VERSION, VMM_DATA, 1) != -EACCES) {
			tap_ok(false, "call %#lx of an unadopted VM is refused", nr);
			return;
		}
	tap_ok(true, "every other call of an unadopted VM is -EACCES");
}

static int adopt_errno(int device, const struct nexus_adopt *adopt)
{
	struct nexus_adopt copy = *adopt;
	int fd = ioctl(device, NEXUS_IOC_ADOPT, &copy);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void test_refusals(int device, struct vmm *vmm)
{
	struct nexus_adopt good = { .vm_fd = vmm->vm, .max_pages = 16, .tenant = "t", .function = "f" };
	struct nexus_adopt bad;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	bad = good, bad.vm_fd = -1;
	tap_is(adopt_errno(device, &bad), EBADF, "a closed descriptor is EBADF");
	bad = good, bad.vm_fd = null;
	tap_is(adopt_errno(device, &bad), ENXIO, "a descriptor that is no KVM VM is ENXIO");
	bad = good, bad.vm_fd = vmm->vcpus[0].fd;
	tap_is(adopt_errno(device, &bad), ENXIO, "a vCPU's descriptor is ENXIO");
	bad = good, bad.max_pages = 0;
	tap_is(adopt_errno(device, &bad), EINVAL, "a limit of 0 pages is EINVAL");
	bad = good, bad.max_pages = UINT32_MAX;
	tap_is(adopt_errno(device, &bad), EINVAL, "a limit beyond the module's is EINVAL");
	bad = good, bad.flags = 1;
	tap_is(adopt_errno(device, &bad), EINVAL, "unknown flags are EINVAL");
	bad = good, bad.tenant[0] = 0;
	tap_is(adopt_errno(device, &bad), EINVAL, "an empty tenant is EINVAL");
	bad = good, memset(bad.function, 'x', sizeof(bad.function));
	tap_is(adopt_errno(device, &bad), EINVAL, "an unterminated function name is EINVAL");
	bad = good, strcpy(bad.tenant, "a\nb");
	tap_is(adopt_errno(device, &bad), EINVAL, "a control character in a name is EINVAL");
	tap_is(ioctl(device, 0xbb7f, 0) < 0 ? errno : 0, ENOTTY, "an unknown ioctl is ENOTTY");
	tap_is(-nexus_attach(device, 12345678), ENOENT, "attaching to an unknown VM is ENOENT");
	close(null);
}

static void test_not_ours(struct vmm *vmm)
{
	tap_is(vmm_call(vmm, 0, 5, 0, 0, 0), -1, "KVM's own call from user mode is KVM's -EPERM");
	tap_is(vmm_call_kernel(vmm, 0, 99, 0, 0, 0), -1000, "an unknown number from kernel mode is KVM's -ENOSYS");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_END, 0, 0, 0), -1, "the first number past our range is KVM's");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_BASE - 1, 0, 0, 0), -1, "the last number before it is KVM's");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_OPEN | 1ULL << 32, 0, 0, 0), -1, "upper bits of RAX are part of the number");
}

static void test_channels(int handle, struct vmm *vmm, struct vmm *other)
{
	uint64_t wrong = (NEXUS_ABI_MAJOR + 1) << 16;
	int i;

	tap_is(vmm_call(vmm, 0, NEXUS_HC_OPEN, wrong, 0, 0), -EPROTONOSUPPORT, "OPEN with another ABI major is refused");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0), 0, "OPEN from user mode gives channel 0");
	tap_is(nexus_events(handle, 0), NEXUS_EVENT_OPENED, "the daemon hears of it");
	tap_is(nexus_events(handle, 0), 0, "once");
	tap_is(vmm_call_kernel(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0), 1, "OPEN from kernel mode gives channel 1");
	for (i = 2; i < NEXUS_MAX_CHANNELS; i++)
		vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	tap_is(vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0), -EMFILE, "one channel too many is -EMFILE");
	tap_is(vmm_call(other, 0, NEXUS_HC_KICK, 0, 0, 0), -EBADF, "another VM cannot name these channels");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_KICK, NEXUS_MAX_CHANNELS, 0, 0), -EBADF, "a number past the table is -EBADF");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_KICK, UINT64_MAX, 0, 0), -EBADF, "so is -1");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_BASE + NEXUS_HC_COUNT, 0, 0, 0), -ENOSYS, "a reserved number is -ENOSYS");
	tap_is(ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, 0) ? errno : 0, EBUSY, "an open channel is not the daemon's to free");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_CLOSE, 0, 0, 0), 0, "CLOSE");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_CLOSE, 0, 0, 0), -EBADF, "twice is -EBADF");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0), -EMFILE, "the number stays taken");
	tap_is(ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, 0) ? errno : 0, 0, "until the daemon frees it");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0), 0, "then it is given again");
}

/* Two VMs with a channel of the same number: each means its own. */
static void test_two(struct vmm *vmm, int handle, uint32_t id, struct vmm *other, int second, uint32_t other_id)
{
	char *map, *other_map;

	vmm_call(other, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	strcpy(vmm->memory + VMM_DATA, "one");
	strcpy(other->memory + VMM_DATA, "other");
	tap_is(vmm_call(vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 1), 1, "both VMs have a channel 0: SHARE in one");
	tap_is(vmm_call(other, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 1), 1, "and in the other");
	map = nexus_map(handle, 0, 0, 1);
	other_map = nexus_map(second, 0, 0, 1);
	tap_ok(map && other_map && !strcmp(map, "one") && !strcmp(other_map, "other"), "each handle maps its own VM's page");
	nexus_events(handle, 0);
	nexus_events(second, 0);
	tap_is(vmm_call(vmm, 0, NEXUS_HC_KICK, 0, 0, 0), 0, "a KICK in one");
	tap_is(nexus_events(second, 0), 0, "is not heard at the other's handle");
	tap_is(nexus_events(handle, 0), NEXUS_EVENT_KICKED, "but at its own");
	vmm_call(vmm, 0, NEXUS_HC_CLOSE, 0, 0, 0);
	tap_is(ioctl(second, NEXUS_IOC_RELEASE_CHANNEL, 0) ? errno : 0, EBUSY, "what one closed is open in the other");
	tap_is(vmm_call(other, 0, NEXUS_HC_KICK, 0, 0, 0), 0, "which goes on");
	ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, 0);
	munmap(map, NEXUS_PAGE_SIZE);
	tap_is(nexus_counter_wait(id, NEXUS_A_VM_PINNED_PAGES, 0), 0, "one's page is let go");
	tap_is(nexus_counter(other_id, NEXUS_A_VM_PINNED_PAGES), 1, "the other's is not");
	munmap(other_map, NEXUS_PAGE_SIZE);
}

int main(void)
{
	int device = nexus_device();
	struct vmm vmm, other;
	uint32_t version, id, other_id;
	int handle, second;

	vmm_open(&vmm, 1, MAP_PRIVATE);
	vmm_open(&other, 1, MAP_PRIVATE);
	tap_is(ioctl(device, NEXUS_IOC_VERSION, &version) ? -1 : (long)version, NEXUS_ABI_VERSION, "the module names its ABI");
	test_unadopted(&vmm);
	test_refusals(device, &vmm);

	handle = nexus_adopt(device, vmm.vm, 64, &id);
	tap_ok(handle >= 0, "a VM is adopted");
	tap_is(nexus_adopt(device, vmm.vm, 64, NULL), -EEXIST, "a second time is -EEXIST");
	tap_is(nexus_attach(device, id), -EBUSY, "attaching while a handle is open is -EBUSY");
	second = nexus_adopt(device, other.vm, 64, &other_id);
	tap_ok(second >= 0, "another VM is adopted beside it");
	test_not_ours(&vmm);
	test_channels(handle, &vmm, &other);
	test_two(&vmm, handle, id, &other, second, other_id);
	tap_ok(nexus_counter(id, NEXUS_A_VM_OPEN) >= NEXUS_MAX_CHANNELS, "netlink counts the calls by kind");
	tap_ok(nexus_counter(id, NEXUS_A_VM_REFUSED) > 0, "and those that were refused");

	tap_is(ioctl(handle, NEXUS_IOC_RELEASE), 0, "the VM is released");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_KICK, 0, 0, 0), -EACCES, "its calls are refused again");
	tap_is(nexus_counter(id, NEXUS_A_VM_ID), -1, "netlink knows it no longer");
	tap_is(ioctl(handle, NEXUS_IOC_NOTIFY, 0) ? errno : 0, ENODEV, "its old handle is dead");
	ioctl(second, NEXUS_IOC_RELEASE);
	close(handle);
	close(second);
	vmm_close(&vmm);
	vmm_close(&other);
	return tap_done();
}
