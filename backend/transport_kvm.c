// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "container.h"
#include "log.h"
#include "nexus_dev.h"
#include "nexus_hypercall.h"
#include "next.h"
#include "op_core.h"
#include "snapshot.h"
#include "transport_kvm.h"
#include "worker_core.h"

#define FREEZE_MS	10000	/* how long requests in flight may hold up a snapshot */
#define FREEZE_LOOK_MS	5
#define MAP_ATTEMPTS	4	/* the guest may change its arena between the list and the mapping */

struct kvm_channel {
	struct channel channel;
	struct kvm_vm *vm;
	uint32_t number;
	uint32_t grants;	/* mapped */
	uint32_t control_pages;	/* of the first grant */
};

struct kvm_vm {
	struct guest guest;
	struct worker *worker;
	struct worker_client client;
	int handle;
	int pidfd;		/* -1: none */
	struct loop_poll poll;
	struct loop_poll pid_poll;
	struct kvm_channel *channels[NEXUS_MAX_CHANNELS];
	uint32_t nr_channels;
	uint32_t grants;	/* mapped, of all channels */
	bool ending;		/* released once the last channel is */
	void (*gone)(void *arg);
	void *arg;
	struct snapshot *snapshot;	/* being frozen: what to fill in */
	struct loop_timer freeze_timer;
	uint64_t freeze_until_ms;
	void (*frozen)(void *arg, int status);
	void *frozen_arg;
};

uint64_t kvm_vm_requests(const struct kvm_vm *vm)
{
	return __atomic_load_n(&vm->guest.requests, __ATOMIC_RELAXED);
}

uint32_t kvm_vm_polls(const struct kvm_vm *vm)
{
	return __atomic_load_n(&vm->guest.polls, __ATOMIC_RELAXED);
}

uint64_t kvm_vm_polled(const struct kvm_vm *vm)
{
	return __atomic_load_n(&vm->guest.polled, __ATOMIC_RELAXED);
}

/* ---- end of a VM ---- */

static void kvm_vm_thaw(struct kvm_vm *vm, int status)
{
	loop_timer_stop(vm->worker->loop, &vm->freeze_timer);
	if (!vm->snapshot)
		return;
	vm->snapshot = NULL;
	vm->frozen(vm->frozen_arg, status);
}

static void kvm_vm_stop(struct kvm_vm *vm)
{
	kvm_vm_thaw(vm, -ENODEV);
	loop_poll_stop(vm->worker->loop, &vm->poll);
	loop_poll_stop(vm->worker->loop, &vm->pid_poll);
	worker_remove(&vm->client);
}

static void kvm_vm_end(struct kvm_vm *vm)
{
	if (!vm->ending || vm->nr_channels)
		return;
	kvm_vm_stop(vm);
	if (ioctl(vm->handle, NEXUS_IOC_RELEASE))
		log_error("cannot release a VM of tenant %s: %s", vm->guest.tenant->name, strerror(errno));
	close(take_fd(&vm->handle));
	vm->gone(vm->arg);
}

/* Every channel ends; operations that must finish keep theirs, and so the VM, meanwhile. */
static void kvm_vm_close(struct kvm_vm *vm)
{
	if (vm->ending)
		return;
	loop_poll_stop(vm->worker->loop, &vm->poll);
	loop_poll_stop(vm->worker->loop, &vm->pid_poll);
	for (int i = 0; i < NEXUS_MAX_CHANNELS; i++) {
		if (vm->channels[i])
			channel_close(&vm->channels[i]->channel);
	}
	vm->ending = true;
	kvm_vm_end(vm);
}

/* ---- the channel's transport ---- */

static void kvm_notify(struct channel *channel)
{
	struct kvm_channel *kvm = container_of(channel, struct kvm_channel, channel);

	ioctl(kvm->vm->handle, NEXUS_IOC_NOTIFY, kvm->number);
}

static void kvm_release(struct channel *channel)
{
	struct kvm_channel *kvm = container_of(channel, struct kvm_channel, channel);
	struct kvm_vm *vm = kvm->vm;

	/* Fails where the guest did not close it: then the VM's release ends it. */
	ioctl(vm->handle, NEXUS_IOC_RELEASE_CHANNEL, kvm->number);
	vm->channels[kvm->number] = NULL;
	vm->nr_channels--;
	vm->grants -= kvm->grants;
	free(kvm);
	kvm_vm_end(vm);
}

/* ---- the arena ---- */

/*
 * Map what the list says, over what is there: a grant that looks the same may
 * have been dropped and shared anew, with other pages. Only the control pages
 * stay: a guest that replaces those loses its channel.
 * Returns the arena's size in pages, or -EAGAIN the list is stale already.
 */
static int64_t kvm_channel_map_list(struct kvm_channel *kvm, const struct nexus_grant *grants, uint32_t count)
{
	struct arena *arena = &kvm->channel.arena;
	uint64_t pages = 0;
	int ret;

	for (uint32_t i = 0; i < count; pages += grants[i].pages, i++) {
		if (grants[i].first != pages)
			return -EAGAIN;
		if (!i && grants[0].pages == kvm->control_pages)
			continue;
		ret = arena_map(arena, pages * NEXUS_PAGE_SIZE, grants[i].pages * NEXUS_PAGE_SIZE, kvm->vm->handle,
				NEXUS_MMAP_OFFSET(kvm->number, grants[i].first));
		if (ret == -ENOENT)
			return -EAGAIN;
		if (ret) {
			log_error("cannot map %u pages of a VM of tenant %s: %s", grants[i].pages,
				  kvm->vm->guest.tenant->name, strerror(-ret));
			break;
		}
		if (!i)
			kvm->control_pages = grants[0].pages;
	}
	return pages;
}

static void kvm_channel_map(struct kvm_channel *kvm)
{
	struct nexus_grant table[KVM_GRANTS_MAX];
	struct nexus_grants list = { .channel = kvm->number, .capacity = KVM_GRANTS_MAX };
	struct kvm_vm *vm = kvm->vm;
	int64_t pages = -EAGAIN;

	list.grants = (uintptr_t)table;
	for (int i = 0; i < MAP_ATTEMPTS && pages == -EAGAIN; i++) {
		if (ioctl(vm->handle, NEXUS_IOC_GRANTS, &list))
			return;		/* the channel is gone; its close is on its way */
		if (list.count > KVM_GRANTS_MAX - (vm->grants - kvm->grants)) {
			channel_break(&kvm->channel, "more SHAREs than can be mapped: share larger pieces");
			return;
		}
		pages = kvm_channel_map_list(kvm, table, list.count);
	}
	if (pages < 0)
		return;			/* it changes all the time: the next event tells of it */
	vm->grants += list.count - kvm->grants;
	kvm->grants = list.count;
	channel_resize(&kvm->channel, pages * NEXUS_PAGE_SIZE);
	channel_attach(&kvm->channel);	/* a fault is told to the guest, and logged */
}

static void kvm_sync(struct channel *channel)
{
	kvm_channel_map(container_of(channel, struct kvm_channel, channel));
}

static const struct channel_transport kvm_transport = {
	.name = "kvm",
	.notify = kvm_notify,
	.sync = kvm_sync,
	.release = kvm_release,
};

/* ---- events ---- */

static struct kvm_channel *kvm_channel_new(struct kvm_vm *vm, uint32_t number)
{
	auto_free struct kvm_channel *kvm = calloc(1, sizeof(*kvm));

	if (!kvm || arena_reserve(&kvm->channel.arena))
		return NULL;
	kvm->vm = vm;
	kvm->number = number;
	kvm->channel.worker = vm->worker;
	kvm->channel.transport = &kvm_transport;
	kvm->channel.guest = &vm->guest;
	vm->channels[number] = kvm;
	vm->nr_channels++;
	return take_ptr(kvm);
}

static void kvm_channel_event(struct kvm_vm *vm, uint32_t number, uint32_t events)
{
	struct kvm_channel *kvm;

	if (number >= NEXUS_MAX_CHANNELS)
		return;
	kvm = vm->channels[number] ? vm->channels[number] : kvm_channel_new(vm, number);
	if (!kvm) {
		log_error("no memory for a channel of a VM of tenant %s: it is not served",
			  vm->guest.tenant->name);
		return;
	}
	if (events & NEXUS_EVENT_ARENA && kvm->channel.state != CHANNEL_BROKEN &&
	    kvm->channel.state != CHANNEL_CLOSING)
		kvm_channel_map(kvm);
	if (events & NEXUS_EVENT_KICKED) {
		counter_add(&vm->worker->counters.kicks, 1);
		channel_take(&kvm->channel);
	}
	if (events & NEXUS_EVENT_CLOSED)
		channel_close(&kvm->channel);	/* may free it */
}

/* Returns true if the VM is dead. */
static bool kvm_read_events(struct kvm_vm *vm)
{
	struct nexus_event events[NEXUS_MAX_CHANNELS + 1];
	ssize_t len = read(vm->handle, events, sizeof(events));
	bool dead = false;

	for (size_t i = 0; len > 0 && i < len / sizeof(events[0]); i++) {
		if (events[i].channel == NEXUS_CHANNEL_VM)
			dead |= events[i].events & NEXUS_EVENT_DEAD;
		else
			kvm_channel_event(vm, events[i].channel, events[i].events);
	}
	return dead;
}

static void kvm_ready(struct loop_poll *poll, unsigned int revents)
{
	struct kvm_vm *vm = container_of(poll, struct kvm_vm, poll);
	bool dead = kvm_read_events(vm) || revents & (POLLHUP | POLLNVAL);

	if (dead || loop_poll_start(vm->worker->loop, poll, vm->handle, POLLIN))
		kvm_vm_close(vm);
}

static void kvm_vmm_ended(struct loop_poll *poll, unsigned int revents)
{
	(void)revents;
	kvm_vm_close(container_of(poll, struct kvm_vm, pid_poll));
}

/* ---- life ---- */

static void kvm_vm_abandon(struct worker_client *client)
{
	struct kvm_vm *vm = container_of(client, struct kvm_vm, client);

	kvm_vm_stop(vm);
	for (int i = 0; i < NEXUS_MAX_CHANNELS; i++) {
		if (!vm->channels[i])
			continue;
		channel_abandon(&vm->channels[i]->channel);
		free(vm->channels[i]);
	}
	close(take_fd(&vm->handle));
}

static void kvm_vm_begin(void *arg)
{
	struct kvm_vm *vm = arg;

	worker_add(vm->worker, &vm->client);
	/* What a clone has in flight is taken before its vCPUs run, not some turns later. */
	if (kvm_read_events(vm)) {
		kvm_vm_close(vm);
		return;
	}
	if (loop_poll_start(vm->worker->loop, &vm->poll, vm->handle, POLLIN) ||
	    (vm->pidfd >= 0 && loop_poll_start(vm->worker->loop, &vm->pid_poll, vm->pidfd, POLLIN)))
		kvm_vm_close(vm);
}

struct kvm_vm *kvm_vm_new(struct worker *worker, uint32_t id, uint64_t generation, bool held, int handle, int pidfd,
			  const struct tenant *tenant, const char *function, void (*gone)(void *arg), void *arg)
{
	struct kvm_vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return NULL;
	vm->worker = worker;
	vm->guest.tenant = tenant;
	vm->guest.vm_id = id;
	vm->guest.restore_generation = generation;
	vm->guest.held = held;
	snprintf(vm->guest.function, sizeof(vm->guest.function), "%s", function);
	vm->handle = handle;
	vm->pidfd = pidfd;
	vm->gone = gone;
	vm->arg = arg;
	vm->poll.ready = kvm_ready;
	vm->pid_poll.ready = kvm_vmm_ended;
	vm->client.abandon = kvm_vm_abandon;
	if (loop_post(worker->loop, kvm_vm_begin, vm)) {
		free(vm);
		return NULL;
	}
	return vm;
}

static void kvm_vm_runs_posted(void *arg)
{
	struct kvm_vm *vm = arg;

	vm->guest.held = false;
	for (int i = 0; i < NEXUS_MAX_CHANNELS; i++) {
		if (vm->channels[i])
			instance_runs(&vm->channels[i]->channel);
	}
}

void kvm_vm_runs(struct kvm_vm *vm)
{
	if (loop_post(vm->worker->loop, kvm_vm_runs_posted, vm))
		abort();	/* a few bytes; its function would have another deadline */
}

static void kvm_vm_release_posted(void *arg)
{
	kvm_vm_close(arg);
}

int kvm_vm_release(struct kvm_vm *vm)
{
	return loop_post(vm->worker->loop, kvm_vm_release_posted, vm);
}

/* ---- snapshots ---- */

/* 0; -EAGAIN requests are in flight; -EPIPE */
static int kvm_channel_idle(struct channel *channel)
{
	while (channel_take(channel))
		;
	if (channel->state != CHANNEL_SERVED)
		return -EPIPE;
	return op_all_poll(channel) ? 0 : -EAGAIN;
}

static int kvm_vm_idle(struct kvm_vm *vm)
{
	int ret;

	for (int i = 0; i < NEXUS_MAX_CHANNELS; i++) {
		ret = vm->channels[i] ? kvm_channel_idle(&vm->channels[i]->channel) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

static int kvm_vm_describe(struct kvm_vm *vm)
{
	int ret;

	for (int i = 0; i < NEXUS_MAX_CHANNELS; i++) {
		if (!vm->channels[i])
			continue;
		/* A clone's vCPU is not to sleep on in a WAIT that nobody knows of any more. */
		kvm_notify(&vm->channels[i]->channel);
		ret = snapshot_add(vm->snapshot, vm->handle, i);
		if (ret)
			return ret;
	}
	return 0;
}

static void kvm_vm_leave(struct kvm_vm *vm)
{
	kvm_vm_thaw(vm, 0);
	loop_poll_stop(vm->worker->loop, &vm->poll);
	loop_poll_stop(vm->worker->loop, &vm->pid_poll);
	for (int i = 0; i < NEXUS_MAX_CHANNELS; i++) {
		if (!vm->channels[i])
			continue;
		channel_abandon(&vm->channels[i]->channel);
		free(vm->channels[i]);
		vm->channels[i] = NULL;
	}
	vm->nr_channels = 0;
	vm->ending = true;
	kvm_vm_end(vm);
}

static void kvm_vm_freeze_look(struct loop_timer *timer)
{
	struct kvm_vm *vm = container_of(timer, struct kvm_vm, freeze_timer);
	int ret = vm->ending ? -ENODEV : kvm_vm_idle(vm);

	if (ret == -EAGAIN && loop_now_ms(vm->worker->loop) < vm->freeze_until_ms) {
		loop_timer_start(vm->worker->loop, timer, FREEZE_LOOK_MS);
		return;
	}
	if (!ret)
		ret = kvm_vm_describe(vm);
	if (ret)
		kvm_vm_thaw(vm, ret == -EAGAIN ? -EBUSY : ret);
	else
		kvm_vm_leave(vm);
}

static void kvm_vm_freeze_posted(void *arg)
{
	struct kvm_vm *vm = arg;

	vm->freeze_until_ms = loop_now_ms(vm->worker->loop) + FREEZE_MS;
	kvm_vm_freeze_look(&vm->freeze_timer);
}

int kvm_vm_freeze(struct kvm_vm *vm, struct snapshot *snapshot, void (*frozen)(void *arg, int status), void *arg)
{
	vm->snapshot = snapshot;
	vm->frozen = frozen;
	vm->frozen_arg = arg;
	vm->freeze_timer.expired = kvm_vm_freeze_look;
	return loop_post(vm->worker->loop, kvm_vm_freeze_posted, vm);
}

void kvm_vm_destroy(struct kvm_vm *vm)
{
	if (vm->handle >= 0)
		close(vm->handle);
	if (vm->pidfd >= 0)
		close(vm->pidfd);
	free(vm);
}

static void kvm_vm_free_posted(void *arg)
{
	kvm_vm_destroy(arg);
}

/* Through the worker: a release that was posted to it may still be on its way. */
void kvm_vm_free(struct kvm_vm *vm)
{
	if (loop_post(vm->worker->loop, kvm_vm_free_posted, vm))
		log_error("no memory to free a VM's %zu bytes: they are lost", sizeof(*vm));
}
