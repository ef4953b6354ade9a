// SPDX-License-Identifier: GPL-2.0-only
/* The VM handle: what the daemon reads, polls, maps and asks of one VM. */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "channel.h"
#include "grant.h"
#include "handle.h"
#include "vm.h"

/* Collects the news; what does not fit stays for the next read. */
static unsigned int nexus_handle_take(struct nexus_vm *vm, struct nexus_event *events, size_t room)
{
	unsigned long news = xchg(&vm->news, 0);
	unsigned int bit, count = 0;

	for_each_set_bit(bit, &news, NEXUS_VM_NEWS + 1) {
		struct nexus_event event = { .channel = bit };

		if (count == room) {
			set_bit(bit, &vm->news);
			continue;
		}
		if (bit == NEXUS_VM_NEWS) {
			event.channel = NEXUS_CHANNEL_VM;
			event.events = NEXUS_EVENT_DEAD;
		} else {
			event.events = nexus_channel_take_events(vm, bit);
		}
		/* A channel may be gone, or its news taken with an earlier bit. */
		if (event.events)
			events[count++] = event;
	}
	return count;
}

static ssize_t nexus_handle_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct nexus_event events[NEXUS_MAX_CHANNELS + 1];
	struct nexus_vm *vm = file->private_data;
	unsigned int count;

	if (READ_ONCE(vm->released))
		return -ENODEV;
	if (len < sizeof(events[0]))
		return -EINVAL;
	count = nexus_handle_take(vm, events, min(len / sizeof(events[0]), ARRAY_SIZE(events)));
	if (!count)
		return -EAGAIN;
	/* A reader with a bad buffer loses the news: it is the daemon's own bug. */
	if (copy_to_user(buf, events, count * sizeof(events[0])))
		return -EFAULT;
	return count * sizeof(events[0]);
}

static __poll_t nexus_handle_poll(struct file *file, struct poll_table_struct *wait)
{
	struct nexus_vm *vm = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &vm->wait, wait);
	if (READ_ONCE(vm->news))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(vm->dead) || READ_ONCE(vm->released))
		mask |= EPOLLHUP;
	return mask;
}

static int nexus_handle_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct nexus_vm *vm = file->private_data;
	u64 channel = vma->vm_pgoff >> (40 - PAGE_SHIFT);
	u64 first = vma->vm_pgoff & ((1UL << (40 - PAGE_SHIFT)) - 1);
	struct nexus_grant_pages *grant;
	int err;

	grant = nexus_channel_find_grant(vm, channel, first);
	if (!grant)
		return -ENOENT;
	err = nexus_grant_mmap(grant, vma);
	nexus_grant_put(grant);
	return err;
}

static long nexus_handle_grants(struct nexus_vm *vm, struct nexus_grants __user *arg)
{
	struct nexus_grants grants;
	int err;

	if (copy_from_user(&grants, arg, sizeof(grants)))
		return -EFAULT;
	err = nexus_channel_grants(vm, &grants);
	if (!err && copy_to_user(arg, &grants, sizeof(grants)))
		err = -EFAULT;
	return err;
}

static long nexus_handle_frames(struct nexus_vm *vm, struct nexus_frames __user *arg)
{
	struct nexus_frames frames;
	int err;

	if (copy_from_user(&frames, arg, sizeof(frames)))
		return -EFAULT;
	if (frames.reserved)
		return -EINVAL;
	err = nexus_channel_frames(vm, &frames);
	if (!err && copy_to_user(arg, &frames, sizeof(frames)))
		err = -EFAULT;
	return err;
}

/* Pages of all the grants together, or -errno: nothing is to cost more than the VM's limit. */
static long nexus_handle_restore_size(struct nexus_vm *vm, const struct nexus_grant *grants,
				      u32 count)
{
	u32 i, pages = 0;

	for (i = 0; i < count; i++) {
		if (grants[i].first != pages || !grants[i].pages ||
		    grants[i].pages > NEXUS_SHARE_MAX_PAGES)
			return -EINVAL;
		pages += grants[i].pages;
		if (pages > vm->max_pages || pages > NEXUS_ARENA_MAX_PAGES)
			return -ENOSPC;
	}
	return pages;
}

static long nexus_handle_restore(struct nexus_vm *vm, struct nexus_restore __user *arg)
{
	struct nexus_restore restore;
	struct nexus_grant *grants;
	u64 *gfns = NULL;
	long pages;

	if (copy_from_user(&restore, arg, sizeof(restore)))
		return -EFAULT;
	if (!restore.count || restore.channel >= NEXUS_MAX_CHANNELS)
		return -EINVAL;
	if (restore.count > vm->max_pages)
		return -ENOSPC;
	grants = vmemdup_user(u64_to_user_ptr(restore.grants),
			      array_size(restore.count, sizeof(*grants)));
	if (IS_ERR(grants))
		return PTR_ERR(grants);
	pages = nexus_handle_restore_size(vm, grants, restore.count);
	if (pages > 0) {
		gfns = vmemdup_user(u64_to_user_ptr(restore.frames),
				    array_size(pages, sizeof(*gfns)));
		if (IS_ERR(gfns))
			pages = PTR_ERR(gfns);
	}
	if (pages > 0) {
		pages = nexus_channel_restore(vm, restore.channel, grants, restore.count, gfns);
		kvfree(gfns);
	}
	kvfree(grants);
	return pages;
}

static long nexus_handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct nexus_vm *vm = file->private_data;

	/* Only this handle can release the VM; two threads of a daemon that race
	 * here are kept apart by nexus_vm_release() and by the channels being gone.
	 */
	if (READ_ONCE(vm->released))
		return -ENODEV;
	switch (cmd) {
	case NEXUS_IOC_NOTIFY:
		return nexus_channel_notify(vm, arg);
	case NEXUS_IOC_GRANTS:
		return nexus_handle_grants(vm, (void __user *)arg);
	case NEXUS_IOC_FRAMES:
		return nexus_handle_frames(vm, (void __user *)arg);
	case NEXUS_IOC_RESTORE:
		return nexus_handle_restore(vm, (void __user *)arg);
	case NEXUS_IOC_RELEASE_CHANNEL:
		return nexus_channel_release(vm, arg);
	case NEXUS_IOC_RELEASE:
		nexus_vm_release(vm);
		return 0;
	}
	return -ENOTTY;
}

static int nexus_handle_release(struct inode *inode, struct file *file)
{
	struct nexus_vm *vm = file->private_data;

	nexus_vm_detach(vm);
	nexus_vm_put(vm);
	return 0;
}

static const struct file_operations nexus_handle_fops = {
	.owner = THIS_MODULE,
	.read = nexus_handle_read,
	.poll = nexus_handle_poll,
	.mmap = nexus_handle_mmap,
	.unlocked_ioctl = nexus_handle_ioctl,
	.release = nexus_handle_release,
	.llseek = noop_llseek,
};

int nexus_handle_open(struct nexus_vm *vm)
{
	return anon_inode_getfd("nexus-vm", &nexus_handle_fops, vm,
				O_RDWR | O_CLOEXEC | O_NONBLOCK);
}
