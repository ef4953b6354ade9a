// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod with each step of the module's start made to fail, in turn: it is
 * refused, nothing of it stays behind, and the next insmod succeeds.
 *
 * What the loader itself allocates is left alone: it comes before and after, so
 * that the faults are tried from the last one back to the start's first. Each
 * costs seconds on the kernel that can do this, mostly RCU's: without FULL=1 it
 * is every fourth.
 */
#include <errno.h>
#include <fcntl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <string.h>
#include <sys/mman.h>

#include "hostile.h"
#include "host.h"
#include "inject.h"
#include "module.h"
#include "nexus.h"
#include "vmm.h"

#define MOST 20000	/* things that may fail in an insmod */
#define OUTSIDE 40	/* of those, in a row outside the start: it is behind us, or not there */
#define BEFORE 4	/* the same in front of it; the loader does not take each well */

static struct vmm vmm;
static char *image;
static size_t image_size;

static int64_t call_insmod(void)
{
	return syscall(SYS_init_module, image, image_size, "") ? -errno : 0;
}

static bool family_exists(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	bool exists;

	if (!sock || genl_connect(sock))
		tap_bail("netlink");
	exists = genl_ctrl_resolve(sock, NEXUS_GENL_NAME) >= 0;
	nl_socket_free(sock);
	return exists;
}

static bool is_hooked(void)
{
	char *functions = read_file("/sys/kernel/tracing/enabled_functions", NULL);
	bool found = strstr(functions, "kvm_emulate_hypercall");

	free(functions);
	return found;
}

/* NULL, or what of the module is there. */
static const char *left_behind(void)
{
	if (module_loaded())
		return "the module";
	if (!access(NEXUS_DEV_PATH, F_OK) || !access("/sys/class/misc/nexus", F_OK))
		return "the device";
	if (!access("/sys/kernel/tracing/events/nexus", F_OK))
		return "its tracepoints";
	if (family_exists())
		return "its netlink family";
	if (is_hooked())
		return "its hook";
	if (vmm_call(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0) != -1)
		return "its answers";
	return NULL;
}

/* One thing fails. Returns how far this is from the start, as far as the kernel's log tells. */
static unsigned int try_fault(int nth, unsigned int *in_start, unsigned int *errors, unsigned int *wrong,
			      unsigned int outside)
{
	struct fault fault;
	const char *left;
	int64_t result;
	int rest = inject(nth, call_insmod, &result);

	if (!result && module_unload())
		tap_bail("unloading the module");
	if (rest)
		return outside;	/* fewer allocations this time */
	inject_read_fault(&fault);
	left = left_behind();
	if (fault.init) {
		++*in_start;
		*errors += result < 0;
		/* A kprobe's failure is told as the lack of what it looks for; -EINVAL is ftrace's word. */
		*wrong += result && result != -ENOMEM && result != -EOPNOTSUPP && result != -EINVAL;
		printf("# fault %d: %s in %s: %lld\n", nth, fault.kind, fault.site[0] ? fault.site : "the start",
		       (long long)result);
		fflush(stdout);
	}
	if (left) {
		printf("#   fault %d, result %lld: %s is left\n", nth, (long long)result, left);
		++*wrong;
	}
	if (!fault.kind[0])
		return outside;	/* not logged */
	return fault.init ? 0 : outside + 1;
}

static void test_start(void)
{
	unsigned int in_start = 0, errors = 0, wrong = 0, outside = 0;
	const int step = full_length() ? 1 : 4;
	int64_t result;
	int total = MOST - inject(MOST, call_insmod, &result);

	tap_is(result, 0, "insmod without a fault");
	if (module_unload())
		tap_bail("unloading the module");
	printf("# %d things can fail in an insmod, the loader's own included\n", total);
	for (int nth = total; nth > 0 && outside < (in_start ? BEFORE : OUTSIDE); nth -= step)
		outside = try_fault(nth, &in_start, &errors, &wrong, outside);
	tap_ok(in_start && errors, "%u faults in the module's start, one at a time, %u of them errors", in_start,
	       errors);
	tap_is(wrong, 0, "each error is a known one, and nothing is left behind");
	tap_is(module_load(), 0, "then insmod succeeds");
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0), NEXUS_ABI_VERSION, "and the module answers");
	tap_is(module_unload(), 0, "and unloads");
}

int main(void)
{
	bool loaded = module_loaded();

	if (access(module_path(), R_OK))
		tap_skip_all("no module to load: set NEXUS_MODULE");
	inject_set_up();
	image = read_file(module_path(), &image_size);
	vmm_open(&vmm, 1, MAP_PRIVATE);
	if (loaded && module_unload())
		tap_bail("unloading the module");
	test_start();
	if (loaded && module_load())
		tap_bail("loading the module");
	vmm_close(&vmm);
	return tap_done();
}
