/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT */
/*
 * The unix transport: the same arena without a VM, for containers, laptops,
 * tests and benchmarks at native speed.
 *
 * The guest library connects to a SOCK_SEQPACKET socket of the daemon. Each
 * listening socket belongs to one tenant and one function (the daemon's
 * configuration), so that a connection is an adopted guest with one channel.
 *
 *	guest -> daemon  HELLO {version, pages}, with two file descriptors
 *	                 (SCM_RIGHTS): a memfd sealed with F_SEAL_SHRINK that holds
 *	                 the arena, and an eventfd that the guest writes to KICK.
 *	daemon -> guest  HELLO {version, status}
 *	guest -> daemon  ARENA {pages}: the arena grew (the memfd is that long
 *	                 already) or shrank (holes may be punched after the answer)
 *	daemon -> guest  ARENA {pages, status}
 *	guest closes     the channel ends. The daemon takes what was submitted and
 *	                 holds all its data, finishes that and what it acknowledged,
 *	                 sets NEXUS_HOST_GONE and unmaps.
 *	daemon closes    it set NEXUS_HOST_BROKEN or NEXUS_HOST_GONE before: the
 *	                 channel ended. Otherwise it died or stops: the guest connects
 *	                 to the next daemon, at the same path, and sends
 *	guest -> daemon  REATTACH, as HELLO, with the same file descriptors and the
 *	                 arena's last agreed size. The daemon recovers what is in
 *	                 flight (nexus_ring.h) and answers REATTACH.
 *
 * WAIT is FUTEX_WAIT on cq_tail, wake-up FUTEX_WAKE (not private) by the
 * daemon. status: 0 or a negative errno: -EPROTONOSUPPORT major differs;
 * -EINVAL not a memfd, seal missing, memfd shorter than pages; -ENOSPC beyond
 * the tenant's limit; -EBADMSG a message that is not of this form (the daemon
 * closes the connection).
 */
#ifndef _UAPI_NEXUS_UNIX_H
#define _UAPI_NEXUS_UNIX_H

#include <linux/types.h>

#define NEXUS_UNIX_HELLO	1U
#define NEXUS_UNIX_ARENA	2U
#define NEXUS_UNIX_REATTACH	3U

struct nexus_unix_msg {
	__u32 type;		/* NEXUS_UNIX_* */
	__u32 version;		/* NEXUS_ABI_VERSION of the sender */
	__u32 pages;		/* arena's size */
	__s32 status;		/* 0 in a request */
};

_Static_assert(sizeof(struct nexus_unix_msg) == 16, "nexus_unix_msg");

#endif
