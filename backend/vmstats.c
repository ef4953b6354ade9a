// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include "cleanup.h"
#include "vmstats.h"

const char *const vmstats_names[VMSTATS_COUNTERS] = {
	"probe", "open", "share", "unshare", "kick", "wait", "close", "unknown",
	"refused", "halts", "notifies", "wakes",
};

struct vmstats_dump {
	struct vmstats *vms;
	int count;
	int error;
};

static void cleanup_socket(struct nl_sock **socket)
{
	if (*socket)
		nl_socket_free(*socket);
}

static void cleanup_message(struct nl_msg **message)
{
	if (*message)
		nlmsg_free(*message);
}

/* libnl has error numbers of its own. */
static int vmstats_errno(int nl)
{
	switch (-nl) {
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static uint32_t attr_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static int vmstats_parse(struct nl_msg *message, void *arg)
{
	struct nlattr *attrs[NEXUS_A_MAX + 1];
	struct vmstats_dump *dump = arg;
	struct vmstats *grown, *vm;

	if (genlmsg_parse(nlmsg_hdr(message), 0, attrs, NEXUS_A_MAX, NULL) < 0 || !attrs[NEXUS_A_VM_ID])
		return NL_SKIP;
	grown = realloc(dump->vms, (dump->count + 1) * sizeof(*grown));
	if (!grown) {
		dump->error = -ENOMEM;
		return NL_STOP;
	}
	dump->vms = grown;
	vm = &grown[dump->count++];
	*vm = (struct vmstats){
		.id = nla_get_u32(attrs[NEXUS_A_VM_ID]),
		.vmm_pid = (int32_t)attr_u32(attrs[NEXUS_A_VM_VMM_PID]),
		.state = attr_u32(attrs[NEXUS_A_VM_STATE]),
		.channels = attr_u32(attrs[NEXUS_A_VM_CHANNELS]),
		.pinned_pages = attr_u32(attrs[NEXUS_A_VM_PINNED_PAGES]),
		.max_pages = attr_u32(attrs[NEXUS_A_VM_MAX_PAGES]),
	};
	if (attrs[NEXUS_A_VM_TENANT])
		nla_strlcpy(vm->tenant, attrs[NEXUS_A_VM_TENANT], sizeof(vm->tenant));
	if (attrs[NEXUS_A_VM_FUNCTION])
		nla_strlcpy(vm->function, attrs[NEXUS_A_VM_FUNCTION], sizeof(vm->function));
	for (int i = 0; i < VMSTATS_COUNTERS; i++) {
		if (attrs[VMSTATS_FIRST_COUNTER + i])
			vm->counters[i] = nla_get_u64(attrs[VMSTATS_FIRST_COUNTER + i]);
	}
	return NL_OK;
}

int vmstats_dump(struct vmstats **vms)
{
	__attribute__((cleanup(cleanup_message))) struct nl_msg *message = nlmsg_alloc();
	__attribute__((cleanup(cleanup_socket))) struct nl_sock *socket = nl_socket_alloc();
	struct vmstats_dump dump = { 0 };
	int family, ret;

	*vms = NULL;
	if (!message || !socket)
		return -ENOMEM;
	ret = genl_connect(socket);
	if (ret)
		return vmstats_errno(ret);
	family = genl_ctrl_resolve(socket, NEXUS_GENL_NAME);
	if (family < 0)
		return vmstats_errno(family);
	if (!genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_DUMP, NEXUS_CMD_VM_GET,
			 NEXUS_GENL_VERSION))
		return -ENOMEM;
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, vmstats_parse, &dump);
	ret = nl_send_auto(socket, message);
	if (ret >= 0)
		ret = nl_recvmsgs_default(socket);
	if (ret >= 0 && !dump.error) {
		*vms = dump.vms;
		return dump.count;
	}
	free(dump.vms);
	return dump.error ? dump.error : vmstats_errno(ret);
}
