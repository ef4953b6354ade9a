// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tap.h"
#include "nexus.h"

int nexus_device(void)
{
	int fd = open(NEXUS_DEV_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		tap_skip_all("no " NEXUS_DEV_PATH ": nexus_kvm is not loaded");
	return fd;
}

int nexus_adopt(int device, int vm_fd, uint32_t max_pages, uint32_t *vm_id)
{
	struct nexus_adopt adopt = {
		.vm_fd = vm_fd, .max_pages = max_pages, .vmm_pid = getpid(),
		.tenant = "tenant", .function = "function",
	};
	int fd = ioctl(device, NEXUS_IOC_ADOPT, &adopt);

	if (fd < 0)
		return -errno;
	if (vm_id)
		*vm_id = adopt.vm_id;
	return fd;
}

int nexus_attach(int device, uint32_t vm_id)
{
	int fd = ioctl(device, NEXUS_IOC_ATTACH, &(struct nexus_attach){ .vm_id = vm_id });

	return fd < 0 ? -errno : fd;
}

void *nexus_map(int handle, uint32_t channel, uint32_t first, uint32_t pages)
{
	void *p = mmap(NULL, pages * NEXUS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, handle,
		       NEXUS_MMAP_OFFSET(channel, first));

	return p == MAP_FAILED ? NULL : p;
}

struct counter {
	int attr;
	int64_t value;
};

static int counter_parse(struct nl_msg *msg, void *data)
{
	struct nlattr *attrs[NEXUS_A_MAX + 1];
	struct counter *counter = data;

	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, NEXUS_A_MAX, NULL) || !attrs[counter->attr])
		return NL_SKIP;
	counter->value = nla_len(attrs[counter->attr]) == 8 ? (int64_t)nla_get_u64(attrs[counter->attr]) :
							      nla_get_u32(attrs[counter->attr]);
	return NL_OK;
}

int64_t nexus_counter(uint32_t vm_id, int attr)
{
	struct counter counter = { .attr = attr, .value = -1 };
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg = nlmsg_alloc();
	int family;

	if (!sock || !msg || genl_connect(sock))
		tap_bail("netlink");
	family = genl_ctrl_resolve(sock, NEXUS_GENL_NAME);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, counter_parse, &counter);
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, NEXUS_CMD_VM_GET, NEXUS_GENL_VERSION);
	nla_put_u32(msg, NEXUS_A_VM_ID, vm_id);
	/* An error answer (no such VM) leaves the value at -1. */
	if (nl_send_auto(sock, msg) < 0)
		tap_bail("netlink send");
	nl_recvmsgs_default(sock);
	nlmsg_free(msg);
	nl_socket_free(sock);
	return counter.value;
}

int64_t nexus_counter_wait(uint32_t vm_id, int attr, int64_t want)
{
	int64_t value = nexus_counter(vm_id, attr);

	for (int i = 0; i < 200 && value != want; i++) {
		usleep(10000);
		value = nexus_counter(vm_id, attr);
	}
	return value;
}

uint32_t nexus_events(int handle, uint32_t channel)
{
	struct nexus_event events[NEXUS_MAX_CHANNELS + 1];
	ssize_t n = read(handle, events, sizeof(events));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(events[0]); i++)
		if (events[i].channel == channel)
			return events[i].events;
	return 0;
}
