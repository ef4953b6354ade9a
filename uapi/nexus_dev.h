/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT */
/*
 * /dev/nexus: how the daemon talks to nexus_kvm.ko.
 *
 * The device hands out one VM handle (a file descriptor) per adopted VM. All
 * else happens on the handle: read(), poll(), mmap() and ioctls. At most one
 * handle of a VM is open at a time.
 *
 * A handle closed without NEXUS_IOC_RELEASE (the daemon died) leaves the VM
 * adopted and orphaned: guests' calls still work and wait, pages stay pinned,
 * and a new daemon attaches with NEXUS_IOC_ATTACH. An orphan whose VMM is gone
 * is released by the module within a second.
 *
 * read(): fills struct nexus_event records, one per channel with news, and
 * forgets that news; -EAGAIN with O_NONBLOCK when there is none (handles are
 * opened non-blocking). poll(): POLLIN news; POLLHUP the VM's last file
 * descriptor is closed (then release the handle).
 *
 * mmap(): MAP_SHARED, PROT_READ|PROT_WRITE, offset NEXUS_MMAP_OFFSET(channel,
 * first), length exactly one grant as listed by NEXUS_IOC_GRANTS. Populated at
 * once, never faults later, whatever dies. The pages are unpinned when the
 * guest and every mapping let go. -ENOENT no such grant; -EINVAL private, or
 * not exactly a grant; -ENOMEM.
 *
 * Events and mappings are per handle; nothing here names another VM.
 */
#ifndef _UAPI_NEXUS_DEV_H
#define _UAPI_NEXUS_DEV_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define NEXUS_DEV_PATH		"/dev/nexus"
#define NEXUS_NAME_MAX		64	/* tenant and function names, with the NUL */

#define NEXUS_CHANNEL_VM	0xffffffffU	/* nexus_event.channel: the VM itself */

/* nexus_event.events */
#define NEXUS_EVENT_OPENED	(1U << 0)
#define NEXUS_EVENT_ARENA	(1U << 1)	/* grants were added or dropped */
#define NEXUS_EVENT_KICKED	(1U << 2)
#define NEXUS_EVENT_CLOSED	(1U << 3)	/* finish, then NEXUS_IOC_RELEASE_CHANNEL */
#define NEXUS_EVENT_DEAD	(1U << 4)	/* with NEXUS_CHANNEL_VM: the VM is gone */

struct nexus_event {
	__u32 channel;
	__u32 events;		/* NEXUS_EVENT_* since the last read */
};

/*
 * ADOPT: vm_fd is a KVM VM file descriptor of the calling process (see
 * pidfd_getfd(2)). Returns a VM handle. The names are kept for whoever asks
 * (netlink, a later daemon); the module gives them no meaning.
 * -EBADF vm_fd is not open; -ENXIO it is not a KVM VM; -EEXIST the VM is
 * adopted already; -EINVAL flags, a name empty, unterminated or not printable,
 * max_pages 0 or above the module's limit (parameter max_pages);
 * -ENOSPC more VMs than the parameter max_vms; -EPERM caller lacks the device.
 */
struct nexus_adopt {
	__s32 vm_fd;
	__u32 flags;		/* 0 */
	__u32 max_pages;	/* limit of pinned pages */
	__u32 vm_id;		/* out: the module's number for this VM, never reused */
	__s32 vmm_pid;		/* the VMM's process id, for display only */
	__u32 reserved;		/* 0 */
	char tenant[NEXUS_NAME_MAX];
	char function[NEXUS_NAME_MAX];
};

/* ATTACH: take over an orphan by vm_id. Returns a VM handle, on which every
 * channel has all its events pending. -ENOENT no such VM; -EBUSY it has a handle.
 */
struct nexus_attach {
	__u32 vm_id;
	__u32 flags;		/* 0 */
};

/* GRANTS: the arena of one channel as a list of mappable pieces, in order.
 * -EBADF no such channel; -EFAULT; -ENOMEM; -EINTR.
 */
struct nexus_grant {
	__u32 first;		/* page index in the arena */
	__u32 pages;
};

struct nexus_grants {
	__u32 channel;
	__u32 capacity;		/* in: entries at `grants` */
	__u32 count;		/* out: entries the channel has; may exceed capacity */
	__u32 flags;		/* out: NEXUS_CHANNEL_* */
	__u64 grants;		/* user pointer to struct nexus_grant[capacity] */
};

/* nexus_grants.flags */
#define NEXUS_CHANNEL_OPEN	1U
#define NEXUS_CHANNEL_CLOSING	2U	/* closed by the guest, held for the daemon */

/*
 * FRAMES: where in the guest's physical memory a channel's arena lies, for a
 * snapshot: a frame number a page, in the arena's order. Errors as of GRANTS.
 */
struct nexus_frames {
	__u32 channel;
	__u32 capacity;		/* in: entries at `frames` */
	__u32 count;		/* out: pages of the arena; may exceed capacity */
	__u32 reserved;		/* 0 */
	__u64 frames;		/* user pointer to __u64[capacity] */
};

/*
 * RESTORE: open a channel in a VM that was restored from a snapshot, as it was
 * when GRANTS and FRAMES described it: the same number, the same pieces, at the
 * same places of this VM's memory. They are pinned as those of SHARE are, and
 * may be mapped before a vCPU ran. The channel has all its events pending.
 * -EEXIST the number is taken; -EINVAL no grants, a gap between them, one of
 * more than NEXUS_SHARE_MAX_PAGES, or a number beyond the last; -EFAULT a frame
 * that is not plain, writable memory of the VM, or a bad pointer; -ENOSPC beyond the
 * VM's limit; -ESRCH the VMM is gone; -ENOMEM; -EINTR.
 */
struct nexus_restore {
	__u32 channel;
	__u32 count;		/* entries at `grants` */
	__u64 grants;		/* user pointer to struct nexus_grant[count] */
	__u64 frames;		/* user pointer to __u64[pages of all grants] */
};

#define NEXUS_MMAP_OFFSET(channel, first)	(((__u64)(channel) << 40) | ((__u64)(first) << 12))

#define NEXUS_IOC_MAGIC		0xBB

/* on /dev/nexus */
#define NEXUS_IOC_VERSION	_IOR(NEXUS_IOC_MAGIC, 0x00, __u32)	/* NEXUS_ABI_VERSION */
#define NEXUS_IOC_ADOPT		_IOWR(NEXUS_IOC_MAGIC, 0x01, struct nexus_adopt)
#define NEXUS_IOC_ATTACH	_IOW(NEXUS_IOC_MAGIC, 0x02, struct nexus_attach)

/* on a VM handle; the argument of those without a struct is a channel number */
#define NEXUS_IOC_GRANTS	_IOWR(NEXUS_IOC_MAGIC, 0x10, struct nexus_grants)
#define NEXUS_IOC_NOTIFY	_IO(NEXUS_IOC_MAGIC, 0x11)	/* wake vCPUs in WAIT on the channel */
#define NEXUS_IOC_RELEASE_CHANNEL _IO(NEXUS_IOC_MAGIC, 0x12)	/* free a closed channel; -EBUSY still open or mapped */
#define NEXUS_IOC_RELEASE	_IO(NEXUS_IOC_MAGIC, 0x13)	/* un-adopt the VM: every channel ends */
#define NEXUS_IOC_FRAMES	_IOWR(NEXUS_IOC_MAGIC, 0x14, struct nexus_frames)
#define NEXUS_IOC_RESTORE	_IOW(NEXUS_IOC_MAGIC, 0x15, struct nexus_restore)

_Static_assert(sizeof(struct nexus_event) == 8, "nexus_event");
_Static_assert(sizeof(struct nexus_adopt) == 24 + 2 * NEXUS_NAME_MAX, "nexus_adopt");
_Static_assert(sizeof(struct nexus_attach) == 8, "nexus_attach");
_Static_assert(sizeof(struct nexus_grants) == 24, "nexus_grants");
_Static_assert(sizeof(struct nexus_frames) == 24, "nexus_frames");
_Static_assert(sizeof(struct nexus_restore) == 24, "nexus_restore");

#endif
