// SPDX-License-Identifier: GPL-2.0-only
/* Whoever dies: the VMM, the daemon, both. Nothing leaks, nothing is lost. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"
#include "nexus.h"
#include "vmm.h"

static int device;

/* A VMM in a process of its own, in the middle of WAIT. */
struct child {
	pid_t pid;
	int vm;		/* our copy of its VM descriptor */
};

/*
 * The child opens a channel once it is adopted, shares four pages, and waits.
 * It tells its VM descriptor's number by a pipe; we fetch it as a daemon would.
 */
static struct child vmm_spawn(void)
{
	struct child child;
	struct vmm vmm;
	int tell[2], pidfd, number;

	if (pipe(tell))
		tap_bail("pipe");
	child.pid = fork();
	if (!child.pid) {
		close(device);
		vmm_open(&vmm, 1, MAP_SHARED);
		write(tell[1], &vmm.vm, sizeof(vmm.vm));
		while (vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0) < 0)
			usleep(1000);
		strcpy(vmm.memory + VMM_DATA, "the guest's page");
		vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 4);
		for (;;)
			vmm_call(&vmm, 0, NEXUS_HC_WAIT, 0, *(uint32_t *)(vmm.memory + VMM_DATA + 128), 0);
	}
	if (read(tell[0], &number, sizeof(number)) != sizeof(number))
		tap_bail("the VMM did not start");
	close(tell[0]);
	close(tell[1]);
	pidfd = syscall(SYS_pidfd_open, child.pid, 0);
	child.vm = syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (child.vm < 0)
		tap_bail("pidfd_getfd");
	close(pidfd);
	return child;
}

static void vmm_kill(struct child *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
}

static bool hangs_up(int handle)
{
	struct pollfd pollfd = { .fd = handle };

	return poll(&pollfd, 1, 5000) == 1 && pollfd.revents & POLLHUP;
}

static void test_vmm_dies(void)
{
	struct child child = vmm_spawn();
	uint32_t id;
	int handle = nexus_adopt(device, child.vm, 64, &id);
	char *map;

	close(child.vm);
	tap_is(nexus_counter_wait(id, NEXUS_A_VM_HALTS, 1), 1, "a guest shares pages and waits");
	map = nexus_map(handle, 0, 0, 4);
	tap_ok(map && !strcmp(map, "the guest's page"), "the daemon maps them");
	vmm_kill(&child);
	tap_ok(hangs_up(handle), "when the VMM is killed the handle hangs up");
	tap_is(nexus_counter(id, NEXUS_A_VM_STATE), NEXUS_VM_DEAD, "the VM is dead");
	tap_ok(!strcmp(map, "the guest's page"), "its pages live on in the daemon");
	memset(map, 0xaa, 4 * 4096);
	tap_is(ioctl(handle, NEXUS_IOC_RELEASE), 0, "the daemon releases it");
	munmap(map, 4 * 4096);
	close(handle);
	tap_is(nexus_counter(id, NEXUS_A_VM_ID), -1, "and it is gone");
}

/* Runs fn in a process of its own that plays the daemon, then is killed. */
static void daemon_run_and_die(void (*fn)(struct child *child), struct child *child)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		fn(child);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, &status, 0);
}

/* Shared with the playing daemon. */
static uint32_t *shared_id;

static void adopt_and_map(struct child *child)
{
	int handle = nexus_adopt(device, child->vm, 64, shared_id);

	nexus_counter_wait(*shared_id, NEXUS_A_VM_HALTS, 1);
	nexus_events(handle, 0);
	if (!nexus_map(handle, 0, 0, 4))
		_exit(1);
}

static void test_daemon_dies(void)
{
	struct child child = vmm_spawn();
	uint32_t events;
	int handle;

	daemon_run_and_die(adopt_and_map, &child);
	close(child.vm);
	tap_is(nexus_counter_wait(*shared_id, NEXUS_A_VM_STATE, NEXUS_VM_ORPHANED), NEXUS_VM_ORPHANED,
	       "when the daemon is killed the VM is an orphan");
	tap_is(nexus_counter(*shared_id, NEXUS_A_VM_PINNED_PAGES), 4, "its pages stay pinned");
	handle = nexus_attach(device, *shared_id);
	tap_ok(handle >= 0, "a new daemon attaches");
	events = nexus_events(handle, 0);
	tap_is(events, NEXUS_EVENT_OPENED | NEXUS_EVENT_ARENA | NEXUS_EVENT_KICKED, "and hears of the channel again");
	vmm_kill(&child);
	tap_ok(hangs_up(handle), "later the VMM dies");
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
}

static void test_both_die(void)
{
	struct child child = vmm_spawn();

	daemon_run_and_die(adopt_and_map, &child);
	close(child.vm);
	vmm_kill(&child);
	tap_is(nexus_counter_wait(*shared_id, NEXUS_A_VM_ID, -1), -1, "an orphan whose VMM is killed goes by itself");
}

static void test_handle_outlives(void)
{
	struct vmm vmm;
	uint32_t id;
	int handle;
	char *map;

	vmm_open(&vmm, 1, MAP_PRIVATE);
	handle = nexus_adopt(device, vmm.vm, 64, &id);
	vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 1);
	map = nexus_map(handle, 0, 0, 1);
	vmm_close(&vmm);
	tap_ok(hangs_up(handle), "a VM closed inside a living VMM hangs up too");
	close(handle);
	tap_is(nexus_counter(id, NEXUS_A_VM_ID), id, "a mapping keeps the closed handle's VM");
	map[0] = 1;
	munmap(map, 4096);
	tap_is(nexus_counter_wait(id, NEXUS_A_VM_ID, -1), -1, "which goes with the last mapping");
}

static void test_cycles(void)
{
	const int cycles = full_length() ? 10000 : 500;
	struct vmm vmm;
	uint32_t id;
	int i, handle;
	char *map;

	vmm_open(&vmm, 1, MAP_PRIVATE);
	for (i = 0; i < cycles; i++) {
		handle = nexus_adopt(device, vmm.vm, 64, &id);
		if (handle < 0 || vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0) ||
		    vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 8) != 8 ||
		    vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 8) != 16)
			break;
		map = nexus_map(handle, 0, 8, 8);
		if (!map || vmm_call(&vmm, 0, NEXUS_HC_UNSHARE, 0, 8, 0) || ioctl(handle, NEXUS_IOC_RELEASE))
			break;
		munmap(map, 8 * 4096);
		close(handle);
	}
	tap_is(i, cycles, "adopt, share, map, unshare, release, over and over");
	vmm_close(&vmm);
}

int main(void)
{
	device = nexus_device();
	shared_id = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_vmm_dies();
	test_daemon_dies();
	test_both_die();
	test_handle_outlives();
	test_cycles();
	tap_ok(syscall(SYS_delete_module, "nexus_kvm", O_NONBLOCK) && errno == EWOULDBLOCK,
	       "rmmod is refused while the device is open");
	tap_ok(all_unpinned(), "the kernel has released every page it ever pinned");
	return tap_done();
}
