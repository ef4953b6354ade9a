// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coexistence: others trace the function that the module hooks, before it came
 * and after, and everybody goes on; who would redirect it too is refused, and
 * so are we where another was first.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../tap.h"
#include "host.h"
#include "module.h"
#include "nexus_hypercall.h"
#include "vmm.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define FUNCTION	"kvm_emulate_hypercall"
#define TRACING		"/sys/kernel/tracing"
#define INSTANCE	TRACING "/instances/nexus_test"
#define FTRACE_ENABLED	"/proc/sys/kernel/ftrace_enabled"
#define CALLS		3

static struct vmm vmm;

/* CALLS hypercalls: one of ours, and KVM's own from both modes. */
static bool calls_work(bool loaded)
{
	int64_t probe = vmm_call(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0);
	int64_t user = vmm_call(&vmm, 0, 5, 0, 0, 0);
	int64_t kernel = vmm_call_kernel(&vmm, 0, 99, 0, 0, 0);
	bool ok = probe == (loaded ? NEXUS_ABI_VERSION : -1) && user == -1 && kernel == -1000;

	if (!ok)
		printf("#   answers: %lld, %lld, %lld\n", (long long)probe, (long long)user, (long long)kernel);
	return ok;
}

/* The function tracer. */
static bool function_on(void)
{
	if (write_file(INSTANCE "/set_ftrace_filter", FUNCTION))
		return false;
	return !write_file(INSTANCE "/current_tracer", "function");
}

static void function_off(void)
{
	write_file(INSTANCE "/current_tracer", "nop");
}

static uint64_t function_count(void)
{
	char *trace = read_file(INSTANCE "/trace", NULL);
	uint64_t count = 0;

	for (char *at = trace; (at = strstr(at, FUNCTION " <-")); at++)
		count++;
	free(trace);
	return count;
}

/* Events on kprobes. */
static uint64_t probe_count(const char *name)
{
	char *profile = read_file(TRACING "/kprobe_profile", NULL);
	char *at = strstr(profile, name);
	uint64_t count = at ? strtoull(at + strlen(name), NULL, 10) : 0;

	free(profile);
	return count;
}

static bool kprobe_on(void)
{
	return !write_file(TRACING "/kprobe_events", "p:nexus_test/nexus_entry " FUNCTION) &&
	       !write_file(INSTANCE "/events/nexus_test/nexus_entry/enable", "1");
}

static void kprobe_off(void)
{
	write_file(INSTANCE "/events/nexus_test/nexus_entry/enable", "0");
	write_file(TRACING "/kprobe_events", "-:nexus_test/nexus_entry");
}

static uint64_t kprobe_count(void)
{
	return probe_count("nexus_entry");
}

static bool kretprobe_on(void)
{
	return !write_file(TRACING "/kprobe_events", "r:nexus_test/nexus_return " FUNCTION " $retval") &&
	       !write_file(INSTANCE "/events/nexus_test/nexus_return/enable", "1");
}

static void kretprobe_off(void)
{
	write_file(INSTANCE "/events/nexus_test/nexus_return/enable", "0");
	write_file(TRACING "/kprobe_events", "-:nexus_test/nexus_return");
}

static uint64_t kretprobe_count(void)
{
	return probe_count("nexus_return");
}

/* BPF programs, attached as bpftrace attaches its kprobe: and kfunc: probes. */
struct bpf {
	int map, prog, link;
};

static struct bpf bpf_kprobe = { -1, -1, -1 }, bpf_fentry = { -1, -1, -1 };

static int bpf_call(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static uint64_t bpf_count(const struct bpf *bpf)
{
	uint64_t value = 0;
	uint32_t key = 0;
	union bpf_attr attr = { .map_fd = bpf->map, .key = (uintptr_t)&key, .value = (uintptr_t)&value };

	if (bpf_call(BPF_MAP_LOOKUP_ELEM, &attr))
		tap_bail("BPF_MAP_LOOKUP_ELEM");
	return value;
}

static void bpf_off(struct bpf *bpf)
{
	int *fds[] = { &bpf->link, &bpf->prog, &bpf->map };

	for (unsigned int i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* A program that counts its runs. attr says of what type, and where it goes. */
static bool bpf_load(struct bpf *bpf, union bpf_attr *attr)
{
	union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1,
	};
	struct bpf_insn code[] = {
		{ BPF_ST | BPF_W | BPF_MEM, BPF_REG_10, 0, -4, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4 },
		{ BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, 0 },
		{ 0, 0, 0, 0, 0 },
		{ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem },
		{ BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1 },
		{ BPF_STX | BPF_DW | BPF_ATOMIC, BPF_REG_0, BPF_REG_1, 0, BPF_ADD },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};

	bpf->map = bpf_call(BPF_MAP_CREATE, &map);
	code[3].imm = bpf->map;
	attr->insns = (uintptr_t)code;
	attr->insn_cnt = ARRAY_SIZE(code);
	attr->license = (uintptr_t)"GPL";
	bpf->prog = bpf->map < 0 ? -1 : bpf_call(BPF_PROG_LOAD, attr);
	return bpf->prog >= 0;
}

static bool bpf_kprobe_on(void)
{
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_KPROBE };
	struct perf_event_attr perf = { .size = sizeof(perf), .config1 = (uintptr_t)FUNCTION };
	char *type;

	if (access("/sys/bus/event_source/devices/kprobe/type", R_OK) || !bpf_load(&bpf_kprobe, &attr))
		return false;
	type = read_file("/sys/bus/event_source/devices/kprobe/type", NULL);
	perf.type = atoi(type);
	free(type);
	bpf_kprobe.link = syscall(SYS_perf_event_open, &perf, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return bpf_kprobe.link >= 0 && !ioctl(bpf_kprobe.link, PERF_EVENT_IOC_SET_BPF, bpf_kprobe.prog) &&
	       !ioctl(bpf_kprobe.link, PERF_EVENT_IOC_ENABLE, 0);
}

static void bpf_kprobe_off(void)
{
	bpf_off(&bpf_kprobe);
}

static uint64_t bpf_kprobe_count(void)
{
	return bpf_count(&bpf_kprobe);
}

static size_t btf_type_size(const struct btf_type *type)
{
	static const size_t fixed[] = { [BTF_KIND_INT] = 4, [BTF_KIND_ARRAY] = sizeof(struct btf_array),
					[BTF_KIND_VAR] = 4, [BTF_KIND_DECL_TAG] = 4 };
	static const size_t each[] = { [BTF_KIND_STRUCT] = 12, [BTF_KIND_UNION] = 12, [BTF_KIND_ENUM] = 8,
				       [BTF_KIND_FUNC_PROTO] = 8, [BTF_KIND_DATASEC] = 12,
				       [BTF_KIND_ENUM64] = 12 };
	unsigned int kind = BTF_INFO_KIND(type->info);

	return sizeof(*type) + (kind < ARRAY_SIZE(fixed) ? fixed[kind] : 0) +
	       (kind < ARRAY_SIZE(each) ? each[kind] * BTF_INFO_VLEN(type->info) : 0);
}

/* How many types there are; or the one (from 1) that is a function of that name. */
static uint32_t btf_walk(const char *btf, const char *name, uint32_t base_strings)
{
	const struct btf_header *head = (const void *)btf;
	const char *at = btf + head->hdr_len + head->type_off, *end = at + head->type_len;
	const char *strings = btf + head->hdr_len + head->str_off;
	uint32_t count = 0;

	while (at < end) {
		const struct btf_type *type = (const void *)at;

		count++;
		if (name && BTF_INFO_KIND(type->info) == BTF_KIND_FUNC && type->name_off >= base_strings &&
		    !strcmp(strings + type->name_off - base_strings, name))
			return count;
		at += btf_type_size(type);
	}
	return name ? 0 : count;
}

/* The function's number in KVM's types, which come after the kernel's. */
static uint32_t btf_function(void)
{
	char *base, *kvm;
	uint32_t id;

	if (access("/sys/kernel/btf/kvm", R_OK))
		return 0;
	base = read_file("/sys/kernel/btf/vmlinux", NULL);
	kvm = read_file("/sys/kernel/btf/kvm", NULL);
	id = btf_walk(kvm, FUNCTION, ((struct btf_header *)base)->str_len);
	if (id)
		id += btf_walk(base, NULL, 0);
	free(base);
	free(kvm);
	return id;
}

static int btf_open_kvm(void)
{
	union bpf_attr next = { 0 };

	while (!bpf_call(BPF_BTF_GET_NEXT_ID, &next)) {
		char name[32] = "";
		struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof(name) };
		union bpf_attr attr = { .btf_id = next.next_id };
		int fd = bpf_call(BPF_BTF_GET_FD_BY_ID, &attr);

		attr = (union bpf_attr){ .info = { fd, sizeof(info), (uintptr_t)&info } };
		if (fd >= 0 && !bpf_call(BPF_OBJ_GET_INFO_BY_FD, &attr) && !strcmp(name, "kvm"))
			return fd;
		close(fd);
		next.start_id = next.next_id;
	}
	return -1;
}

static bool bpf_fentry_on(void)
{
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_TRACING, .expected_attach_type = BPF_TRACE_FENTRY };
	union bpf_attr link = { 0 };
	int btf = btf_open_kvm();
	bool loaded;

	attr.attach_btf_id = btf_function();
	attr.attach_btf_obj_fd = btf;
	loaded = btf >= 0 && attr.attach_btf_id && bpf_load(&bpf_fentry, &attr);
	close(btf);
	if (!loaded)
		return false;
	link.raw_tracepoint.prog_fd = bpf_fentry.prog;
	bpf_fentry.link = bpf_call(BPF_RAW_TRACEPOINT_OPEN, &link);
	return bpf_fentry.link >= 0;
}

static void bpf_fentry_off(void)
{
	bpf_off(&bpf_fentry);
}

static uint64_t bpf_fentry_count(void)
{
	return bpf_count(&bpf_fentry);
}

static struct tracer {
	const char *name;
	bool (*on)(void);
	void (*off)(void);
	uint64_t (*count)(void);
	bool works;	/* without the module, too */
	uint64_t before;
} tracers[] = {
	{ .name = "the function tracer", function_on, function_off, function_count },
	{ .name = "a kprobe event", kprobe_on, kprobe_off, kprobe_count },
	{ .name = "a kretprobe event", kretprobe_on, kretprobe_off, kretprobe_count },
	{ .name = "a BPF program on a kprobe", bpf_kprobe_on, bpf_kprobe_off, bpf_kprobe_count },
	{ .name = "a BPF program on function entry", bpf_fentry_on, bpf_fentry_off, bpf_fentry_count },
};

#define for_each_tracer(t) \
	for (struct tracer *t = tracers; t < tracers + ARRAY_SIZE(tracers); t++) \
		if (t->works)

/* The calls work, and each of the tracers that are on counts them all. */
static void check(struct tracer *only, bool loaded, const char *when)
{
	const char *who = only ? only->name : "all of them";
	bool counted = true;

	for_each_tracer(t)
		if (!only || t == only)
			t->before = t->count();
	tap_ok(calls_work(loaded), "%s, %s: the calls work", who, when);
	for_each_tracer(t) {
		uint64_t count;

		if (only && t != only)
			continue;
		count = t->count() - t->before;
		if (count != CALLS)
			printf("#   %s counted %llu of %d\n", t->name, (unsigned long long)count, CALLS);
		counted &= count == CALLS;
	}
	tap_ok(counted, "%s, %s: and are counted", who, when);
}

static void load(void)
{
	int err = module_load();

	if (err) {
		errno = -err;
		tap_bail("loading the module");
	}
}

static void unload(void)
{
	int err = module_unload();

	if (err) {
		errno = -err;
		tap_bail("unloading the module");
	}
}

/* Each alone, without the module: does this kernel have it at all? */
static void test_tracers(void)
{
	for (struct tracer *t = tracers; t < tracers + ARRAY_SIZE(tracers); t++) {
		t->works = t->on();
		if (t->works)
			check(t, false, "without the module");
		else
			tap_ok(true, "%s # SKIP this kernel has none (%s)", t->name, strerror(errno));
		t->off();
	}
}

static void test_tracers_first(void)
{
	for_each_tracer(t)
		if (!tap_ok(t->on(), "%s is attached", t->name))
			t->works = false;
	load();
	check(NULL, true, "before the module came");
	unload();
	check(NULL, false, "when it has gone");
	load();
	for_each_tracer(t)
		t->off();
	tap_ok(calls_work(true), "the tracers first, and gone first: the calls work");
}

static void test_module_first(void)
{
	for_each_tracer(t) {
		if (tap_ok(t->on(), "%s is attached to the hooked function", t->name))
			check(t, true, "after the module came");
		t->off();
	}
	for_each_tracer(t)
		t->works = t->on();
	check(NULL, true, "after the module came");
	unload();
	check(NULL, false, "when it has gone before them");
	for_each_tracer(t)
		t->off();
	tap_ok(calls_work(false), "the module first, and gone first: the calls work");
}

static void test_ftrace_enabled(void)
{
	int err;

	load();
	err = write_file(FTRACE_ENABLED, "0");
	tap_ok(err < 0, "kernel.ftrace_enabled=0 is refused while the module is loaded (%s)", strerror(-err));
	tap_ok(calls_work(true), "and the hook stays");
	unload();
	err = write_file(FTRACE_ENABLED, "0");
	if (err) {
		tap_ok(true, "kernel.ftrace_enabled=0 and the module # SKIP this kernel always refuses it (%s)",
		       strerror(-err));
		return;
	}
	mark_log();
	tap_is(module_load(), -EBUSY, "then the module does not load");
	tap_ok(log_says("kernel.ftrace_enabled"), "and says why");
	tap_is(write_file(FTRACE_ENABLED, "1"), 0, "kernel.ftrace_enabled is 1 again");
}

/*
 * Another module that redirects the function: this one under another name.
 * Names keep their length, so that the file stays an ELF file.
 */
static int load_other(void)
{
	size_t size;
	char *ko = read_file(module_path(), &size);
	int err;

	for (size_t i = 0; i + 5 <= size; i++)
		if (!memcmp(ko + i, "nexus", 5))
			memcpy(ko + i, "other", 5);
	err = syscall(SYS_init_module, ko, size, "") ? -errno : 0;
	free(ko);
	return err;
}

static void test_second_redirection(void)
{
	load();
	mark_log();
	tap_is(load_other(), -EBUSY, "a second module that redirects the function is refused");
	tap_ok(log_says("other_kvm: cannot hook " FUNCTION), "by ftrace");
	tap_ok(calls_work(true), "the calls work");
	unload();

	if (!tap_is(load_other(), 0, "without ours it loads"))
		return;
	mark_log();
	tap_is(module_load(), -EBUSY, "and now ours is refused");
	tap_ok(log_says("nexus_kvm: cannot hook " FUNCTION) && log_says("nexus_kvm: a live patch or another module"),
	       "with a message that says why");
	tap_ok(calls_work(true), "the other's hook stays");
	tap_is(module_remove("other_kvm"), 0, "it unloads");
	tap_ok(calls_work(false), "the calls work");
}

static void test_nested(void)
{
	const char *paths[] = { "/sys/module/kvm_amd/parameters/nested", "/sys/module/kvm_intel/parameters/nested" };

	for (unsigned int i = 0; i < ARRAY_SIZE(paths); i++) {
		char *text;

		if (access(paths[i], R_OK))
			continue;
		text = read_file(paths[i], NULL);
		tap_ok(*text == '1' || *text == 'Y', "all this with nested virtualization on");
		free(text);
	}
}

int main(void)
{
	bool loaded = module_loaded();

	if (access(module_path(), R_OK))
		tap_skip_all("no module to load: set NEXUS_MODULE");
	if (access(TRACING "/available_filter_functions", F_OK))
		tap_skip_all("this kernel has no function tracer");
	if (mkdir(INSTANCE, 0700))
		tap_bail(INSTANCE);
	vmm_open(&vmm, 1, MAP_PRIVATE);
	if (loaded)
		unload();
	test_tracers();
	test_tracers_first();
	test_module_first();
	test_ftrace_enabled();
	test_second_redirection();
	test_nested();
	if (loaded)
		load();
	vmm_close(&vmm);
	if (rmdir(INSTANCE))
		tap_bail("removing " INSTANCE);
	return tap_done();
}
