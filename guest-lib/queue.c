// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include "../uapi/nexus_hypercall.h"
#include "op.h"
#include "queue.h"
#include "runqueue.h"

/* Looks at the ring before sleeping: a few microseconds, below what makes a
 * hypervisor think of a spinning vCPU. */
#define SPIN_MIN	8U
#define SPIN_MAX	512U
/* A sched_yield() that took longer let others run; far more than it takes otherwise. */
#define YIELD_NS	100000
/* An instance that waited so long for an event is at rest. Until then what its function left running has its timers, a little late. */
#define REST_AFTER_NS	100000000
#define LATE_MS		10

uint32_t queue_slot(struct nexus *nx)
{
	return nx->nr_free ? nx->free_slots[--nx->nr_free] : NO_SLOT;
}

void queue_slot_free(struct nexus *nx, uint32_t slot)
{
	if (slot != NO_SLOT)
		nx->free_slots[nx->nr_free++] = slot;
}

void queue_submit(struct nexus *nx, uint32_t slot, const struct submission *s, struct nexus_op *op,
		  struct window *w)
{
	struct nexus_slot *to = nexus_slot_at(nx->header, slot);

	*to = (struct nexus_slot){
		.kind = s->kind, .flags = s->flags, .stream = s->stream,
		.msg_off = s->msg_off, .msg_len = s->msg_len, .msg_cap = s->msg_cap,
		.data_off = s->data_off, .data_len = s->data_len, .state = NEXUS_SLOT_FREE,
	};
	nx->slots[slot] = (struct slot_ref){ op, w, s->msg_cap, s->msg_off, s->data_len };
	op->in_flight++;
	nx->requests++;
	nexus_ring_push(&nx->sq, &nx->sq_tail, slot);
}

/* The daemon is to hear of what was published: true if that takes a kick, which the caller now owes it. */
static bool queue_must_kick(struct nexus *nx)
{
	nx->kick_due = false;
	if (nexus_load(&nx->header->sq_head) == nx->sq_tail)
		return false;		/* it has it all */
	if (nx->dead || !nexus_ring_must_wake(&nx->header->host_flags, NEXUS_HOST_NEED_KICK))
		return false;
	/*
	 * A kick is on its way if the host has not yet taken what the last one was for: it
	 * will find the rest as well, because it looks at the ring after it wrote sq_head.
	 */
	if ((int32_t)(nexus_load(&nx->header->sq_head) - nx->kicked) < 0)
		return false;
	nx->kicked = nx->sq_tail;
	nx->kicks++;
	return true;
}

static void queue_kick_now(struct nexus *nx)
{
	int ret = queue_must_kick(nx) ? nx->transport->ops->kick(nx->transport) : 0;

	if (ret)
		queue_die(nx, ret, nx->transport->reason);
}

void queue_hold(struct nexus *nx)
{
	nx->kick_due = true;
}

void queue_kick(struct nexus *nx)
{
	if (nx->held)
		nx->kick_due = true;
	else
		queue_kick_now(nx);
}

void nexus_hold(struct nexus *nx)
{
	CHANNEL_LOCK(nx);
	nx->held++;
}

void nexus_release(struct nexus *nx)
{
	CHANNEL_LOCK(nx);
	if (nx->held && !--nx->held && nx->kick_due)
		queue_kick_now(nx);
}

void queue_cancel_next(struct nexus *nx)
{
	struct nexus_op *op = nx->cancels;

	if (!op || nx->cancel_busy || nx->dead)
		return;
	nx->cancels = op->next_cancel;
	nx->cancel_busy = true;
	queue_submit(nx, nx->cancel_slot, &(struct submission){ .kind = NEXUS_SLOT_CANCEL, .stream = op->slot },
		     op, NULL);
	queue_kick(nx);
}

/* Read the host's part of a slot once, and check the copy. */
static void queue_read(struct nexus *nx, uint32_t slot, const struct slot_ref *ref, struct completion *c)
{
	struct nexus_slot *from = nexus_slot_at(nx->header, slot);

	c->slot = slot;
	c->status = (int32_t)nexus_load((uint32_t *)&from->status);
	c->msg_len = nexus_load(&from->msg_out);
	c->data_len = nexus_load(&from->data_out);
	c->more = nexus_load(&from->result_flags) & NEXUS_SLOT_MORE;
	if (c->status > 0 || c->status < -4095 || c->msg_len > ref->msg_cap || c->data_len > ref->data_len) {
		c->status = -EPROTO;
		c->msg_len = 0;
		c->data_len = 0;
		c->more = false;
	}
}

static void queue_complete(struct nexus *nx, uint32_t slot)
{
	struct slot_ref ref = nx->slots[slot];
	struct completion c;

	queue_read(nx, slot, &ref, &c);
	c.msg = channel_at(nx, ref.msg_off);
	nx->slots[slot].op = NULL;
	nexus_store(&nexus_slot_at(nx->header, slot)->state, NEXUS_SLOT_FREE);
	ref.op->in_flight--;
	if (slot == nx->cancel_slot)
		nx->cancel_busy = false;
	op_complete(ref.op, ref.window, &c);
}

/*
 * A slot number may come twice (a daemon that restarted publishes again what it
 * is not sure of): only one that is in flight, and DONE, counts.
 */
void queue_reap(struct nexus *nx)
{
	uint32_t ready = nexus_ring_ready(&nx->cq, nx->cq_head);

	if (!ready || nx->dead)
		return;
	if (ready > nx->nr_slots) {
		queue_die(nx, -EPROTO, "the host published more completions than there are slots");
		return;
	}
	while (ready--) {
		uint32_t slot = nexus_ring_peek(&nx->cq, nx->cq_head);

		if (slot < nx->nr_slots && nx->slots[slot].op &&
		    nexus_load_acquire(&nexus_slot_at(nx->header, slot)->state) == NEXUS_SLOT_DONE)
			queue_complete(nx, slot);
		nexus_store_release(&nx->header->cq_head, ++nx->cq_head);
	}
	queue_cancel_next(nx);
	if (nx->waiters)
		pthread_cond_broadcast(&nx->news);
}

void queue_die(struct nexus *nx, int status, const char *reason)
{
	if (nx->dead)
		return;
	nx->dead = status;
	snprintf(nx->dead_reason, sizeof(nx->dead_reason), "%s", reason);
	nx->cancels = NULL;
	for (uint32_t slot = 0; slot < nx->nr_slots; slot++) {
		struct slot_ref *ref = &nx->slots[slot];
		struct nexus_op *op = ref->op;

		if (!op)
			continue;
		ref->op = NULL;
		op->in_flight--;
		op_complete(op, ref->window, &(struct completion){ .slot = slot, .status = status });
	}
	if (nx->waiters)
		pthread_cond_broadcast(&nx->news);
}

/* No lock held. True: there is news. */
static bool queue_spin(struct nexus *nx, uint32_t seen)
{
	for (unsigned int i = 0; i < nx->spin; i++) {
		if (nexus_ring_ready(&nx->cq, seen)) {
			nx->spin = nx->spin < SPIN_MAX / 2 ? nx->spin * 2 : SPIN_MAX;
			return true;
		}
		__builtin_ia32_pause();
	}
	nx->spin = nx->spin / 2 > SPIN_MIN ? nx->spin / 2 : SPIN_MIN;
	return false;
}

/* The sleeper may hear quiet completions, or no longer. Threads that wait beside it may need one. */
static void queue_set_quiet(struct nexus *nx, bool quiet)
{
	if (nx->quiet == quiet)
		return;
	nx->quiet = quiet;
	if (quiet)
		__atomic_fetch_or(&nx->header->guest_flags, NEXUS_GUEST_QUIET, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&nx->header->guest_flags, ~NEXUS_GUEST_QUIET, __ATOMIC_SEQ_CST);
}

/* The other threads of this process, and of this guest, may use the CPU. */
static void queue_yield(struct nexus *nx)
{
	int64_t begin = channel_now();

	sched_yield();
	nx->alone = channel_now() - begin < YIELD_NS;
}

/* A kick that is due may come with the sleep if nobody else wants the CPU: it would come after him. nx->sleeping is not set. */
static bool queue_kicks_with_wait(const struct nexus *nx)
{
	return nx->transport->ops->kick_and_wait && nx->alone;
}

/* By how much timers may be late while we wait for an event and nothing else. The look at who else runs costs too much for an event's end. */
static unsigned int queue_late_ms(const struct nexus *nx, int64_t waited)
{
	if (waited < REST_AFTER_NS)
		return nx->alone ? LATE_MS : 0;
	return runqueue_is_ours() ? NEXUS_IDLE_MAX : 0;
}

/* Sleep for the host, as the one thread that does. If a kick is still due, it comes with that. waited: so far, ns. */
static void queue_sleep(struct nexus *nx, int64_t timeout, bool quiet, int64_t waited)
{
	bool idle = quiet && !nx->waiters && !nx->served;
	bool kick = nx->kick_due && queue_must_kick(nx);
	struct transport *t = nx->transport;
	uint32_t seen = nx->cq_head;
	int ret = 0;

	nx->sleeping = true;
	queue_set_quiet(nx, quiet && !nx->waiters);
	pthread_mutex_unlock(&nx->lock);
	if (kick || !queue_spin(nx, seen)) {
		if (nexus_ring_may_sleep(&nx->cq, seen, &nx->header->guest_flags, NEXUS_GUEST_NEED_WAKE))
			queue_yield(nx);
		if (!nexus_ring_ready(&nx->cq, seen)) {
			__atomic_fetch_add(&nx->waits, 1, __ATOMIC_RELAXED);
			ret = (kick ? t->ops->kick_and_wait : t->ops->wait)(t, &nx->header->cq_tail, seen, timeout,
									    idle ? queue_late_ms(nx, waited) : 0);
			kick = false;
		}
		nexus_ring_awake(&nx->header->guest_flags, NEXUS_GUEST_NEED_WAKE);
	}
	if (kick)
		ret = t->ops->kick(t);
	pthread_mutex_lock(&nx->lock);
	nx->sleeping = false;
	queue_set_quiet(nx, false);
	if (ret)
		queue_die(nx, ret, t->reason);
	if (nx->waiters)
		pthread_cond_broadcast(&nx->news);
}

static void queue_look_at_host(struct nexus *nx)
{
	uint32_t state = nexus_load(&nx->header->host_state);

	if (state == NEXUS_HOST_BROKEN)
		queue_die(nx, -EPROTO, "the host found the arena's rings broken, and serves this channel no more");
	else if (state == NEXUS_HOST_GONE)
		queue_die(nx, -ECONNRESET, "the host closed the channel");
}

static int queue_wait_for(struct nexus *nx, bool (*ready)(void *arg), void *arg, int64_t deadline, bool quiet)
{
	int64_t begin = 0, now, left;

	for (;;) {
		if (nx->sleeping && !quiet)
			queue_set_quiet(nx, false);
		queue_reap(nx);
		if (ready(arg))
			return 0;
		queue_look_at_host(nx);
		now = channel_now();
		begin = begin ? begin : now;
		if (nx->kick_due && (nx->sleeping || now >= deadline || !queue_kicks_with_wait(nx)))
			queue_kick_now(nx);
		if (ready(arg))
			return 0;
		if (now >= deadline)
			return -ETIMEDOUT;
		left = deadline - now;
		channel_shrink_idle(nx, now);
		if (nx->sleeping) {
			struct timespec ts = { deadline / 1000000000, deadline % 1000000000 };

			nx->waiters++;
			if (deadline == FOREVER)
				pthread_cond_wait(&nx->news, &nx->lock);
			else
				pthread_cond_timedwait(&nx->news, &nx->lock, &ts);
			nx->waiters--;
		} else {
			queue_sleep(nx, left, quiet, now - begin);
		}
	}
}

int queue_wait(struct nexus *nx, bool (*ready)(void *arg), void *arg, int64_t deadline)
{
	return queue_wait_for(nx, ready, arg, deadline, false);
}

int queue_wait_quiet(struct nexus *nx, bool (*ready)(void *arg), void *arg, int64_t deadline)
{
	return queue_wait_for(nx, ready, arg, deadline, true);
}
