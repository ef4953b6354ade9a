/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Between libnexus-guest and nexus-init: a SOCK_SEQPACKET socket, a request
 * and its answer at a time. nexus-init owns the arena, so that a process that
 * dies leaves no page to the guest's kernel while the host still writes there.
 *
 *	HELLO {version, pages, slots}	-> {status, channel, pages, slots} and,
 *		on success, the arena's memfd (SCM_RIGHTS). Once a connection.
 *	ARENA {pages}			-> {status, pages}
 *		grow by at most NEXUS_SHARE_MAX_PAGES, or shrink to a size that
 *		the arena had before it grew.
 *	RESEED {seconds, milliseconds}	-> {status}
 *		this guest is a clone: let its kernel begin its random numbers afresh, from what was written
 *		to /dev/urandom before, and set its clock, which stands where the snapshot was taken, forward to the
 *		host's, in Unix time (0: unknown). Needs no HELLO.
 *
 * The end of the connection closes the channel. KICK and WAIT are executed by
 * the process itself.
 *
 * status: 0 or a negative errno: that of the hypercall (nexus_hypercall.h), or
 * -ENODEV no Nexus host; -EMFILE too many processes; -EBADMSG not of this
 * form; -EINVAL a number out of range; -ENOMEM the guest lacks memory;
 * -ENOSPC the arena is at its limit.
 */
#ifndef INIT_PROTOCOL_H
#define INIT_PROTOCOL_H

#include <stdint.h>

#define INIT_SOCKET	"/run/nexus-guest.sock"

#define INIT_HELLO	1U
#define INIT_ARENA	2U
#define INIT_RESEED	3U

struct init_msg {
	uint32_t type;		/* INIT_* */
	uint32_t version;	/* NEXUS_ABI_VERSION of the sender */
	union {
		uint32_t pages;		/* the arena's size */
		uint32_t seconds;	/* RESEED */
	};
	union {
		uint32_t slots;
		uint32_t milliseconds;	/* RESEED */
	};
	uint32_t channel;	/* answer to HELLO */
	int32_t status;		/* 0 in a request */
};

_Static_assert(sizeof(struct init_msg) == 24, "init_msg");

#endif
