// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cleanup.h"
#include "config.h"
#include "conn.h"
#include "container.h"
#include "grpc_client.h"
#include "journal.h"
#include "log.h"
#include "op_core.h"
#include "share.h"
#include "worker_core.h"
#include "workers.h"

/* A channel without submissions for so long goes back to kicking. */
#define ACTIVE_US	10000

static struct worker_core **workers;	/* fixed between start and stop */
static uint32_t nr_workers;
static struct worker_core *journal_worker;	/* not among them; NULL: no journal */

static uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- channels ---- */

static uint32_t *channel_flags(struct channel *channel)
{
	return &((struct nexus_ring_header *)channel->arena.base)->host_flags;
}

void worker_activate(struct channel *channel)
{
	struct worker_core *core = channel->worker->core;

	channel->active_us = clock_us();
	if (channel->active)
		return;
	channel->active = true;
	channel->next_active = core->active;
	core->active = channel;
	nexus_ring_awake(channel_flags(channel), NEXUS_HOST_NEED_KICK);
}

void worker_notify_later(struct channel *channel)
{
	struct worker_core *core = channel->worker->core;

	if (channel->notify)
		return;
	channel->notify = true;
	channel->next_notify = core->notify;
	core->notify = channel;
}

void worker_forget(struct channel *channel)
{
	struct worker_core *core = channel->worker->core;

	for (struct channel **p = &core->active; channel->active && *p; p = &(*p)->next_active) {
		if (*p == channel) {
			*p = channel->next_active;
			break;
		}
	}
	channel->active = false;
	for (struct channel **p = &core->notify; channel->notify && *p; p = &(*p)->next_notify) {
		if (*p == channel) {
			*p = channel->next_notify;
			break;
		}
	}
	channel->notify = channel->loud = false;
}

static bool worker_must_notify(const struct channel *channel)
{
	const struct nexus_ring_header *header = (const struct nexus_ring_header *)channel->arena.base;
	uint32_t flags;

	nexus_full_barrier();
	flags = nexus_load(&header->guest_flags);
	return flags & NEXUS_GUEST_NEED_WAKE && (channel->loud || !(flags & NEXUS_GUEST_QUIET));
}

static void worker_notify(struct worker_core *core)
{
	struct channel *channel;
	bool must;

	while ((channel = core->notify)) {
		core->notify = channel->next_notify;
		must = worker_must_notify(channel);
		channel->notify = channel->loud = false;
		if (!must)
			continue;
		counter_add(&core->worker.counters.notifies, 1);
		channel->transport->notify(channel);
	}
}

/* Taking may put channels in front of the list, or remove the one it takes from, but no other. */
static bool worker_take(struct worker_core *core)
{
	struct channel *channel, *next;
	bool found = false;

	for (channel = core->active; channel; channel = next) {
		next = channel->next_active;
		found |= channel_take(channel);
	}
	return found;
}

/*
 * Ask the active channels to kick, which is safe only if their rings are empty
 * after that. Channels that were silent for long leave the list, and keep the flag.
 */
static bool worker_arm(struct worker_core *core, uint64_t now_us)
{
	struct channel **p = &core->active, *channel;
	struct nexus_ring ring;

	while ((channel = *p)) {
		ring = nexus_ring_sq(channel->arena.base, channel->nr_slots);
		if (!nexus_ring_may_sleep(&ring, channel->sq_head, channel_flags(channel), NEXUS_HOST_NEED_KICK) &&
		    channel_takes(channel))
			return false;
		if (now_us - channel->active_us > ACTIVE_US) {
			*p = channel->next_active;
			channel->active = false;
		} else {
			p = &channel->next_active;
		}
	}
	return true;
}

static bool worker_before_sleep(struct loop_idle *idle)
{
	struct worker_core *core = container_of(idle, struct worker_core, idle);
	uint64_t now_us, spin_us = core->worker.config->spin_us;
	bool found;

	if (!core->active && !core->notify && !core->opened)
		return true;
	/* Who has an answer does not wait until others' operations have started. */
	worker_notify(core);
	found = worker_take(core) || core->opened || share_pending(core->worker.share);
	op_open_all(core);
	worker_notify(core);
	if (found)
		return false;
	now_us = clock_us();
	for (struct channel *c = spin_us ? core->active : NULL; c; c = c->next_active) {
		if (now_us - c->active_us < spin_us)
			return false;
	}
	return worker_arm(core, now_us);
}

static void worker_after_sleep(struct loop_idle *idle)
{
	struct worker_core *core = container_of(idle, struct worker_core, idle);

	for (struct channel *channel = core->active; channel; channel = channel->next_active)
		nexus_ring_awake(channel_flags(channel), NEXUS_HOST_NEED_KICK);
}

/* ---- life ---- */

void worker_add(struct worker *worker, struct worker_client *client)
{
	struct worker_core *core = worker->core;

	client->next = core->clients;
	client->prev = &core->clients;
	if (client->next)
		client->next->prev = &client->next;
	core->clients = client;
}

void worker_remove(struct worker_client *client)
{
	*client->prev = client->next;
	if (client->next)
		client->next->prev = client->prev;
}

static void worker_check_drained(struct worker_core *core)
{
	if (core->draining && !core->in_flight)
		loop_timer_start(core->worker.loop, &core->drain_timer, 0);
}

void worker_in_flight(struct worker *worker, int change)
{
	worker->core->in_flight += change;
	worker_check_drained(worker->core);
}

static void worker_drained(struct loop_timer *timer)
{
	struct worker_core *core = container_of(timer, struct worker_core, drain_timer);

	loop_stop(core->worker.loop);
}

static void worker_drain(void *arg)
{
	struct worker_core *core = arg;

	core->draining = true;
	loop_timer_start(core->worker.loop, &core->drain_timer, WORKERS_DRAIN_MS);
	worker_check_drained(core);
}

static void *worker_main(void *arg)
{
	struct worker_core *core = arg;
	int ret = loop_run(core->worker.loop);

	if (ret) {
		log_error("worker: its loop failed: %s", strerror(-ret));
		abort();	/* its guests would hang; a restart takes them over */
	}
	worker_notify(core);
	while (core->clients)
		core->clients->abandon(core->clients);
	return NULL;
}

static void worker_free(struct worker_core *core)
{
	if (!core)
		return;
	grpc_clients_free(core->worker.grpc);
	if (core->worker.pools)
		conn_pools_free(core->worker.pools);
	share_free(core->worker.share);
	op_pool_free(core->op_pool);
	loop_free(core->worker.loop);
	free(core);
}

static int worker_new(const struct config *config, struct worker_core **out)
{
	struct worker_core *core = calloc(1, sizeof(*core));
	int ret;

	if (!core)
		return -ENOMEM;
	core->worker.config = config;
	core->worker.core = core;
	core->idle = (struct loop_idle){ worker_before_sleep, worker_after_sleep, NULL };
	core->drain_timer.expired = worker_drained;
	core->opened_tail = &core->opened;
	core->worker.loop = loop_new();
	if (core->worker.loop)
		core->worker.share = share_new(&core->worker);
	if (core->worker.share)
		core->worker.pools = conn_pools_new(&core->worker);
	if (!core->worker.pools) {
		ret = -errno;
		worker_free(core);
		return ret;
	}
	loop_idle_add(core->worker.loop, &core->idle);
	ret = -pthread_create(&core->thread, NULL, worker_main, core);
	if (ret) {
		worker_free(core);
		return ret;
	}
	*out = core;
	return 0;
}

int workers_start(const struct config *config)
{
	int ret;

	workers = calloc(config->workers, sizeof(struct worker_core *));
	if (!workers)
		return -ENOMEM;
	while (nr_workers < config->workers) {
		ret = worker_new(config, &workers[nr_workers]);
		if (ret) {
			log_error("worker %u: cannot start: %s%s", nr_workers, strerror(-ret),
				  ret == -EPERM || ret == -ENOSYS ?
				  ": io_uring is needed: sysctl kernel.io_uring_disabled=0" : "");
			workers_stop();
			return ret;
		}
		nr_workers++;
	}
	if (journal_enabled()) {
		ret = worker_new(config, &journal_worker);
		if (ret) {
			log_error("the journal's thread cannot start: %s", strerror(-ret));
			workers_stop();
			return ret;
		}
		journal_start(&journal_worker->worker);
	}
	return 0;
}

void workers_stop(void)
{
	for (uint32_t i = 0; i < nr_workers; i++)
		loop_post(workers[i]->worker.loop, worker_drain, workers[i]);
	for (uint32_t i = 0; i < nr_workers; i++)
		pthread_join(workers[i]->thread, NULL);
	/* They and the journal post to each other's loops until all have ended. */
	if (journal_worker) {
		loop_post(journal_worker->worker.loop, worker_drain, journal_worker);
		pthread_join(journal_worker->thread, NULL);
	}
	for (uint32_t i = 0; i < nr_workers; i++)
		worker_free(workers[i]);
	worker_free(journal_worker);
	journal_worker = NULL;
	free(workers);
	workers = NULL;
	nr_workers = 0;
}

struct retired {
	uint32_t workers;	/* that have not returned yet; atomic */
	void *object;
	void (*release)(void *object);
};

static void retired_unuse(void *arg)
{
	struct retired *retired = arg;

	if (__atomic_sub_fetch(&retired->workers, 1, __ATOMIC_ACQ_REL))
		return;
	retired->release(retired->object);
	free(retired);
}

void workers_retire(void *object, void (*release)(void *object))
{
	struct retired *retired = malloc(sizeof(*retired));

	if (!retired) {
		log_error("out of memory: what a reload replaced is kept");
		return;
	}
	/* One more, so that none of them is the last before all were told. */
	*retired = (struct retired){ nr_workers + 1, object, release };
	for (uint32_t i = 0; i < nr_workers; i++) {
		/* Without memory its count stays: the object is kept, which hurts nobody. */
		if (loop_post(workers[i]->worker.loop, retired_unuse, retired))
			log_error("out of memory: what a reload replaced is kept");
	}
	retired_unuse(retired);
}

struct worker *workers_pick(void)
{
	struct worker_core *least = workers[0];

	for (uint32_t i = 1; i < nr_workers; i++) {
		if (workers[i]->load < least->load)
			least = workers[i];
	}
	least->load++;
	return &least->worker;
}

void workers_unpick(struct worker *worker)
{
	worker->core->load--;
}

uint32_t workers_count(void)
{
	return nr_workers;
}

const struct worker *workers_get(uint32_t index)
{
	return &workers[index]->worker;
}
