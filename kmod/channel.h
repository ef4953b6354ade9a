/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Channels: one arena each, opened by a guest process and served by the daemon.
 * Freed an RCU grace period after they leave vm->channels[], and their grants
 * with them, so that KICK and WAIT need no lock.
 */
#ifndef _NEXUS_CHANNEL_H
#define _NEXUS_CHANNEL_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct kvm_vcpu;
struct nexus_frames;
struct nexus_grant;
struct nexus_grants;
struct nexus_vm;

/**
 * struct nexus_channel - an arena and who waits on it
 * @events: NEXUS_EVENT_* that the daemon has not read; atomic bit operations
 * @closing: the guest closed it, the daemon has not freed it; vm->lock
 * @pages: the arena's size; vm->lock
 * @nr_grants: how many @grants there are; vm->lock
 * @grants: in order of the arena; changed under vm->lock and vm->grants_lock
 * @cq_tail: in the first grant's first page, NULL before there is one; set once,
 *	read without a lock
 * @free: the end, a grace period after the channel is unlinked
 * @waiters: a bit per vCPU that was in WAIT; atomic bit operations
 */
struct nexus_channel {
	unsigned long events;
	bool closing;
	u32 pages;
	u32 nr_grants;
	struct list_head grants;
	const u32 *cq_tail;
	struct rcu_work free;
	unsigned long waiters[];
};

/**
 * nexus_channel_open() - the hypercall OPEN
 * @vm: the caller's VM
 * @version: what the guest speaks; the guest's word
 *
 * Context: Process, may sleep; takes vm->lock.
 * Return: the channel's number or a negative errno, as nexus_hypercall.h says.
 */
s64 nexus_channel_open(struct nexus_vm *vm, u64 version);

/**
 * nexus_channel_share() - the hypercall SHARE
 * @vm: the caller's VM
 * @vcpu: the caller, whose rights decide
 * @nr: the channel; the guest's word, as are the next two
 * @address: guest-virtual
 * @pages: how many
 *
 * Context: The vCPU's thread, may sleep; takes vm->lock, and mmap_lock in it.
 * Return: the arena's new size in pages or a negative errno; all or nothing.
 */
s64 nexus_channel_share(struct nexus_vm *vm, struct kvm_vcpu *vcpu, u64 nr, u64 address, u64 pages);

/**
 * nexus_channel_unshare() - the hypercall UNSHARE
 * @vm: the caller's VM
 * @nr: the channel; the guest's word
 * @pages: the size to shrink to; the guest's word
 *
 * Context: Process, may sleep; takes vm->lock.
 * Return: 0 or a negative errno.
 */
s64 nexus_channel_unshare(struct nexus_vm *vm, u64 nr, u64 pages);

/**
 * nexus_channel_close() - the hypercall CLOSE
 * @vm: the caller's VM
 * @nr: the channel; the guest's word
 *
 * The channel stays for those who wait on it until the daemon frees it.
 *
 * Context: Process, may sleep; takes vm->lock.
 * Return: 0 or a negative errno.
 */
s64 nexus_channel_close(struct nexus_vm *vm, u64 nr);

/**
 * nexus_channel_kick() - the hypercall KICK
 * @vm: the caller's VM
 * @nr: the channel; the guest's word
 *
 * Context: Within rcu_read_lock(); does not sleep.
 * Return: 0 or -EBADF.
 */
s64 nexus_channel_kick(struct nexus_vm *vm, u64 nr);

/**
 * nexus_channel_wait() - the hypercall WAIT
 * @vm: the caller's VM
 * @vcpu: the caller
 * @nr: the channel; the guest's word
 * @seen: cq_tail as the guest saw it last
 * @halt: set if the vCPU is to halt; it is visible to wakers by then
 *
 * Context: Within rcu_read_lock(), in the vCPU's thread; does not sleep.
 * Return: 0 or a negative errno.
 */
s64 nexus_channel_wait(struct nexus_vm *vm, struct kvm_vcpu *vcpu, u64 nr, u32 seen, bool *halt);

/**
 * nexus_channel_notify() - the ioctl NOTIFY: wake every vCPU that waits
 * @vm: of the handle
 * @nr: the channel; the daemon's word
 *
 * What the caller wrote to the arena before is seen by whoever is woken, and by
 * whoever is on the way into WAIT.
 *
 * Context: Process; does not sleep.
 * Return: 0 or -EBADF.
 */
int nexus_channel_notify(struct nexus_vm *vm, u64 nr);

/**
 * nexus_channel_grants() - the ioctl GRANTS: list a channel's grants
 * @vm: of the handle
 * @grants: the question, from user space; filled with the answer
 *
 * Context: Process, may sleep; takes vm->lock.
 * Return: 0 or a negative errno.
 */
int nexus_channel_grants(struct nexus_vm *vm, struct nexus_grants *grants);

/**
 * nexus_channel_frames() - the ioctl FRAMES: list the arena's guest frames
 * @vm: of the handle
 * @frames: the question, from user space; filled with the answer
 *
 * Context: Process, may sleep; takes vm->lock.
 * Return: 0 or a negative errno.
 */
int nexus_channel_frames(struct nexus_vm *vm, struct nexus_frames *frames);

/**
 * nexus_channel_restore() - the ioctl RESTORE: a snapshot's channel comes back
 * @vm: of the handle
 * @nr: the channel, below NEXUS_MAX_CHANNELS and not taken
 * @grants: their sizes; checked by the caller
 * @count: how many of those
 * @gfns: the guest frames of all of them, one after the other
 *
 * Context: The daemon's thread, may sleep; takes vm->lock.
 * Return: 0 or a negative errno; all or nothing.
 */
int nexus_channel_restore(struct nexus_vm *vm, u32 nr, const struct nexus_grant *grants, u32 count,
			  const u64 *gfns);

/**
 * nexus_channel_release() - the ioctl RELEASE_CHANNEL: free a closed channel
 * @vm: of the handle
 * @nr: the channel; the daemon's word
 *
 * Its grants live on in the daemon's mappings.
 *
 * Context: Process, may sleep; takes vm->lock.
 * Return: 0, -EBADF, or -EBUSY where the guest did not close it.
 */
int nexus_channel_release(struct nexus_vm *vm, u64 nr);

/**
 * nexus_channel_find_grant() - the grant at a place of the arena, for mmap()
 * @vm: of the handle
 * @nr: the channel; the daemon's word
 * @first: the grant's first page in the arena; the daemon's word
 *
 * Context: Process, under mmap_lock; takes vm->grants_lock.
 * Return: the grant with a reference, or NULL.
 */
struct nexus_grant_pages *nexus_channel_find_grant(struct nexus_vm *vm, u64 nr, u64 first);

/**
 * nexus_channel_take_events() - what the daemon has not heard of a channel
 * @vm: of the handle
 * @nr: the channel, below NEXUS_MAX_CHANNELS
 *
 * Return: NEXUS_EVENT_* since the last call; 0 if the channel is gone.
 */
u32 nexus_channel_take_events(struct nexus_vm *vm, unsigned int nr);

/**
 * nexus_channel_tell_all() - tell a new daemon of every channel
 * @vm: that it attached to
 *
 * Context: Process, may sleep; takes vm->lock.
 */
void nexus_channel_tell_all(struct nexus_vm *vm);

/**
 * nexus_channel_release_all() - the adoption's end: all channels go
 * @vm: already marked as released, so that no new one comes
 *
 * Context: Process, may sleep; takes vm->lock.
 */
void nexus_channel_release_all(struct nexus_vm *vm);

/**
 * nexus_channel_count() - how many channels are there, open or closing
 * @vm: to look at
 *
 * Return: the number, out of date as soon as it is known.
 */
unsigned int nexus_channel_count(struct nexus_vm *vm);

#endif
