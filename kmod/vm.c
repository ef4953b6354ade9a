// SPDX-License-Identifier: GPL-2.0-only
/* Adopted VMs: the table, adoption and its end. */
#include <linux/ctype.h>
#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "channel.h"
#include "kvm.h"
#include "netlink.h"
#include "vm.h"

static unsigned int nexus_max_vms = 8192;
module_param_named(max_vms, nexus_max_vms, uint, 0644);
MODULE_PARM_DESC(max_vms, "adopted VMs at most (default 8192)");

static unsigned int nexus_max_pages = 1 << 18;
module_param_named(max_pages, nexus_max_pages, uint, 0644);
MODULE_PARM_DESC(max_pages, "pinned pages a VM's limit may be set to at most (default 262144, 1 GiB)");

/* Protects both tables' changes, nexus_vm_count, and every vm->attached. */
static DEFINE_MUTEX(nexus_vms_lock);
static DEFINE_HASHTABLE(nexus_vms, 10);
static DEFINE_IDR(nexus_vm_ids);
static unsigned int nexus_vm_count;

struct workqueue_struct *nexus_vm_wq;

#define NEXUS_VM_SWEEP_MS 1000
static void nexus_vm_sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(nexus_vm_sweeper, nexus_vm_sweep);

struct nexus_vm *nexus_vm_find(struct kvm *kvm)
{
	struct nexus_vm *vm;

	hash_for_each_possible_rcu(nexus_vms, vm, node, (unsigned long)kvm)
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

bool nexus_vm_get(struct nexus_vm *vm)
{
	return kref_get_unless_zero(&vm->refs);
}

static void nexus_vm_free(struct work_struct *work)
{
	struct nexus_vm *vm = container_of(to_rcu_work(work), struct nexus_vm, free);

	nexus_kvm_put(vm->kvm);
	mutex_destroy(&vm->grants_lock);
	mutex_destroy(&vm->lock);
	kfree(vm);
}

/*
 * The last reference may be dropped by a munmap(), under mmap_lock, and the last of
 * the kvm may take such a lock: so it is dropped from a worker. Nor earlier: a NOTIFY
 * that races with the release still wakes its vCPUs.
 */
static void nexus_vm_last_put(struct kref *refs)
{
	struct nexus_vm *vm = container_of(refs, struct nexus_vm, refs);

	INIT_RCU_WORK(&vm->free, nexus_vm_free);
	queue_rcu_work(nexus_vm_wq, &vm->free);
}

void nexus_vm_put(struct nexus_vm *vm)
{
	kref_put(&vm->refs, nexus_vm_last_put);
}

static bool nexus_vm_name_ok(const char *name)
{
	size_t len = strnlen(name, NEXUS_NAME_MAX);

	if (!len || len == NEXUS_NAME_MAX)
		return false;
	while (len--)
		if (!isascii(name[len]) || !isgraph(name[len]))
			return false;
	return true;
}

static struct nexus_vm *nexus_vm_alloc(const struct nexus_adopt *adopt)
{
	struct nexus_vm *vm;

	if (adopt->flags || adopt->reserved || !adopt->max_pages ||
	    adopt->max_pages > READ_ONCE(nexus_max_pages) ||
	    !nexus_vm_name_ok(adopt->tenant) || !nexus_vm_name_ok(adopt->function))
		return ERR_PTR(-EINVAL);

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->refs);
	mutex_init(&vm->lock);
	mutex_init(&vm->grants_lock);
	init_waitqueue_head(&vm->wait);
	vm->vmm_pid = adopt->vmm_pid;
	vm->max_pages = adopt->max_pages;
	strscpy(vm->tenant, adopt->tenant, sizeof(vm->tenant));
	strscpy(vm->function, adopt->function, sizeof(vm->function));
	return vm;
}

/* Make it visible to hypercalls, dumps and the sweeper. Takes the kvm reference. */
static int nexus_vm_insert(struct nexus_vm *vm, struct kvm *kvm)
{
	int id;

	lockdep_assert_held(&nexus_vms_lock);
	if (nexus_vm_find(kvm))
		return -EEXIST;
	if (nexus_vm_count >= READ_ONCE(nexus_max_vms))
		return -ENOSPC;
	/* Cyclic, so that an id is not soon used again. */
	id = idr_alloc_cyclic(&nexus_vm_ids, vm, 1, INT_MAX, GFP_KERNEL);
	if (id < 0)
		return id;
	vm->id = id;
	vm->kvm = kvm;
	vm->attached = true;
	hash_add_rcu(nexus_vms, &vm->node, (unsigned long)kvm);
	if (!nexus_vm_count++)
		schedule_delayed_work(&nexus_vm_sweeper, msecs_to_jiffies(NEXUS_VM_SWEEP_MS));
	return 0;
}

struct nexus_vm *nexus_vm_adopt(struct file *file, struct nexus_adopt *adopt)
{
	struct nexus_vm *vm;
	struct kvm *kvm;
	int err;

	kvm = nexus_kvm_get(file);
	if (!kvm)
		return ERR_PTR(-ENXIO);
	vm = nexus_vm_alloc(adopt);
	if (IS_ERR(vm)) {
		nexus_kvm_put(kvm);
		return vm;
	}
	kref_get(&vm->refs);	/* the handle's, beside the table's */

	mutex_lock(&nexus_vms_lock);
	err = nexus_vm_insert(vm, kvm);
	mutex_unlock(&nexus_vms_lock);
	if (err) {
		nexus_kvm_put(kvm);
		mutex_destroy(&vm->grants_lock);
		mutex_destroy(&vm->lock);
		kfree(vm);
		return ERR_PTR(err);
	}
	/* While a VM is adopted, hypercalls may run in the module. */
	__module_get(THIS_MODULE);
	adopt->vm_id = vm->id;
	nexus_netlink_event(vm, NEXUS_VM_EVENT_ADOPTED);
	return vm;
}

struct nexus_vm *nexus_vm_attach(u32 id)
{
	struct nexus_vm *vm;

	mutex_lock(&nexus_vms_lock);
	vm = idr_find(&nexus_vm_ids, id);
	if (!vm || vm->attached) {
		mutex_unlock(&nexus_vms_lock);
		return ERR_PTR(vm ? -EBUSY : -ENOENT);
	}
	vm->attached = true;
	kref_get(&vm->refs);
	mutex_unlock(&nexus_vms_lock);

	nexus_channel_tell_all(vm);
	if (READ_ONCE(vm->dead))
		nexus_vm_tell(vm, NEXUS_VM_NEWS);
	nexus_netlink_event(vm, NEXUS_VM_EVENT_ATTACHED);
	return vm;
}

void nexus_vm_detach(struct nexus_vm *vm)
{
	mutex_lock(&nexus_vms_lock);
	vm->attached = false;
	mutex_unlock(&nexus_vms_lock);
	if (!READ_ONCE(vm->released))
		nexus_netlink_event(vm, NEXUS_VM_EVENT_ORPHANED);
}

void nexus_vm_release(struct nexus_vm *vm)
{
	mutex_lock(&nexus_vms_lock);
	if (vm->released) {
		mutex_unlock(&nexus_vms_lock);
		return;
	}
	mutex_lock(&vm->lock);
	vm->released = true;
	mutex_unlock(&vm->lock);
	hash_del_rcu(&vm->node);
	idr_remove(&nexus_vm_ids, vm->id);
	nexus_vm_count--;
	mutex_unlock(&nexus_vms_lock);

	nexus_channel_release_all(vm);
	nexus_netlink_event(vm, NEXUS_VM_EVENT_RELEASED);
	wake_up_poll(&vm->wait, EPOLLHUP);
	nexus_vm_put(vm);
	module_put(THIS_MODULE);
}

enum nexus_vm_state nexus_vm_state(const struct nexus_vm *vm)
{
	if (READ_ONCE(vm->dead))
		return NEXUS_VM_DEAD;
	return READ_ONCE(vm->attached) ? NEXUS_VM_ATTACHED : NEXUS_VM_ORPHANED;
}

int nexus_vm_for_each(u32 *after, int (*fn)(struct nexus_vm *vm, void *data), void *data)
{
	struct nexus_vm *vm;
	int err = 0;
	int id = *after + 1;

	mutex_lock(&nexus_vms_lock);
	while ((vm = idr_get_next(&nexus_vm_ids, &id))) {
		err = fn(vm, data);
		if (err)
			break;
		*after = id++;
	}
	mutex_unlock(&nexus_vms_lock);
	return err;
}

void nexus_vm_tell(struct nexus_vm *vm, unsigned int bit)
{
	set_bit(bit, &vm->news);
	/* Pairs with the barrier of a poller that adds itself to the queue. */
	if (wq_has_sleeper(&vm->wait))
		wake_up_interruptible_poll(&vm->wait, EPOLLIN);
}

void nexus_vm_count_call(struct nexus_vm *vm, u64 nr, s64 result)
{
	u64 kind = nr - NEXUS_HC_BASE;

	atomic64_inc(kind < NEXUS_HC_COUNT ? &vm->calls[kind] : &vm->unknown);
	if (result < 0)
		atomic64_inc(&vm->refused);
}

/*
 * Has a VMM gone? Its exit closes every descriptor of the VM, and KVM calls
 * nobody then. A daemon learns it from the VMM's pidfd; this is for what a
 * daemon does not see: VMs closed inside a living VMM, and orphans.
 */
static void nexus_vm_sweep(struct work_struct *work)
{
	struct nexus_vm *vm, *gone = NULL;
	int id;

	mutex_lock(&nexus_vms_lock);
	idr_for_each_entry(&nexus_vm_ids, vm, id) {
		if (!vm->dead && nexus_kvm_is_dead(vm->kvm)) {
			WRITE_ONCE(vm->dead, true);
			nexus_vm_tell(vm, NEXUS_VM_NEWS);
			wake_up_poll(&vm->wait, EPOLLHUP);
			nexus_netlink_event(vm, NEXUS_VM_EVENT_DIED);
		}
		if (vm->dead && !vm->attached && !gone) {
			kref_get(&vm->refs);
			gone = vm;
		}
	}
	if (nexus_vm_count)
		schedule_delayed_work(&nexus_vm_sweeper,
				      gone ? 0 : msecs_to_jiffies(NEXUS_VM_SWEEP_MS));
	mutex_unlock(&nexus_vms_lock);

	if (gone) {
		nexus_vm_release(gone);
		nexus_vm_put(gone);
	}
}

int nexus_vm_init(void)
{
	nexus_vm_wq = alloc_workqueue("nexus", WQ_UNBOUND, 0);
	return nexus_vm_wq ? 0 : -ENOMEM;
}

void nexus_vm_exit(void)
{
	/* The last VM's release dropped the module reference: none is left. */
	cancel_delayed_work_sync(&nexus_vm_sweeper);
	/* RCU callbacks queue works; that of a channel may end its VM, by RCU again. */
	rcu_barrier();
	flush_workqueue(nexus_vm_wq);
	rcu_barrier();
	destroy_workqueue(nexus_vm_wq);
	idr_destroy(&nexus_vm_ids);
}
