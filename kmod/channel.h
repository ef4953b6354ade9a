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

struct nexus_channel {
	unsigned long events;		/* NEXUS_EVENT_*, by atomic bit operations */
	bool closing;			/* vm->lock */
	u32 pages;			/* the arena's size; vm->lock */
	u32 nr_grants;
	struct list_head grants;	/* in order of the arena; vm->lock, and vm->grants_lock */
	const u32 *cq_tail;		/* in the first grant's first page; NULL before */
	struct rcu_work free;
	unsigned long waiters[];	/* a bit per vCPU that was in WAIT */
};

/* Hypercalls: see nexus_hypercall.h. The arguments are the guest's. */
s64 nexus_channel_open(struct nexus_vm *vm, u64 version);
s64 nexus_channel_share(struct nexus_vm *vm, struct kvm_vcpu *vcpu, u64 nr, u64 address, u64 pages);
s64 nexus_channel_unshare(struct nexus_vm *vm, u64 nr, u64 pages);
s64 nexus_channel_close(struct nexus_vm *vm, u64 nr);
s64 nexus_channel_kick(struct nexus_vm *vm, u64 nr);				/* RCU */
s64 nexus_channel_wait(struct nexus_vm *vm, struct kvm_vcpu *vcpu, u64 nr, u32 seen,
		       bool *halt);						/* RCU */

/* The daemon's side: see nexus_dev.h. */
int nexus_channel_notify(struct nexus_vm *vm, u64 nr);
int nexus_channel_grants(struct nexus_vm *vm, struct nexus_grants *grants);
int nexus_channel_frames(struct nexus_vm *vm, struct nexus_frames *frames);
int nexus_channel_restore(struct nexus_vm *vm, u32 nr, const struct nexus_grant *grants, u32 count,
			  const u64 *gfns);
int nexus_channel_release(struct nexus_vm *vm, u64 nr);
struct nexus_grant_pages *nexus_channel_find_grant(struct nexus_vm *vm, u64 nr, u64 first);
u32 nexus_channel_take_events(struct nexus_vm *vm, unsigned int nr);

void nexus_channel_tell_all(struct nexus_vm *vm);	/* for a new daemon */
void nexus_channel_release_all(struct nexus_vm *vm);
unsigned int nexus_channel_count(struct nexus_vm *vm);

#endif
