/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT */
/*
 * Generic netlink family "nexus": who is adopted, and what they did.
 *
 * NEXUS_CMD_VM_GET, with NLM_F_DUMP: one message per adopted VM.
 *	NEXUS_CMD_VM_GET, without: NEXUS_A_VM_ID (u32, required) picks one;
 *	-ENOENT if there is none. Needs CAP_NET_ADMIN (GENL_ADMIN_PERM).
 *	Each answer holds all of NEXUS_A_VM_*.
 *
 * NEXUS_CMD_VM_EVENT: sent to the multicast group "events" (CAP_NET_ADMIN to
 *	join): NEXUS_A_VM_ID, _TENANT, _FUNCTION, _VMM_PID, _STATE and
 *	NEXUS_A_VM_EVENT (u32, enum nexus_vm_event).
 *
 * Counters count since adoption, never go back, and survive daemons.
 */
#ifndef _UAPI_NEXUS_NETLINK_H
#define _UAPI_NEXUS_NETLINK_H

#define NEXUS_GENL_NAME		"nexus"
#define NEXUS_GENL_VERSION	1
#define NEXUS_GENL_MCGRP_EVENTS	"events"

enum nexus_cmd {
	NEXUS_CMD_UNSPEC,
	NEXUS_CMD_VM_GET,
	NEXUS_CMD_VM_EVENT,
	__NEXUS_CMD_MAX,
};
#define NEXUS_CMD_MAX (__NEXUS_CMD_MAX - 1)

enum nexus_attr {
	NEXUS_A_UNSPEC,
	NEXUS_A_PAD,
	NEXUS_A_VM_ID,			/* u32 */
	NEXUS_A_VM_TENANT,		/* string */
	NEXUS_A_VM_FUNCTION,		/* string */
	NEXUS_A_VM_VMM_PID,		/* s32 as given at ADOPT */
	NEXUS_A_VM_STATE,		/* u32, enum nexus_vm_state */
	NEXUS_A_VM_CHANNELS,		/* u32: channels open or closing */
	NEXUS_A_VM_PINNED_PAGES,	/* u32: now */
	NEXUS_A_VM_MAX_PAGES,		/* u32: limit */
	NEXUS_A_VM_PROBE,		/* u64: hypercalls by kind, refused ones included */
	NEXUS_A_VM_OPEN,		/* u64 */
	NEXUS_A_VM_SHARE,		/* u64 */
	NEXUS_A_VM_UNSHARE,		/* u64 */
	NEXUS_A_VM_KICK,		/* u64 */
	NEXUS_A_VM_WAIT,		/* u64 */
	NEXUS_A_VM_CLOSE,		/* u64 */
	NEXUS_A_VM_UNKNOWN,		/* u64: numbers in our range that name no call */
	NEXUS_A_VM_REFUSED,		/* u64: calls that returned an error */
	NEXUS_A_VM_HALTS,		/* u64: WAITs that halted their vCPU */
	NEXUS_A_VM_NOTIFIES,		/* u64: NEXUS_IOC_NOTIFY calls */
	NEXUS_A_VM_WAKES,		/* u64: vCPUs woken by them */
	NEXUS_A_VM_EVENT,		/* u32, enum nexus_vm_event; events only */
	__NEXUS_A_MAX,
};
#define NEXUS_A_MAX (__NEXUS_A_MAX - 1)

enum nexus_vm_state {
	NEXUS_VM_ATTACHED,	/* a daemon holds the handle */
	NEXUS_VM_ORPHANED,	/* no daemon; waiting for one */
	NEXUS_VM_DEAD,		/* the VMM is gone; the daemon has yet to let go */
};

enum nexus_vm_event {
	NEXUS_VM_EVENT_ADOPTED,
	NEXUS_VM_EVENT_ATTACHED,
	NEXUS_VM_EVENT_ORPHANED,
	NEXUS_VM_EVENT_DIED,
	NEXUS_VM_EVENT_RELEASED,
};

#endif
