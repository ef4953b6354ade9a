// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault injection: whatever can fail inside a call is made to fail, one thing
 * after another. The error is the documented one, nothing stays behind, and the
 * next call succeeds.
 */
#include <errno.h>
#include <fcntl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile.h"
#include "inject.h"
#include "nexus.h"
#include "vmm.h"

#define MOST 300		/* injections into one call: it never ended otherwise */
#define LIMIT 600U
#define GUEST_CODE 0x6000UL	/* vmm.h */
#define GUEST_PD 0x3000UL
#define GUEST_PT2 0x5000UL	/* free in vmm.h's map: a page table for the next 2 MiB */
#define WINDOW 0x200000UL	/* what it maps: all of VMM_DATA.., over and over */
#define FRAMES 400UL
#define FIRST_FRESH 12UL	/* frames that are not populated when they are shared */
#define FRESH 3UL
#define MAP_AT ((void *)0x500000000000)	/* far from all else: needs page tables of its own */

static int device, handle = -1;
static int family, group;
static uint32_t id;
static struct vmm vmm;

/* A call to inject into. */
struct scenario {
	const char *name;
	void (*prepare)(void);
	int64_t (*call)(void);		/* negative: an errno */
	void (*undo)(void);		/* of a call that succeeded */
	int64_t want;			/* exact result, or 0: any that is not negative */
	int also;			/* another error that is the kernel's own, in its part of the call */
};

static int64_t last;		/* result of the last call */

static int silent;		/* errors of allocations that leave no trace (__GFP_NOWARN) */

static bool is_good(const struct scenario *s, int64_t result)
{
	return s->want ? result == s->want : result >= 0;
}

static bool is_documented(const struct scenario *s, const struct fault *fault, int64_t result)
{
	if (is_good(s, result) || (s->also && result == -s->also))
		return true;
	if (!strcmp(fault->kind, "fail_usercopy"))
		return result == -EFAULT;
	return result == -ENOMEM;
}

static void run(const struct scenario *s)
{
	int nth, errors = 0, undocumented = 0, stuck = 0;
	struct fault fault;
	bool injected;

	/* Once without: everything that it needs in user space is in place. */
	if (s->prepare)
		s->prepare();
	last = s->call();
	if (!tap_ok(is_good(s, last), "%s without a fault", s->name))
		printf("#   it is %ld\n", (long)last);
	if (is_good(s, last) && s->undo)
		s->undo();
	for (nth = 1; nth <= MOST; nth++) {
		if (s->prepare)
			s->prepare();
		injected = !inject(nth, s->call, &last);
		if (injected) {
			inject_read_fault(&fault);
			if (fault.site[0] || last < 0)
				printf("# %s, fault %d: %s in %s: %ld\n", s->name, nth,
				       fault.kind[0] ? fault.kind : "(not logged)",
				       fault.site[0] ? fault.site : "the kernel", (long)last);
			errors += last < 0;
			silent += last == -ENOMEM && !fault.kind[0];
			undocumented += !is_documented(s, &fault, last);
			if (!is_good(s, last)) {
				/* Again, without a fault. */
				last = s->call();
				stuck += !is_good(s, last);
			}
		}
		if (is_good(s, last) && s->undo)
			s->undo();
		if (!injected)
			break;
	}
	tap_ok(nth <= MOST, "%s: %d faults, one at a time, %d of them errors", s->name, nth - 1, errors);
	tap_is(undocumented, 0, "each error is the documented one");
	tap_is(stuck, 0, "after each the same call succeeds");
}

/* The vCPU is in user mode already: only its registers change, so that nothing but KVM_RUN can fail. */
static void set_registers(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	struct kvm_regs regs = { .rip = GUEST_CODE, .rflags = 0x3002, .rax = nr, .rbx = a0, .rcx = a1, .rdx = a2 };

	vmm_call(&vmm, 0, NEXUS_HC_PROBE, 0, 0, 0);
	if (ioctl(vmm.vcpus[0].fd, KVM_SET_REGS, &regs))
		tap_bail("KVM_SET_REGS");
}

/*
 * A fault in KVM's own part ends KVM_RUN with an error; then the call is still to be made, or its
 * result still to be taken. Either way the guest goes on without a fault. Or KVM cannot read the
 * instruction that it steps over, an internal error; the result is in RAX already.
 */
static int64_t run_vcpu(void)
{
	struct kvm_run *state = vmm.vcpus[0].run;
	struct kvm_regs regs;

	if (ioctl(vmm.vcpus[0].fd, KVM_RUN, 0)) {
		inject_disarm();
		return vmm_resume(&vmm, 0);
	}
	if (state->exit_reason != KVM_EXIT_IO && state->exit_reason != KVM_EXIT_INTERNAL_ERROR)
		tap_bail("the guest left its code");
	while (ioctl(vmm.vcpus[0].fd, KVM_GET_REGS, &regs))
		;
	return regs.rax;
}

static void adopt(void)
{
	handle = nexus_adopt(device, vmm.vm, LIMIT, &id);
	if (handle < 0)
		tap_bail("adopt");
}

static void release(void)
{
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);
	handle = -1;
}

static int listener;	/* for the module to have someone to tell */

static void drain(void)
{
	char message[4096];

	while (recv(listener, message, sizeof(message), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
		;
}

static int64_t call_adopt(void)
{
	struct nexus_adopt adopt = {
		.vm_fd = vmm.vm, .max_pages = LIMIT, .tenant = "tenant", .function = "function",
	};

	handle = ioctl(device, NEXUS_IOC_ADOPT, &adopt);
	return handle < 0 ? -errno : handle;
}

static void undo_adopt(void)
{
	release();
	drain();
}

static int64_t call_attach(void)
{
	handle = ioctl(device, NEXUS_IOC_ATTACH, &(struct nexus_attach){ .vm_id = id });
	return handle < 0 ? -errno : handle;
}

static void undo_attach(void)
{
	close(handle);
	handle = -1;
	drain();
}

static void prepare_open(void)
{
	set_registers(NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
}

static void undo_open(void)
{
	if (vmm_call(&vmm, 0, NEXUS_HC_CLOSE, last, 0, 0) || ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, last))
		tap_bail("NEXUS_IOC_RELEASE_CHANNEL");
}

static unsigned int share_pages;

static void map_window(void)
{
	uint64_t *pt = (uint64_t *)(vmm.memory + GUEST_PT2);

	*(uint64_t *)(vmm.memory + GUEST_PD + 8) = GUEST_PT2 | 7;
	for (uint64_t i = 0; i < 512; i++)
		pt[i] = (VMM_DATA + i % FRAMES * 4096) | 7;
	memset(vmm.memory + VMM_DATA, 1, FRAMES * 4096);
}

static void prepare_share(void)
{
	if (madvise(vmm.memory + VMM_DATA + FIRST_FRESH * 4096, FRESH * 4096, MADV_DONTNEED))
		tap_bail("MADV_DONTNEED");
	set_registers(NEXUS_HC_SHARE, 0, WINDOW, share_pages);
}

static int bad_pins;

static int64_t call_share(void)
{
	int64_t result = run_vcpu();

	/* The next one is without a fault, and wants the registers again. */
	if (result < 0)
		set_registers(NEXUS_HC_SHARE, 0, WINDOW, share_pages);
	return result;
}

static void undo_share(void)
{
	bad_pins += nexus_counter(id, NEXUS_A_VM_PINNED_PAGES) != 1 + share_pages;
	vmm_call(&vmm, 0, NEXUS_HC_UNSHARE, 0, 1, 0);
	bad_pins += nexus_counter(id, NEXUS_A_VM_PINNED_PAGES) != 1;
}

static int64_t call_open(void)
{
	int64_t result = run_vcpu();

	if (result < 0)
		prepare_open();
	return result;
}

static int64_t call_mmap(void)
{
	void *p = mmap(MAP_AT, 16 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, handle,
		       NEXUS_MMAP_OFFSET(0, 1));

	return p == MAP_FAILED ? -errno : 0;
}

static void undo_mmap(void)
{
	if (munmap(MAP_AT, 16 * 4096))
		tap_bail("munmap");
}

static int64_t call_grants(void)
{
	struct nexus_grant list[4];
	struct nexus_grants grants = { .capacity = 4, .grants = (uintptr_t)list };

	if (ioctl(handle, NEXUS_IOC_GRANTS, &grants))
		return -errno;
	return grants.count == 2 && list[1].first == 1 && list[1].pages == 16 ? 2 : 0;
}

static uint64_t frames[8];

static int64_t call_frames(void)
{
	struct nexus_frames list = { .capacity = 8, .frames = (uintptr_t)frames };

	if (ioctl(handle, NEXUS_IOC_FRAMES, &list))
		return -errno;
	return list.count == 1 + 16 ? list.count : 0;
}

/* Other frames, not populated, as channel 1; the guest closes it, and the daemon frees it. */
static void prepare_restore(void)
{
	const uint64_t at = VMM_DATA + 100 * NEXUS_PAGE_SIZE;

	for (uint64_t i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i] = (at >> 12) + i;
	if (madvise(vmm.memory + at, ARRAY_SIZE(frames) * NEXUS_PAGE_SIZE, MADV_DONTNEED))
		tap_bail("MADV_DONTNEED");
}

static int64_t call_restore(void)
{
	static const struct nexus_grant grants[] = { { 0, 3 }, { 3, 5 } };
	struct nexus_restore restore = {
		.channel = 1, .count = 2, .grants = (uintptr_t)grants, .frames = (uintptr_t)frames,
	};

	return ioctl(handle, NEXUS_IOC_RESTORE, &restore) ? -errno : 0;
}

static void undo_restore(void)
{
	if (vmm_call(&vmm, 0, NEXUS_HC_CLOSE, 1, 0, 0) || ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, 1))
		tap_bail("NEXUS_IOC_RELEASE_CHANNEL");
	/* The pages go a grace period later. */
	bad_pins += nexus_counter_wait(id, NEXUS_A_VM_PINNED_PAGES, 1 + 16) != 1 + 16;
}

static void prepare_release(void)
{
	adopt();
	vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 2);
}

static int64_t call_release(void)
{
	return ioctl(handle, NEXUS_IOC_RELEASE) ? -errno : 0;
}

static void undo_release(void)
{
	close(handle);
	handle = -1;
	drain();
}

static int ask_fd = -1;

static void prepare_ask(void)
{
	if (ask_fd >= 0)
		close(ask_fd);
	ask_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (ask_fd < 0)
		tap_bail("netlink");
}

/* Everything that comes back; the kernel has sent it all by the time we look. */
static int64_t take_answer(bool dump)
{
	static char buffer[32768];
	bool found = false;

	for (;;) {
		ssize_t n = recv(ask_fd, buffer, sizeof(buffer), MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN && found && !dump ? 1 : -errno;
		for (struct nlmsghdr *h = (void *)buffer; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			int error = h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE ?
				    *(int *)NLMSG_DATA(h) : 0;

			if (error)
				return error;
			if (h->nlmsg_type == NLMSG_DONE)
				return found ? 1 : 0;
			found |= h->nlmsg_type == family;
		}
	}
}

static int64_t ask(bool dump)
{
	struct {
		struct nlmsghdr nl;
		struct genlmsghdr genl;
		struct nlattr attr;
		uint32_t vm;
	} message = {
		.nl = { .nlmsg_len = sizeof(message), .nlmsg_type = family,
			.nlmsg_flags = NLM_F_REQUEST | (dump ? NLM_F_DUMP : 0) },
		.genl = { .cmd = NEXUS_CMD_VM_GET, .version = NEXUS_GENL_VERSION },
		.attr = { .nla_len = 8, .nla_type = NEXUS_A_VM_ID },
		.vm = id,
	};

	if (send(ask_fd, &message, sizeof(message), 0) < 0)
		return -errno;
	return take_answer(dump);
}

static int64_t call_dump(void)
{
	int64_t result = ask(true);

	/* What a socket was told by halves it does not tell again. */
	if (result < 0) {
		inject_disarm();
		prepare_ask();
	}
	return result;
}

static int64_t call_get(void)
{
	int64_t result = ask(false);

	if (result < 0) {
		inject_disarm();
		prepare_ask();
	}
	return result;
}

static void find_family(void)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock || genl_connect(sock))
		tap_bail("netlink");
	family = genl_ctrl_resolve(sock, NEXUS_GENL_NAME);
	group = genl_ctrl_resolve_grp(sock, NEXUS_GENL_NAME, NEXUS_GENL_MCGRP_EVENTS);
	nl_socket_free(sock);
	listener = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (family < 0 || group < 0 || setsockopt(listener, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		tap_bail("the events' group");
}

static void test_handles(void)
{
	run(&(struct scenario){ "ADOPT", NULL, call_adopt, undo_adopt, 0, 0 });
	run(&(struct scenario){ "RELEASE", prepare_release, call_release, undo_release, 0, 0 });
	adopt();
	close(handle);
	run(&(struct scenario){ "ATTACH", NULL, call_attach, undo_attach, 0, 0 });
	handle = nexus_attach(device, id);
	tap_ok(handle >= 0, "the orphan is whole after that");
}

static void test_calls(void)
{
	run(&(struct scenario){ "OPEN", prepare_open, call_open, undo_open, 0, 0 });
	tap_is(nexus_counter(id, NEXUS_A_VM_CHANNELS), 0, "no channel stays behind");
	vmm_call(&vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 1);
	map_window();
	/* Page lists beyond a page take another allocator when the first one fails. */
	share_pages = 16;
	run(&(struct scenario){ "SHARE", prepare_share, call_share, undo_share, 1 + 16, 0 });
	share_pages = 512;
	run(&(struct scenario){ "SHARE of 512 pages", prepare_share, call_share, undo_share, 1 + 512, 0 });
	tap_is(bad_pins, 0, "the count of pinned pages is right each time");
}

static void test_daemon(void)
{
	vmm_call(&vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 16);
	run(&(struct scenario){ "mmap", NULL, call_mmap, undo_mmap, 0, 0 });
	run(&(struct scenario){ "GRANTS", NULL, call_grants, NULL, 2, 0 });
	run(&(struct scenario){ "FRAMES", NULL, call_frames, NULL, 1 + 16, 0 });
	run(&(struct scenario){ "RESTORE", prepare_restore, call_restore, undo_restore, 0, 0 });
	tap_is(bad_pins, 0, "the count of pinned pages is right after each");
	/* Netlink's own word for a lack of memory. */
	run(&(struct scenario){ "the netlink dump", prepare_ask, call_dump, NULL, 1, ENOBUFS });
	run(&(struct scenario){ "the netlink question", prepare_ask, call_get, NULL, 1, ENOBUFS });
}

static void test_works(void)
{
	uint32_t *map = nexus_map(handle, 0, 1, 16);

	vmm.memory[VMM_DATA] = 42;
	tap_ok(map && *(char *)map == 42, "afterwards the daemon sees what the guest wrote");
	nexus_events(handle, 0);
	tap_is(vmm_call(&vmm, 0, NEXUS_HC_KICK, 0, 0, 0), 0, "KICK works");
	tap_is(nexus_events(handle, 0), NEXUS_EVENT_KICKED, "the daemon hears it");
	vmm_call(&vmm, 0, NEXUS_HC_CLOSE, 0, 0, 0);
	tap_is(ioctl(handle, NEXUS_IOC_RELEASE_CHANNEL, 0), 0, "the channel is freed");
	if (map)
		munmap(map, 16 * 4096);
	tap_is(nexus_counter_wait(id, NEXUS_A_VM_PINNED_PAGES, 0), 0, "and no page stays pinned");
}

static void test_sites(void)
{
	/* Those that allocate, pin or map, or call what does. */
	static const char *const expected[] = {
		"nexus_vm_adopt", "nexus_device_ioctl", "nexus_netlink_event", "nexus_channel_alloc",
		"nexus_kvm_pin", "nexus_grant_mmap", "nexus_netlink_get_vm",
		"nexus_handle_ioctl", "nexus_channel_frames", "nexus_kvm_pin_frames",
	};

	for (size_t e = 0; e < sizeof(expected) / sizeof(expected[0]); e++)
		tap_ok(inject_hit(expected[e]), "something was made to fail in %s()", expected[e]);
	/* A guest's SHARE asks for it, and a trace would be a line in the log. */
	tap_ok(silent, "and the allocation of a grant's list of pages, without a trace");
	inject_print_sites();
}

int main(void)
{
	device = nexus_device();
	inject_set_up();
	find_family();
	vmm_open(&vmm, 1, MAP_PRIVATE);
	test_handles();
	test_calls();
	test_daemon();
	test_works();
	test_sites();
	release();
	vmm_close(&vmm);
	tap_ok(all_unpinned(), "the kernel has released every page that it ever pinned");
	return tap_done();
}
