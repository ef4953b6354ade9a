// SPDX-License-Identifier: GPL-2.0-only
/* What an operator can watch: netlink events, and tracepoints. */
#include <errno.h>
#include <fcntl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tap.h"
#include "nexus.h"
#include "vmm.h"

#define TRACING "/sys/kernel/tracing/"

struct seen {
	uint32_t vm_id;
	int64_t event;
	bool named;	/* tenant and function are as adopted */
};

static int event_parse(struct nl_msg *msg, void *data)
{
	struct nlattr *attrs[NEXUS_A_MAX + 1];
	struct seen *seen = data;

	if (genlmsg_hdr(nlmsg_hdr(msg))->cmd != NEXUS_CMD_VM_EVENT ||
	    genlmsg_parse(nlmsg_hdr(msg), 0, attrs, NEXUS_A_MAX, NULL) || !attrs[NEXUS_A_VM_EVENT])
		return NL_SKIP;
	seen->vm_id = nla_get_u32(attrs[NEXUS_A_VM_ID]);
	seen->event = nla_get_u32(attrs[NEXUS_A_VM_EVENT]);
	seen->named = !strcmp(nla_get_string(attrs[NEXUS_A_VM_TENANT]), "tenant") &&
		      !strcmp(nla_get_string(attrs[NEXUS_A_VM_FUNCTION]), "function");
	return NL_OK;
}

/* The next event within two seconds, or -1. */
static int64_t event_next(struct nl_sock *sock, struct seen *seen)
{
	struct pollfd pollfd = { .fd = nl_socket_get_fd(sock), .events = POLLIN };

	seen->event = -1;
	if (poll(&pollfd, 1, 2000) == 1)
		nl_recvmsgs_default(sock);
	return seen->event;
}

static void test_events(int device, struct vmm *vmm)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct seen seen;
	uint32_t id;
	int handle;

	if (!sock || genl_connect(sock))
		tap_bail("netlink");
	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, event_parse, &seen);
	if (nl_socket_add_membership(sock, genl_ctrl_resolve_grp(sock, NEXUS_GENL_NAME, NEXUS_GENL_MCGRP_EVENTS)))
		tap_bail("joining the group");

	handle = nexus_adopt(device, vmm->vm, 64, &id);
	tap_is(event_next(sock, &seen), NEXUS_VM_EVENT_ADOPTED, "adoption is an event");
	tap_ok(seen.vm_id == id && seen.named, "which names the VM, its tenant and its function");
	close(handle);
	tap_is(event_next(sock, &seen), NEXUS_VM_EVENT_ORPHANED, "so is the daemon's end");
	handle = nexus_attach(device, id);
	tap_is(event_next(sock, &seen), NEXUS_VM_EVENT_ATTACHED, "and the next one's start");
	vmm_close(vmm);
	tap_is(event_next(sock, &seen), NEXUS_VM_EVENT_DIED, "the VM's death");
	ioctl(handle, NEXUS_IOC_RELEASE);
	tap_is(event_next(sock, &seen), NEXUS_VM_EVENT_RELEASED, "and its release");
	close(handle);
	nl_socket_free(sock);
}

static void trace_write(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		tap_bail(file);
	close(fd);
}

static void test_tracepoints(int device, struct vmm *vmm)
{
	static const char *const names[] = { "nexus_hypercall", "nexus_share", "nexus_kick", "nexus_wake" };
	static char trace[1 << 16];
	uint32_t id;
	int handle = nexus_adopt(device, vmm->vm, 64, &id);
	int fd;

	trace_write(TRACING "trace", "");
	trace_write(TRACING "events/nexus/enable", "1");
	vmm_call(vmm, 0, NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0);
	vmm_call(vmm, 0, NEXUS_HC_SHARE, 0, VMM_DATA, 2);
	vmm_call(vmm, 0, NEXUS_HC_KICK, 0, 0, 0);
	ioctl(handle, NEXUS_IOC_NOTIFY, 0);
	trace_write(TRACING "events/nexus/enable", "0");
	ioctl(handle, NEXUS_IOC_RELEASE);
	close(handle);

	fd = open(TRACING "trace", O_RDONLY | O_CLOEXEC);
	for (ssize_t len = 0, n = 1; n > 0; len += n) {
		n = read(fd, trace + len, sizeof(trace) - 1 - len);
		if (n < 0)
			tap_bail(TRACING "trace");
	}
	close(fd);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tap_ok(strstr(trace, names[i]), "tracepoint %s fires", names[i]);
	tap_ok(strstr(trace, "channel=0 address=0x10000 pages=2 ret=2"), "and says what was shared");
}

int main(void)
{
	int device = nexus_device();
	struct vmm vmm;

	vmm_open(&vmm, 1, MAP_PRIVATE);
	test_events(device, &vmm);
	vmm_open(&vmm, 1, MAP_PRIVATE);
	if (access(TRACING "events/nexus", F_OK))
		tap_ok(true, "tracepoints # SKIP this kernel has no tracefs");
	else
		test_tracepoints(device, &vmm);
	vmm_close(&vmm);
	return tap_done();
}
