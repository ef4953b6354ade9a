// SPDX-License-Identifier: GPL-2.0-only
/* rmmod: refused while anything holds the module, else clean. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hostile.h"
#include "module.h"
#include "nexus.h"
#include "vmm.h"

static struct vmm vmm;

static void *wait_thread(void *result)
{
	*(int64_t *)result = vmm_call(&vmm, 1, NEXUS_HC_WAIT, 0, 0, 0);
	return NULL;
}

static void test_halted(void)
{
	int device = nexus_device();
	int64_t result = 1;
	pthread_t waiter;
	uint32_t id;
	int handle;

	vmm_open(&vmm, 2, MAP_PRIVATE);
	handle = nexus_adopt(device, vmm.vm, 64, &id);
	close(device);
	vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 4);
	pthread_create(&waiter, NULL, wait_thread, &result);
	tap_is(nexus_counter_wait(id, NEXUS_A_VM_HALTS, 1), 1, "a vCPU is halted in WAIT");
	tap_is(module_try_remove("nexus_kvm"), -EWOULDBLOCK, "rmmod is refused");
	close(handle);
	tap_is(module_try_remove("nexus_kvm"), -EWOULDBLOCK, "also when the daemon is gone");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_KICK, 0, 0, 0), 0, "calls go on");

	device = nexus_device();
	handle = nexus_attach(device, id);
	close(device);
	tap_is(ioctl(handle, NEXUS_IOC_RELEASE), 0, "the next daemon releases the VM");
	join_or_fail(waiter, "the WAIT");
	tap_is(result, 0, "which wakes the vCPU");
	tap_is(module_try_remove("nexus_kvm"), -EWOULDBLOCK, "rmmod is refused while the handle is open");
	close(handle);
	tap_is(module_unload(), 0, "then it succeeds");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0), -1, "and KVM answers itself");
	tap_is(vmm_call_kernel(&vmm, 1, NEXUS_HC_PROBE, 0, 0, 0), -1000, "in kernel mode too");
	tap_is(module_load(), 0, "insmod");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0), NEXUS_ABI_VERSION, "and we are back");
	vmm_close(&vmm);
}

int main(void)
{
	close(nexus_device());
	test_halted();
	tap_ok(all_unpinned(), "the kernel has released every page it ever pinned");
	return tap_done();
}
