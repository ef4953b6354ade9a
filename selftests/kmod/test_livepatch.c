// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live patches of KVM beside the module, in either order of coming and going.
 * One of a function that the module calls is none of its business; one of the
 * function that it hooks excludes it, and it excludes that: who comes second is
 * refused, and says why.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "hostile.h"
#include "host.h"
#include "module.h"
#include "nexus.h"
#include "vmm.h"

#define LIVEPATCH	"/sys/kernel/livepatch"
#define PATCH		"nexus_test_livepatch"
#define PATCHED_ANSWER	(-777)

static struct vmm vmm;

static const char *patch_path(void)
{
	static char path[512];
	const char *build = getenv("NEXUS_BUILD"), *kernel = getenv("NEXUS_KERNEL");

	snprintf(path, sizeof(path), "%s/selftests/modules/%s/livepatch/" PATCH ".ko", build ? build : "build",
		 kernel ? kernel : "6.1");
	return path;
}

/* A file of the patch's holds this number, within a while. */
static bool settles(const char *path, long want)
{
	for (int i = 0; i < HANG_S * 20; i++) {
		char *text = access(path, R_OK) ? NULL : read_file(path, NULL);
		long value = text ? strtol(text, NULL, 10) : -1;

		free(text);
		if (value == want)
			return true;
		usleep(50000);
	}
	return false;
}

static unsigned long patch_calls(void)
{
	char *text = read_file("/sys/module/" PATCH "/parameters/calls", NULL);
	unsigned long calls = strtoul(text, NULL, 10);

	free(text);
	return calls;
}

/* In, and every task has gone over to it. */
static int patch_on(const char *parameters)
{
	int err = module_insert(patch_path(), parameters);

	if (!err && !settles(LIVEPATCH "/" PATCH "/transition", 0))
		err = -ETIMEDOUT;
	return err;
}

static int patch_off(void)
{
	int err = write_file(LIVEPATCH "/" PATCH "/enabled", "0");

	/* Its directory goes with the transition. */
	if (!err && !settles(LIVEPATCH "/" PATCH "/transition", -1))
		err = -ETIMEDOUT;
	return err ?: module_remove(PATCH);
}

/* The whole of a VM's life with us; adoption takes a reference with kvm_get_kvm(). */
static bool we_work(void)
{
	int device = open(NEXUS_DEV_PATH, O_RDWR | O_CLOEXEC);
	int handle = nexus_adopt(device, vmm.vm, 64, NULL);
	bool ok = handle >= 0 && vmm_call(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0) == NEXUS_ABI_VERSION &&
		  vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0) == 0 &&
		  vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 2) == 2 &&
		  vmm_call(&vmm, 0, NEXUS_HC_KICK, 0, 0, 0) == 0 && vmm_call(&vmm, 0, 5, 0, 0, 0) == -1 &&
		  nexus_events(handle, 0) & NEXUS_EVENT_KICKED;

	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
	close(device);
	return ok;
}

static bool kvm_works(void)
{
	return vmm_call(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0) == -1 &&
	       vmm_call_kernel(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0) == -1000;
}

static void test_neighbour(void)
{
	unsigned long before;

	tap_is(module_load(), 0, "the module, ");
	tap_is(patch_on(""), 0, "then a live patch of a function that it calls");
	before = patch_calls();
	tap_ok(we_work() && patch_calls() > before, "both work");
	tap_is(module_unload(), 0, "the module goes first");
	tap_ok(kvm_works(), "KVM answers by itself");
	tap_is(module_load(), 0, "the module comes to a patched KVM");
	before = patch_calls();
	tap_ok(we_work() && patch_calls() > before, "both work");
	tap_is(patch_off(), 0, "the live patch goes first");
	tap_ok(we_work(), "the module works on");
	tap_is(module_unload(), 0, "and unloads");
}

static void test_hooked(void)
{
	tap_is(module_load(), 0, "the module, ");
	mark_log();
	tap_is(patch_on("hooked=1"), -EBUSY, "then a live patch of the function that it hooks: refused");
	tap_ok(log_says("livepatch: failed to register ftrace handler for function 'kvm_emulate_hypercall' (-16)"),
	       "by the kernel, which names the function");
	tap_ok(we_work(), "the module works on");
	tap_is(module_unload(), 0, "and unloads");

	tap_is(patch_on("hooked=1"), 0, "without it the live patch loads");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0), PATCHED_ANSWER, "and answers hypercalls");
	mark_log();
	tap_is(module_load(), -EBUSY, "now the module is refused");
	tap_ok(log_says("nexus_kvm: a live patch or another module"), "with a message that says why");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0), PATCHED_ANSWER, "the patch answers on");
	tap_is(patch_off(), 0, "it goes");
	tap_ok(kvm_works(), "KVM answers by itself");
	tap_is(module_load(), 0, "and the module loads");
	tap_ok(we_work(), "and works");
	tap_is(module_unload(), 0, "and unloads");
}

int main(void)
{
	bool loaded = module_loaded();

	if (access(LIVEPATCH, F_OK))
		tap_skip_all("this kernel is built without CONFIG_LIVEPATCH");
	if (access(module_path(), R_OK))
		tap_skip_all("no module to load: set NEXUS_MODULE");
	if (access(patch_path(), R_OK))
		tap_skip_all("no live patch: make selftests, with this kernel");
	vmm_open(&vmm, 1, MAP_PRIVATE);
	if (loaded && module_unload())
		tap_bail("unloading the module");
	test_neighbour();
	test_hooked();
	if (loaded && module_load())
		tap_bail("loading the module");
	vmm_close(&vmm);
	tap_ok(all_unpinned(), "the kernel has released every page it ever pinned");
	return tap_done();
}
