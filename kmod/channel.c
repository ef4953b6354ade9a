// SPDX-License-Identifier: GPL-2.0-only
/* Channels: open, grow, shrink, kick, wait, close. */
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "channel.h"
#include "grant.h"
#include "kvm.h"
#include "nexus_ring.h"
#include "trace.h"
#include "vm.h"

static void nexus_channel_tell(struct nexus_vm *vm, struct nexus_channel *channel, unsigned int nr,
			       unsigned long events)
{
	set_mask_bits(&channel->events, 0, events);
	nexus_vm_tell(vm, nr);
}

/* Under RCU, or one of the locks, which also keep it from going. */
static struct nexus_channel *nexus_channel_find(struct nexus_vm *vm, u64 nr)
{
	if (nr >= NEXUS_MAX_CHANNELS)
		return NULL;
	/* The number is the guest's: no speculation past the array. */
	nr = array_index_nospec(nr, NEXUS_MAX_CHANNELS);
	return rcu_dereference_check(vm->channels[nr], lockdep_is_held(&vm->lock) ||
				     lockdep_is_held(&vm->grants_lock));
}

static struct nexus_channel *nexus_channel_find_open(struct nexus_vm *vm, u64 nr)
{
	struct nexus_channel *channel = nexus_channel_find(vm, nr);

	return channel && !READ_ONCE(channel->closing) ? channel : NULL;
}

static struct nexus_channel *nexus_channel_alloc(void)
{
	struct nexus_channel *channel;

	channel = kzalloc(struct_size(channel, waiters, BITS_TO_LONGS(nexus_kvm_max_vcpus())),
			  GFP_KERNEL_ACCOUNT);
	if (channel)
		INIT_LIST_HEAD(&channel->grants);
	return channel;
}

s64 nexus_channel_open(struct nexus_vm *vm, u64 version)
{
	struct nexus_channel *channel;
	unsigned int nr;
	s64 ret;

	if (NEXUS_ABI_MAJOR_OF(version) != NEXUS_ABI_MAJOR)
		return -EPROTONOSUPPORT;
	channel = nexus_channel_alloc();
	if (!channel)
		return -ENOMEM;

	if (mutex_lock_killable(&vm->lock)) {
		kfree(channel);
		return -EINTR;
	}
	ret = vm->released ? -EACCES : -EMFILE;
	for (nr = 0; nr < NEXUS_MAX_CHANNELS && !vm->released; nr++) {
		if (rcu_access_pointer(vm->channels[nr]))
			continue;
		rcu_assign_pointer(vm->channels[nr], channel);
		nexus_channel_tell(vm, channel, nr, NEXUS_EVENT_OPENED);
		ret = nr;
		break;
	}
	mutex_unlock(&vm->lock);
	if (ret < 0)
		kfree(channel);
	return ret;
}

/* The channel takes the grant over. */
static void nexus_channel_append(struct nexus_vm *vm, struct nexus_channel *channel,
				 struct nexus_grant_pages *grant)
{
	grant->first = channel->pages;
	mutex_lock(&vm->grants_lock);
	list_add_tail(&grant->node, &channel->grants);
	mutex_unlock(&vm->grants_lock);
	channel->nr_grants++;
	channel->pages += grant->nr_pages;
	if (!channel->cq_tail) {
		/* WAIT, which takes no lock, may look there once it has the pointer. */
		smp_store_release(&channel->cq_tail, nexus_grant_address(grant) +
				  offsetof(struct nexus_ring_header, cq_tail));
	}
}

static s64 nexus_channel_grow(struct nexus_vm *vm, struct nexus_channel *channel,
			      struct kvm_vcpu *vcpu, u64 address, u32 pages)
{
	struct nexus_grant_pages *grant;

	if (channel->pages + pages > NEXUS_ARENA_MAX_PAGES)
		return -ENOSPC;
	grant = nexus_grant_pin(vm, vcpu, address, pages);
	if (IS_ERR(grant))
		return PTR_ERR(grant);
	nexus_channel_append(vm, channel, grant);
	return channel->pages;
}

s64 nexus_channel_share(struct nexus_vm *vm, struct kvm_vcpu *vcpu, u64 nr, u64 address, u64 pages)
{
	struct nexus_channel *channel;
	s64 ret = -EBADF;

	if (!IS_ALIGNED(address, NEXUS_PAGE_SIZE) || !pages || pages > NEXUS_SHARE_MAX_PAGES)
		return -EINVAL;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	channel = nexus_channel_find_open(vm, nr);
	if (channel)
		ret = nexus_channel_grow(vm, channel, vcpu, address, pages);
	if (ret > 0)
		nexus_channel_tell(vm, channel, nr, NEXUS_EVENT_ARENA);
	mutex_unlock(&vm->lock);
	trace_nexus_share(vm->id, nr, address, pages, ret);
	return ret;
}

static void nexus_channel_drop_last(struct nexus_channel *channel)
{
	struct nexus_grant_pages *grant;

	grant = list_last_entry(&channel->grants, struct nexus_grant_pages, node);
	mutex_lock(&grant->vm->grants_lock);
	list_del(&grant->node);
	mutex_unlock(&grant->vm->grants_lock);
	channel->nr_grants--;
	channel->pages = grant->first;
	nexus_grant_put(grant);
}

s64 nexus_channel_unshare(struct nexus_vm *vm, u64 nr, u64 pages)
{
	struct nexus_grant_pages *grant;
	struct nexus_channel *channel;
	s64 ret = -EINVAL;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	channel = nexus_channel_find_open(vm, nr);
	if (!channel) {
		ret = -EBADF;
		goto unlock;
	}
	/* The first grant stays: WAIT looks into it. */
	list_for_each_entry(grant, &channel->grants, node)
		if (grant->first == pages && pages)
			ret = 0;
	if (ret)
		goto unlock;
	while (channel->pages > pages)
		nexus_channel_drop_last(channel);
	nexus_channel_tell(vm, channel, nr, NEXUS_EVENT_ARENA);
unlock:
	mutex_unlock(&vm->lock);
	return ret;
}

s64 nexus_channel_close(struct nexus_vm *vm, u64 nr)
{
	struct nexus_channel *channel;

	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	channel = nexus_channel_find_open(vm, nr);
	if (channel) {
		WRITE_ONCE(channel->closing, true);
		nexus_channel_tell(vm, channel, nr, NEXUS_EVENT_CLOSED);
	}
	mutex_unlock(&vm->lock);
	return channel ? 0 : -EBADF;
}

s64 nexus_channel_kick(struct nexus_vm *vm, u64 nr)
{
	struct nexus_channel *channel = nexus_channel_find_open(vm, nr);

	if (!channel)
		return -EBADF;
	trace_nexus_kick(vm->id, nr);
	nexus_channel_tell(vm, channel, nr, NEXUS_EVENT_KICKED);
	return 0;
}

s64 nexus_channel_wait(struct nexus_vm *vm, struct kvm_vcpu *vcpu, u64 nr, u32 seen, bool *halt)
{
	bool kick = nr & NEXUS_WAIT_KICK;
	struct nexus_channel *channel;
	unsigned int index = nexus_kvm_vcpu_index(vcpu);
	const u32 *cq_tail;

	nr &= ~NEXUS_WAIT_KICK;
	channel = nexus_channel_find_open(vm, nr);
	if (!channel)
		return -EBADF;
	if (kick) {
		trace_nexus_kick(vm->id, nr);
		nexus_channel_tell(vm, channel, nr, NEXUS_EVENT_KICKED);
	}
	/* Pairs with the release in SHARE. */
	cq_tail = smp_load_acquire(&channel->cq_tail);
	if (!cq_tail)
		return -ENXIO;
	if (READ_ONCE(*cq_tail) != seen || !nexus_kvm_can_halt(vcpu))
		return 0;

	nexus_kvm_halt_prepare(vcpu);
	set_bit(index, channel->waiters);
	/* The daemon moves cq_tail, then NOTIFYs: one of us sees the other. The
	 * same holds for the channel's end.
	 */
	smp_mb__after_atomic();
	if (READ_ONCE(*cq_tail) != seen || nexus_channel_find(vm, nr) != channel) {
		clear_bit(index, channel->waiters);
		return 0;
	}
	*halt = true;
	atomic64_inc(&vm->halts);
	return 0;
}

static void nexus_channel_wake(struct nexus_vm *vm, struct nexus_channel *channel, u64 nr)
{
	unsigned int index;
	unsigned int woken = 0;

	/* What the caller changed comes before our look at the waiters. */
	smp_mb();
	for_each_set_bit(index, channel->waiters, nexus_kvm_max_vcpus()) {
		if (!test_and_clear_bit(index, channel->waiters))
			continue;
		nexus_kvm_wake(vm->kvm, index);
		woken++;
	}
	atomic64_add(woken, &vm->wakes);
	trace_nexus_wake(vm->id, nr, woken);
}

int nexus_channel_notify(struct nexus_vm *vm, u64 nr)
{
	struct nexus_channel *channel;

	atomic64_inc(&vm->notifies);
	rcu_read_lock();
	channel = nexus_channel_find(vm, nr);
	if (channel)
		nexus_channel_wake(vm, channel, nr);
	rcu_read_unlock();
	return channel ? 0 : -EBADF;
}

int nexus_channel_grants(struct nexus_vm *vm, struct nexus_grants *grants)
{
	struct nexus_grant_pages *grant;
	struct nexus_channel *channel;
	struct nexus_grant *list = NULL;
	u32 i = 0, count = 0;
	int err = 0;

	if (mutex_lock_interruptible(&vm->lock))
		return -EINTR;
	channel = nexus_channel_find(vm, grants->channel);
	if (!channel) {
		err = -EBADF;
		goto unlock;
	}
	count = min(grants->capacity, channel->nr_grants);
	list = kvmalloc_array(count, sizeof(*list), GFP_KERNEL);
	if (count && !list) {
		err = -ENOMEM;
		goto unlock;
	}
	list_for_each_entry(grant, &channel->grants, node) {
		if (i == count)
			break;
		list[i++] = (struct nexus_grant){ .first = grant->first, .pages = grant->nr_pages };
	}
	grants->count = channel->nr_grants;
	grants->flags = channel->closing ? NEXUS_CHANNEL_CLOSING : NEXUS_CHANNEL_OPEN;
unlock:
	mutex_unlock(&vm->lock);
	/* Not under a lock: a fault here takes mmap_lock. */
	if (!err && copy_to_user(u64_to_user_ptr(grants->grants), list, count * sizeof(*list)))
		err = -EFAULT;
	kvfree(list);
	return err;
}

int nexus_channel_frames(struct nexus_vm *vm, struct nexus_frames *frames)
{
	struct nexus_grant_pages *grant;
	struct nexus_channel *channel;
	u64 *list = NULL;
	u32 i = 0, count = 0, part;
	int err = 0;

	if (mutex_lock_interruptible(&vm->lock))
		return -EINTR;
	channel = nexus_channel_find(vm, frames->channel);
	if (!channel) {
		err = -EBADF;
		goto unlock;
	}
	count = min(frames->capacity, channel->pages);
	list = kvmalloc_array(count, sizeof(*list), GFP_KERNEL);
	if (count && !list) {
		err = -ENOMEM;
		goto unlock;
	}
	list_for_each_entry(grant, &channel->grants, node) {
		part = min(grant->nr_pages, count - i);
		memcpy(list + i, grant->gfns, array_size(part, sizeof(*list)));
		i += part;
	}
	frames->count = channel->pages;
unlock:
	mutex_unlock(&vm->lock);
	if (!err && copy_to_user(u64_to_user_ptr(frames->frames), list,
				 array_size(count, sizeof(*list))))
		err = -EFAULT;
	kvfree(list);
	return err;
}

static void nexus_channel_drop(struct nexus_channel *channel)
{
	while (channel->nr_grants)
		nexus_channel_drop_last(channel);
	kfree(channel);
}

int nexus_channel_restore(struct nexus_vm *vm, u32 nr, const struct nexus_grant *grants, u32 count,
			  const u64 *gfns)
{
	struct nexus_grant_pages *grant;
	struct nexus_channel *channel;
	int err = 0;
	u32 i;

	channel = nexus_channel_alloc();
	if (!channel)
		return -ENOMEM;
	if (mutex_lock_killable(&vm->lock)) {
		kfree(channel);
		return -EINTR;
	}
	if (vm->released)
		err = -ENODEV;
	else if (rcu_access_pointer(vm->channels[nr]))
		err = -EEXIST;
	for (i = 0; i < count && !err; i++) {
		grant = nexus_grant_pin_frames(vm, gfns + channel->pages, grants[i].pages);
		if (IS_ERR(grant))
			err = PTR_ERR(grant);
		else
			nexus_channel_append(vm, channel, grant);
	}
	if (!err) {
		rcu_assign_pointer(vm->channels[nr], channel);
		nexus_channel_tell(vm, channel, nr, NEXUS_EVENT_OPENED | NEXUS_EVENT_ARENA |
						    NEXUS_EVENT_KICKED);
	} else {
		nexus_channel_drop(channel);
	}
	mutex_unlock(&vm->lock);
	return err;
}

struct nexus_grant_pages *nexus_channel_find_grant(struct nexus_vm *vm, u64 nr, u64 first)
{
	struct nexus_grant_pages *grant, *found = NULL;
	struct nexus_channel *channel;

	/* Under mmap_lock, which SHARE takes inside vm->lock. */
	mutex_lock(&vm->grants_lock);
	channel = nexus_channel_find(vm, nr);
	if (channel) {
		list_for_each_entry(grant, &channel->grants, node) {
			if (grant->first != first)
				continue;
			found = nexus_grant_get(grant);
			break;
		}
	}
	mutex_unlock(&vm->grants_lock);
	return found;
}

u32 nexus_channel_take_events(struct nexus_vm *vm, unsigned int nr)
{
	struct nexus_channel *channel;
	u32 events = 0;

	rcu_read_lock();
	channel = nexus_channel_find(vm, nr);
	if (channel)
		events = xchg(&channel->events, 0);
	rcu_read_unlock();
	return events;
}

static void nexus_channel_free(struct work_struct *work)
{
	nexus_channel_drop(container_of(to_rcu_work(work), struct nexus_channel, free));
}

static void nexus_channel_unlink(struct nexus_vm *vm, unsigned int nr)
{
	struct nexus_channel *channel = nexus_channel_find(vm, nr);

	mutex_lock(&vm->grants_lock);
	RCU_INIT_POINTER(vm->channels[nr], NULL);
	mutex_unlock(&vm->grants_lock);
	/* Who halts in WAIT must not be left to its timer. */
	nexus_channel_wake(vm, channel, nr);
	INIT_RCU_WORK(&channel->free, nexus_channel_free);
	queue_rcu_work(nexus_vm_wq, &channel->free);
}

int nexus_channel_release(struct nexus_vm *vm, u64 nr)
{
	struct nexus_channel *channel;
	int err = 0;

	mutex_lock(&vm->lock);
	channel = nexus_channel_find(vm, nr);
	if (!channel)
		err = -EBADF;
	else if (!channel->closing)
		err = -EBUSY;
	else
		nexus_channel_unlink(vm, nr);
	mutex_unlock(&vm->lock);
	return err;
}

void nexus_channel_tell_all(struct nexus_vm *vm)
{
	struct nexus_channel *channel;
	unsigned long events;
	unsigned int nr;

	mutex_lock(&vm->lock);
	for (nr = 0; nr < NEXUS_MAX_CHANNELS; nr++) {
		channel = nexus_channel_find(vm, nr);
		if (!channel)
			continue;
		events = NEXUS_EVENT_OPENED | NEXUS_EVENT_ARENA | NEXUS_EVENT_KICKED;
		if (channel->closing)
			events |= NEXUS_EVENT_CLOSED;
		nexus_channel_tell(vm, channel, nr, events);
	}
	mutex_unlock(&vm->lock);
}

void nexus_channel_release_all(struct nexus_vm *vm)
{
	unsigned int nr;

	mutex_lock(&vm->lock);
	for (nr = 0; nr < NEXUS_MAX_CHANNELS; nr++)
		if (nexus_channel_find(vm, nr))
			nexus_channel_unlink(vm, nr);
	mutex_unlock(&vm->lock);
}

unsigned int nexus_channel_count(struct nexus_vm *vm)
{
	unsigned int nr, count = 0;

	for (nr = 0; nr < NEXUS_MAX_CHANNELS; nr++)
		count += !!rcu_access_pointer(vm->channels[nr]);
	return count;
}
