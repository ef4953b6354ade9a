// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "config_key.h"
#include "kvmfd.h"
#include "log.h"
#include "loop.h"
#include "nexus_hypercall.h"
#include "snapshot.h"
#include "transport_kvm.h"
#include "vm.h"
#include "vmstats.h"
#include "workers.h"

static struct vm *vms;
static struct loop *main_loop;
static const struct config *vm_config;

#define FAIL(status, ...) (snprintf(error, size, __VA_ARGS__), (status))

/* The device, checked to speak our ABI. Not kept open: that would hold the module. */
static int vm_device(char *error, size_t size)
{
	auto_close int dev = open(NEXUS_DEV_PATH, O_RDWR | O_CLOEXEC);
	uint32_t version;

	if (dev < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
		return FAIL(-ENODEV, "%s: %s: load nexus_kvm", NEXUS_DEV_PATH, strerror(errno));
	if (dev < 0)
		return FAIL(-errno, "%s: %s", NEXUS_DEV_PATH, strerror(errno));
	if (ioctl(dev, NEXUS_IOC_VERSION, &version))
		return FAIL(-errno, "%s: cannot ask for its version: %s", NEXUS_DEV_PATH, strerror(errno));
	if (NEXUS_ABI_MAJOR_OF(version) != NEXUS_ABI_MAJOR)
		return FAIL(-EPROTONOSUPPORT,
			    "nexus_kvm has ABI %u.%u, nexus-backend %u.%u: install the same release of both",
			    NEXUS_ABI_MAJOR_OF(version), NEXUS_ABI_MINOR_OF(version),
			    NEXUS_ABI_MAJOR, NEXUS_ABI_MINOR);
	return take_fd(&dev);
}

/* ---- end of a VM ---- */

static void vm_gone_posted(void *arg)
{
	struct vm *vm = arg, **p;

	for (p = &vms; *p != vm; p = &(*p)->next)
		;
	*p = vm->next;
	log_info("vm %u (%s/%s) is released", vm->id, vm->tenant->name, vm->function);
	workers_unpick(vm->worker);
	kvm_vm_free(vm->kvm);
	if (vm->released)
		vm->released(vm->arg);
	free(vm);
}

static void vm_gone(void *arg)
{
	if (loop_post(main_loop, vm_gone_posted, arg))
		log_error("no memory to forget a VM: `vm list` shows it until the next restart");
}

int vm_release(uint32_t id, void (*released)(void *arg), void *arg)
{
	struct vm *vm;
	int ret;

	for (vm = vms; vm && vm->id != id; vm = vm->next)
		;
	if (!vm)
		return -ENOENT;
	if (vm->released)
		return -EALREADY;
	ret = kvm_vm_release(vm->kvm);
	if (ret)
		return ret;
	vm->released = released;
	vm->arg = arg;
	return 0;
}

/* ---- snapshots ---- */

static void vm_frozen_posted(void *arg)
{
	struct vm *vm = arg;
	void (*frozen)(void *arg, int status) = vm->frozen;

	vm->frozen = NULL;	/* a refused one may be tried again */
	frozen(vm->arg, vm->status);
}

static void vm_frozen(void *arg, int status)
{
	struct vm *vm = arg;

	vm->status = status;
	if (loop_post(main_loop, vm_frozen_posted, vm))
		log_error("no memory to tell of a snapshot of vm %u", vm->id);
}

int vm_freeze(uint32_t id, struct snapshot *snapshot, void (*frozen)(void *arg, int status), void *arg)
{
	struct vm *vm;

	for (vm = vms; vm && vm->id != id; vm = vm->next)
		;
	if (!vm)
		return -ENOENT;
	if (vm->released || vm->frozen)
		return -EALREADY;
	vm->frozen = frozen;
	vm->arg = arg;
	snprintf(snapshot->tenant, sizeof(snapshot->tenant), "%s", vm->tenant->name);
	snprintf(snapshot->function, sizeof(snapshot->function), "%s", vm->function);
	return kvm_vm_freeze(vm->kvm, snapshot, vm_frozen, vm);
}

/* ---- beginning ---- */

/* Serve the VM behind handle; takes both descriptors over, also when it fails. */
static int vm_serve(uint32_t id, pid_t pid, const struct tenant *tenant, const char *function, bool held,
		    int handle, int pidfd)
{
	/* Another one than that of the VM whose snapshot this one may be. */
	uint64_t generation = (uint64_t)pid << 32 | id;
	auto_close int owned_handle = handle, owned_pidfd = pidfd;
	auto_free struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return -ENOMEM;
	vm->id = id;
	vm->vmm_pid = pid;
	vm->tenant = tenant;
	snprintf(vm->function, sizeof(vm->function), "%s", function);
	vm->worker = workers_pick();
	vm->kvm = kvm_vm_new(vm->worker, id, generation, held, handle, pidfd, tenant, function, vm_gone,
			    vm);
	if (!vm->kvm) {
		workers_unpick(vm->worker);
		return -ENOMEM;
	}
	take_fd(&owned_handle);
	take_fd(&owned_pidfd);
	vm->next = vms;
	vms = vm;
	take_ptr(vm);
	return 0;
}

static const struct tenant *vm_tenant(const char *name, char *error, size_t size)
{
	const struct tenant *tenant = config_tenant(vm_config, name);
	size_t len;

	if (tenant)
		return tenant;
	len = snprintf(error, size, "unknown tenant %s: known are", name);
	for (tenant = vm_config->tenants; tenant && len < size; tenant = tenant->next)
		len += snprintf(error + len, size - len, " %s", tenant->name);
	return NULL;
}

static int vm_find_kvm(pid_t pid, int *pidfd, char *error, size_t size)
{
	int fd = kvmfd_get(pid, pidfd);

	switch (fd) {
	case -ESRCH:
		return FAIL(fd, "no such process: %d", pid);
	case -ENOENT:
		return FAIL(fd, "process %d holds no KVM VM; give the pid of the VMM", pid);
	case -EPERM:
	case -EACCES:
		return FAIL(fd, "may not look into process %d: nexus-backend needs CAP_SYS_PTRACE", pid);
	default:
		return fd < 0 ? FAIL(fd, "process %d: %s", pid, strerror(-fd)) : fd;
	}
}

static int vm_adopt_error(int err, pid_t pid, uint32_t max_pages, char *error, size_t size)
{
	switch (err) {
	case EEXIST:
		return FAIL(-err, "the VM of process %d is adopted already", pid);
	case ENXIO:
		return FAIL(-err, "process %d holds no KVM VM; give the pid of the VMM", pid);
	case ENOSPC:
		return FAIL(-err, "the module's limit of VMs is reached: release one, or raise its parameter max_vms");
	case EINVAL:
		return FAIL(-err, "the module refuses: is max_pinned (%u pages) above its parameter max_pages?",
			    max_pages);
	default:
		return FAIL(-err, "cannot adopt the VM of process %d: %s", pid, strerror(err));
	}
}

/* snapshot: NULL for a VM that was not restored from one. */
static int64_t vm_adopt_any(pid_t pid, const char *tenant_name, const char *function,
			    const struct snapshot *snapshot, char *error, size_t size)
{
	auto_close int dev = -1, vm_fd = -1, pidfd = -1, handle = -1;
	struct nexus_adopt adopt = { .vmm_pid = pid };
	const struct tenant *tenant;
	int ret;

	tenant = vm_tenant(tenant_name, error, size);
	if (!tenant)
		return -ENOENT;
	if (!config_name_valid(function, NEXUS_NAME_MAX - 1))
		return FAIL(-EINVAL, "function \"%.80s\": write 1 to 63 characters of A-Z a-z 0-9 . _ -", function);
	dev = vm_device(error, size);
	if (dev < 0)
		return dev;
	vm_fd = vm_find_kvm(pid, &pidfd, error, size);
	if (vm_fd < 0)
		return vm_fd;
	adopt.vm_fd = vm_fd;
	adopt.max_pages = tenant->max_pinned / NEXUS_PAGE_SIZE > UINT32_MAX ? UINT32_MAX :
			  tenant->max_pinned / NEXUS_PAGE_SIZE;
	snprintf(adopt.tenant, sizeof(adopt.tenant), "%s", tenant->name);
	snprintf(adopt.function, sizeof(adopt.function), "%s", function);
	handle = ioctl(dev, NEXUS_IOC_ADOPT, &adopt);
	if (handle < 0)
		return vm_adopt_error(errno, pid, adopt.max_pages, error, size);
	ret = snapshot ? snapshot_restore(snapshot, handle, error, size) : 0;
	if (ret) {
		ioctl(handle, NEXUS_IOC_RELEASE);
		return ret;
	}
	ret = vm_serve(adopt.vm_id, pid, tenant, function, snapshot, take_fd(&handle), take_fd(&pidfd));
	if (ret)
		return FAIL(ret, "cannot serve vm %u: %s", adopt.vm_id, strerror(-ret));
	log_info("vm %u of process %d is adopted for %s/%s", adopt.vm_id, pid, tenant->name, function);
	return adopt.vm_id;
}

int64_t vm_adopt(pid_t pid, const char *tenant, const char *function, char *error, size_t size)
{
	return vm_adopt_any(pid, tenant, function, NULL, error, size);
}

int64_t vm_adopt_restored(pid_t pid, const char *tenant, const char *function, const struct snapshot *snapshot,
			  char *error, size_t size)
{
	return vm_adopt_any(pid, tenant, function, snapshot, error, size);
}

/* No process of that number is alive. Another one may have the number: the module tells of that VM's end, a little later. */
static bool vm_is_over(pid_t vmm_pid)
{
	auto_close int pidfd = syscall(SYS_pidfd_open, vmm_pid, 0);
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	return pidfd < 0 ? errno == ESRCH : poll(&end, 1, 0) > 0;
}

static void vm_attach(int dev, const struct vmstats *orphan)
{
	struct nexus_attach attach = { .vm_id = orphan->id };
	const struct tenant *tenant = config_tenant(vm_config, orphan->tenant);
	int handle, ret;

	if (!tenant) {
		log_warning("vm %u belongs to tenant %s, which is not configured: it stays orphaned; "
			    "configure the tenant and restart", orphan->id, orphan->tenant);
		return;
	}
	handle = ioctl(dev, NEXUS_IOC_ATTACH, &attach);
	if (handle < 0) {
		log_warning("vm %u: cannot attach: %s", orphan->id, strerror(errno));
		return;
	}
	/* It may have asked for an event, which would be lost on it. */
	if (vm_is_over(orphan->vmm_pid)) {
		log_info("vm %u (%s/%s) is released: its VMM, process %d, is gone", orphan->id, orphan->tenant, orphan->function,
			 orphan->vmm_pid);
		ioctl(handle, NEXUS_IOC_RELEASE);
		close(handle);
		return;
	}
	/* No pidfd: the number may name another process by now, and the module tells of the VM's end. */
	ret = vm_serve(orphan->id, orphan->vmm_pid, tenant, orphan->function, false, handle, -1);
	if (ret)
		log_error("vm %u: cannot serve it: %s", orphan->id, strerror(-ret));
	else
		log_info("vm %u (%s/%s) is attached again", orphan->id, orphan->tenant, orphan->function);
}

void vm_start(struct loop *loop, const struct config *config)
{
	auto_free struct vmstats *orphans = NULL;
	auto_close int dev = -1;
	char error[256];
	int count;

	main_loop = loop;
	vm_config = config;
	dev = vm_device(error, sizeof(error));
	if (dev < 0) {
		log_notice("no VMs will be served, only unix sockets: %s", error);
		return;
	}
	count = vmstats_dump(&orphans);
	if (count < 0)
		log_warning("cannot ask the module for its VMs: %s", strerror(-count));
	for (int i = 0; i < count; i++) {
		if (orphans[i].state == NEXUS_VM_ORPHANED)
			vm_attach(dev, &orphans[i]);
	}
}

void vm_stop(void)
{
	struct vm *vm;

	while ((vm = vms)) {
		vms = vm->next;
		kvm_vm_destroy(vm->kvm);
		free(vm);
	}
}

struct served {
	uint32_t id;
	void (*served)(uint32_t id);
};

static void vm_served_posted(void *arg)
{
	struct served *served = arg;

	served->served(served->id);
	free(served);
}

/* In the worker's thread, behind what began to serve the VM. */
static void vm_served(void *arg)
{
	if (loop_post(main_loop, vm_served_posted, arg))
		abort();	/* a few bytes; the VM would never run */
}

void vm_when_served(uint32_t id, void (*served)(uint32_t id))
{
	struct served *fence = malloc(sizeof(*fence));
	const struct vm *vm = vms;

	while (vm && vm->id != id)
		vm = vm->next;
	if (!vm || !fence) {
		free(fence);
		served(id);
		return;
	}
	*fence = (struct served){ id, served };
	if (loop_post(vm->worker->loop, vm_served, fence))
		abort();	/* the same */
}

void vm_runs(uint32_t id)
{
	const struct vm *vm = vms;

	while (vm && vm->id != id)
		vm = vm->next;
	if (vm)
		kvm_vm_runs(vm->kvm);
}

uint32_t vm_polls(uint32_t id)
{
	const struct vm *vm = vms;

	while (vm && vm->id != id)
		vm = vm->next;
	return vm ? kvm_vm_polls(vm->kvm) : 0;
}

uint64_t vm_polled(uint32_t id)
{
	const struct vm *vm = vms;

	while (vm && vm->id != id)
		vm = vm->next;
	return vm ? kvm_vm_polled(vm->kvm) : 0;
}

const struct vm *vm_first(void)
{
	return vms;
}
