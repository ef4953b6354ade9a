// SPDX-License-Identifier: GPL-2.0-only
/* Generic netlink family "nexus": dump of VMs, events. See nexus_netlink.h. */
#include <linux/module.h>
#include <net/genetlink.h>

#include "channel.h"
#include "compat.h"
#include "netlink.h"
#include "vm.h"

static struct genl_family nexus_netlink_family;

static int nexus_netlink_put_name(struct sk_buff *skb, struct nexus_vm *vm)
{
	if (nla_put_u32(skb, NEXUS_A_VM_ID, vm->id) ||
	    nla_put_string(skb, NEXUS_A_VM_TENANT, vm->tenant) ||
	    nla_put_string(skb, NEXUS_A_VM_FUNCTION, vm->function) ||
	    nla_put_s32(skb, NEXUS_A_VM_VMM_PID, vm->vmm_pid) ||
	    nla_put_u32(skb, NEXUS_A_VM_STATE, nexus_vm_state(vm)))
		return -EMSGSIZE;
	return 0;
}

static int nexus_netlink_put_u64(struct sk_buff *skb, int attr, atomic64_t *counter)
{
	return nla_put_u64_64bit(skb, attr, atomic64_read(counter), NEXUS_A_PAD);
}

static int nexus_netlink_put_counters(struct sk_buff *skb, struct nexus_vm *vm)
{
	int i;

	if (nla_put_u32(skb, NEXUS_A_VM_CHANNELS, nexus_channel_count(vm)) ||
	    nla_put_u32(skb, NEXUS_A_VM_PINNED_PAGES, atomic_read(&vm->pinned)) ||
	    nla_put_u32(skb, NEXUS_A_VM_MAX_PAGES, vm->max_pages))
		return -EMSGSIZE;
	/* The attributes follow the hypercalls' order. */
	BUILD_BUG_ON(NEXUS_A_VM_CLOSE - NEXUS_A_VM_PROBE != NEXUS_HC_COUNT - 1);
	for (i = 0; i < NEXUS_HC_COUNT; i++)
		if (nexus_netlink_put_u64(skb, NEXUS_A_VM_PROBE + i, &vm->calls[i]))
			return -EMSGSIZE;
	if (nexus_netlink_put_u64(skb, NEXUS_A_VM_UNKNOWN, &vm->unknown) ||
	    nexus_netlink_put_u64(skb, NEXUS_A_VM_REFUSED, &vm->refused) ||
	    nexus_netlink_put_u64(skb, NEXUS_A_VM_HALTS, &vm->halts) ||
	    nexus_netlink_put_u64(skb, NEXUS_A_VM_NOTIFIES, &vm->notifies) ||
	    nexus_netlink_put_u64(skb, NEXUS_A_VM_WAKES, &vm->wakes))
		return -EMSGSIZE;
	return 0;
}

/* Where an answer goes: a dump's skb, or the one of a single question. */
struct nexus_netlink_answer {
	struct sk_buff *skb;
	u32 portid;
	u32 seq;
	int flags;
	u32 only;	/* id, or 0: all */
	bool found;
};

static int nexus_netlink_put_vm(struct nexus_vm *vm, void *data)
{
	struct nexus_netlink_answer *answer = data;
	void *head;

	if (answer->only && vm->id != answer->only)
		return 0;
	head = genlmsg_put(answer->skb, answer->portid, answer->seq, &nexus_netlink_family,
			   answer->flags, NEXUS_CMD_VM_GET);
	if (!head)
		return -EMSGSIZE;
	if (nexus_netlink_put_name(answer->skb, vm) ||
	    nexus_netlink_put_counters(answer->skb, vm)) {
		genlmsg_cancel(answer->skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(answer->skb, head);
	answer->found = true;
	return 0;
}

static int nexus_netlink_dump_vms(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nexus_netlink_answer answer = {
		.skb = skb,
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.flags = NLM_F_MULTI,
	};
	u32 after = cb->args[0];
	int err;

	err = nexus_vm_for_each(&after, nexus_netlink_put_vm, &answer);
	cb->args[0] = after;
	/* A full skb with something in it goes out; the dump is called again. */
	return err && !skb->len ? err : skb->len;
}

static int nexus_netlink_get_vm(struct sk_buff *request, struct genl_info *info)
{
	struct nexus_netlink_answer answer = {
		.portid = info->snd_portid,
		.seq = info->snd_seq,
	};
	u32 after;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, NEXUS_A_VM_ID))
		return -EINVAL;
	answer.only = nla_get_u32(info->attrs[NEXUS_A_VM_ID]);
	if (!answer.only)
		return -ENOENT;
	after = answer.only - 1;
	answer.skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!answer.skb)
		return -ENOMEM;
	err = nexus_vm_for_each(&after, nexus_netlink_put_vm, &answer);
	if (!err && !answer.found)
		err = -ENOENT;
	if (err) {
		nlmsg_free(answer.skb);
		return err;
	}
	return genlmsg_reply(answer.skb, info);
}

static const struct nla_policy nexus_netlink_policy[] = {
	[NEXUS_A_VM_ID] = { .type = NLA_U32 },
};

static const struct genl_ops nexus_netlink_ops[] = {
	{
		.cmd = NEXUS_CMD_VM_GET,
		.flags = GENL_ADMIN_PERM,
		.doit = nexus_netlink_get_vm,
		.dumpit = nexus_netlink_dump_vms,
	},
};

static const struct genl_multicast_group nexus_netlink_groups[] = {
	{ .name = NEXUS_GENL_MCGRP_EVENTS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

static struct genl_family nexus_netlink_family __ro_after_init = {
	.name = NEXUS_GENL_NAME,
	.version = NEXUS_GENL_VERSION,
	.maxattr = NEXUS_A_VM_ID,
	.policy = nexus_netlink_policy,
	.module = THIS_MODULE,
	.ops = nexus_netlink_ops,
	.n_ops = ARRAY_SIZE(nexus_netlink_ops),
	.resv_start_op = __NEXUS_CMD_MAX,
	.mcgrps = nexus_netlink_groups,
	.n_mcgrps = ARRAY_SIZE(nexus_netlink_groups),
};

void nexus_netlink_event(struct nexus_vm *vm, enum nexus_vm_event event)
{
	struct sk_buff *skb;
	void *head;

	if (!genl_has_listeners(&nexus_netlink_family, &init_net, 0))
		return;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		return;
	head = genlmsg_put(skb, 0, 0, &nexus_netlink_family, 0, NEXUS_CMD_VM_EVENT);
	if (!head || nexus_netlink_put_name(skb, vm) || nla_put_u32(skb, NEXUS_A_VM_EVENT, event)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	genlmsg_multicast(&nexus_netlink_family, skb, 0, 0, GFP_KERNEL);
}

int __init nexus_netlink_init(void)
{
	return genl_register_family(&nexus_netlink_family);
}

void nexus_netlink_exit(void)
{
	genl_unregister_family(&nexus_netlink_family);
}
