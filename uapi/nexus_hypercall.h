/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT */
/*
 * Nexus hypercalls: how a guest process talks to nexus_kvm.ko.
 *
 * Registers follow KVM's convention: RAX holds the number, RBX, RCX, RDX and
 * RSI the arguments; on return RAX holds the result, >= 0 on success or a
 * negative errno. No other register changes. The instruction is VMMCALL on AMD
 * and VMCALL on Intel. Any privilege level may call. Numbers outside
 * [NEXUS_HC_BASE, NEXUS_HC_END) are never looked at by Nexus.
 *
 * A guest must first find "KVMKVMKVM" in CPUID 0x40000000..: elsewhere the
 * instruction may raise #UD. On a KVM host without the module NEXUS_HC_PROBE
 * returns KVM's own refusal (-EPERM from CPL 3, -1000 from CPL 0).
 *
 * Life of a channel:
 *
 *	PROBE -> OPEN -> SHARE (control pages first) -> KICK / WAIT ... -> CLOSE
 *
 * A channel is one arena (see nexus_ring.h), owned by whoever opened it. Its
 * number is meaningful within its VM only. All calls but PROBE answer -EACCES
 * until a daemon on the host has adopted the VM.
 *
 * Common errors: -EACCES VM not adopted; -EBADF no such open channel in this
 * VM; -EINVAL a malformed argument; -ENOSYS a number in the range that this
 * module does not know.
 */
#ifndef _UAPI_NEXUS_HYPERCALL_H
#define _UAPI_NEXUS_HYPERCALL_H

/*
 * The version of everything in uapi/. A different major is refused: OPEN
 * answers -EPROTONOSUPPORT, and a daemon will not use a module of another one.
 * Within a major, the side with the lower minor decides what is used.
 */
#define NEXUS_ABI_MAJOR		1
#define NEXUS_ABI_MINOR		2
#define NEXUS_ABI_VERSION	((NEXUS_ABI_MAJOR << 16) | NEXUS_ABI_MINOR)
#define NEXUS_ABI_MAJOR_OF(v)	((v) >> 16)
#define NEXUS_ABI_MINOR_OF(v)	((v) & 0xffff)

#define NEXUS_HC_BASE		0x4e580000UL	/* "NX" in the upper half */

/*
 * PROBE(): returns NEXUS_ABI_VERSION of the module. Answers any VM.
 */
#define NEXUS_HC_PROBE		(NEXUS_HC_BASE + 0)

/*
 * OPEN(version): a new channel; returns its number, 0..NEXUS_MAX_CHANNELS-1.
 * -EPROTONOSUPPORT major differs; -EMFILE no channel number is free.
 */
#define NEXUS_HC_OPEN		(NEXUS_HC_BASE + 1)

/*
 * SHARE(channel, address, pages): append pages to the channel's arena. address
 * is a page-aligned virtual address of the caller, translated with the
 * caller's own rights: only what the caller can write can be shared. All or
 * nothing. Returns the arena's new size in pages.
 * The pages stay pinned on the host until UNSHARE or CLOSE, or the VM's death,
 * AND until the daemon unmapped them.
 * -EINVAL address unaligned, pages 0 or > NEXUS_SHARE_MAX_PAGES;
 * -EFAULT a page that the caller cannot write, or that is not plain memory;
 * -ENOSPC beyond the VM's limit of pinned pages or NEXUS_ARENA_MAX_PAGES;
 * -ENOMEM host memory; -EINTR the VMM has a signal pending (retry).
 */
#define NEXUS_HC_SHARE		(NEXUS_HC_BASE + 2)

/*
 * UNSHARE(channel, pages): shrink the arena to this many pages, which must be
 * a size that it had before one of its SHAREs, and not 0 (CLOSE does that). Returns 0. New requests may no
 * longer name what was cut off; requests in flight keep it until they end.
 */
#define NEXUS_HC_UNSHARE	(NEXUS_HC_BASE + 3)

/*
 * KICK(channel): the daemon has something to read in the submission ring.
 * Needed only while NEXUS_HOST_NEED_KICK is set. Returns 0.
 */
#define NEXUS_HC_KICK		(NEXUS_HC_BASE + 4)

/*
 * WAIT(channel, seen, idle): halt this vCPU until cq_tail differs from seen (32
 * bits), or any interrupt arrives. Returns 0; a return says nothing about
 * cq_tail, callers look again. Returns at once where the vCPU cannot halt in
 * the kernel. -ENXIO the control pages are not shared yet.
 * channel | NEXUS_WAIT_KICK: as KICK, then WAIT; -EBADF from a module of minor 0, which kicked nobody then.
 *
 * idle: milliseconds, more than NEXUS_IDLE_MAX count as that: for so long the
 * vCPU's own timer does not end the halt; what it has to say comes at the end.
 * A guest kernel whose process halts its vCPU does not know that it is idle, and
 * its tick would end a WAIT some hundred times a second. Everything else ends it as
 * ever: cq_tail, an interrupt of another source, a signal for the VMM. 0, and any
 * number to a module before minor 2, or in a VM with other channels, whose owners
 * may need their timers: the timer ends it.
 */
#define NEXUS_HC_WAIT		(NEXUS_HC_BASE + 5)
#define NEXUS_WAIT_KICK		(1UL << 62)
#define NEXUS_IDLE_MAX		1000	/* ms */

/*
 * CLOSE(channel): give the channel up. Returns 0. The number and the pages are
 * the daemon's until it has set NEXUS_HOST_GONE in host_state as its last
 * write to the arena; only then may the guest use the pages for other things.
 */
#define NEXUS_HC_CLOSE		(NEXUS_HC_BASE + 6)

#define NEXUS_HC_COUNT		7
#define NEXUS_HC_END		(NEXUS_HC_BASE + 16)	/* the rest is reserved */

/* Limits that every implementation of this ABI has. */
#define NEXUS_PAGE_SIZE		4096UL
#define NEXUS_MAX_CHANNELS	16	/* per VM */
#define NEXUS_SHARE_MAX_PAGES	512	/* per SHARE */
#define NEXUS_ARENA_MAX_PAGES	(1UL << 18)	/* per channel: 1 GiB */

#endif
