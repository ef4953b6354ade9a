// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "config.h"
#include "container.h"
#include "gate.h"
#include "op_core.h"
#include "share.h"
#include "tenant.h"
#include "worker.h"

#define NS_PER_MS	1000000ULL
#define TENANT_BUCKETS	64
#define BUSY_MS		5		/* another worker's operations end unnoticed: look again */
#define ALONE_MS	1000		/* after the last operation of another tenant: who comes in between finds short turns */
#define TOKENS_MIN	16384U		/* bytes: smaller turns cost more than they bring */

/* Why one waits, besides a time in ns. */
#define WAIT_NOTHING	UINT64_MAX
#define WAIT_CREDIT	1		/* the next round */

struct share_queue {
	struct share_turn *first, **tail;
	uint32_t len;
};

/* A tenant on this worker; stays once it came. */
struct share_tenant {
	struct share_tenant *next_known;
	struct share_tenant *next, **link;	/* active */
	struct share *share;
	const struct tenant *tenant;
	uint32_t users;				/* operations and queued exchanges; active while there are any */
	int64_t credit;				/* bytes left of this turn */
	struct share_queue starts, turns;
};

struct share {
	struct worker *worker;
	struct loop_idle idle;
	struct loop_timer timer;
	bool pending;				/* somebody waits for the next round */
	uint32_t nr_active;
	uint64_t shared_ms;			/* when there were two active ones last */
	struct share_tenant *active, **active_tail;
	struct share_tenant *known[TENANT_BUCKETS];
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 * NS_PER_MS + ts.tv_nsec;
}

/* ---- tenants ---- */

static bool share_alone(const struct share *share)
{
	return share->nr_active == 1 &&
	       (!share->shared_ms || loop_now_ms(share->worker->loop) - share->shared_ms > ALONE_MS);
}

static int64_t tenant_quantum(const struct share_tenant *t)
{
	int64_t quantum = (int64_t)SHARE_QUANTUM * tenant_rules(t->tenant)->weight / SHARE_WEIGHT;

	return share_alone(t->share) ? quantum * SHARE_ALONE : quantum;
}

static struct share_tenant *tenant_find(struct share *share, const struct tenant *tenant)
{
	struct share_tenant **bucket = &share->known[((uintptr_t)tenant >> 6) % TENANT_BUCKETS], *t;

	for (t = *bucket; t && t->tenant != tenant; t = t->next_known)
		;
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->share = share;
	t->tenant = tenant;
	t->starts.tail = &t->starts.first;
	t->turns.tail = &t->turns.first;
	t->next_known = *bucket;
	*bucket = t;
	return t;
}

static void active_append(struct share_tenant *t)
{
	struct share *share = t->share;

	t->next = NULL;
	t->link = share->active_tail;
	*share->active_tail = t;
	share->active_tail = &t->next;
}

static void active_remove(struct share_tenant *t)
{
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	else
		t->share->active_tail = t->link;
}

static void tenant_hold(struct share_tenant *t)
{
	if (t->users++)
		return;
	t->share->nr_active++;
	active_append(t);
	/* What it did not use while it was away is gone; what it owes is not. */
	if (t->credit >= 0)
		t->credit = tenant_quantum(t);
}

static void tenant_drop(struct share_tenant *t)
{
	if (--t->users)
		return;
	if (t->share->nr_active > 1)
		t->share->shared_ms = loop_now_ms(t->share->worker->loop);
	t->share->nr_active--;
	active_remove(t);
}

/* ---- queues ---- */

static void queue_append(struct share_queue *queue, struct share_turn *turn)
{
	turn->next = NULL;
	turn->link = queue->tail;
	*queue->tail = turn;
	queue->tail = &turn->next;
	queue->len++;
}

static void queue_remove(struct share_queue *queue, struct share_turn *turn)
{
	*turn->link = turn->next;
	if (turn->next)
		turn->next->link = turn->link;
	else
		queue->tail = turn->link;
	turn->link = NULL;
	queue->len--;
}

/* ---- what is allowed now ---- */

static void share_wait(struct share *share, uint64_t wait)
{
	uint64_t ms = wait / NS_PER_MS + 1, now_ms = loop_now_ms(share->worker->loop);

	if (wait == WAIT_NOTHING)
		return;
	if (wait == WAIT_CREDIT)
		share->pending = true;
	else if (!share->timer.deadline_ms || share->timer.deadline_ms > now_ms + ms)
		loop_timer_start(share->worker->loop, &share->timer, ms);
}

/* How long until the tenant may move bytes: 0, WAIT_CREDIT, or ns. */
static uint64_t bytes_wait(const struct share_tenant *t)
{
	const struct rate_limit *limit = &tenant_rules(t->tenant)->bytes;
	uint64_t burst = limit->burst ? limit->burst : limit->per_second;

	if (t->credit <= 0)
		return WAIT_CREDIT;
	if (!limit->per_second)
		return 0;
	return rate_wait_ns(&t->tenant->usage->bytes, limit, clock_ns(), burst < TOKENS_MIN ? burst : TOKENS_MIN);
}

/* The same for an operation's start; if it may, it is counted. */
static uint64_t start_wait(struct share_tenant *t)
{
	const struct rules *rules = tenant_rules(t->tenant);
	struct usage *usage = t->tenant->usage;
	uint64_t wait = bytes_wait(t), now_ns;

	if (wait)
		return wait;
	if (__atomic_add_fetch(&usage->operations, 1, __ATOMIC_RELAXED) > rules->max_operations && rules->max_operations) {
		wait = BUSY_MS * NS_PER_MS;
	} else if (rules->requests.per_second) {
		now_ns = clock_ns();
		if (!rate_take(&usage->requests, &rules->requests, now_ns, 1)) {
			wait = rate_wait_ns(&usage->requests, &rules->requests, now_ns, 1);
			wait = wait > WAIT_CREDIT ? wait : NS_PER_MS;
		}
	}
	if (wait)
		__atomic_sub_fetch(&usage->operations, 1, __ATOMIC_RELAXED);
	else
		t->credit -= SHARE_START;
	return wait;
}

/* ---- rounds ---- */

/* Let go who may. Why the others wait. */
static uint64_t tenant_serve(struct share_tenant *t)
{
	uint64_t start = WAIT_NOTHING, move = WAIT_NOTHING;
	struct share_turn *turn;

	do {
		turn = t->starts.first;
		start = turn ? start_wait(t) : WAIT_NOTHING;
		if (!start) {
			queue_remove(&t->starts, turn);
			turn->started = true;
			gate_open(turn->op);
		}
		turn = t->turns.first;
		move = turn ? bytes_wait(t) : WAIT_NOTHING;
		if (!move) {
			queue_remove(&t->turns, turn);
			turn->called = true;
			turn->resume(turn);
			tenant_drop(t);
		}
	} while (!start || !move);
	return start < move ? start : move;
}

/* One round. While tenants are served, others may come and go. */
static void share_round(struct share *share)
{
	struct share_tenant *t;

	share->pending = false;
	for (uint32_t n = share->nr_active; n && share->active; n--) {
		int64_t quantum;

		t = share->active;
		active_remove(t);
		active_append(t);
		quantum = tenant_quantum(t);
		t->credit = t->credit > 0 ? quantum : t->credit + quantum;
		share_wait(share, tenant_serve(t));
	}
	if (share->active) {
		/* Another one is the first next time. */
		t = share->active;
		active_remove(t);
		active_append(t);
	}
}

static bool share_before_sleep(struct loop_idle *idle)
{
	struct share *share = container_of(idle, struct share, idle);

	if (!share->pending)
		return true;
	share_round(share);
	return false;
}

static void share_after_sleep(struct loop_idle *idle)
{
	(void)idle;
}

bool share_pending(const struct share *share)
{
	return share->pending;
}

static void share_expired(struct loop_timer *timer)
{
	container_of(timer, struct share, timer)->pending = true;
}

/* ---- the gate ---- */

/* The whole queue's time: n more requests, at the rate's pace. */
static uint64_t queue_wait_ms(const struct share_tenant *t)
{
	const struct rate_limit *limit = &tenant_rules(t->tenant)->requests;

	return limit->per_second ? (t->starts.len + 1) * 1000ULL / limit->per_second : 0;
}

static int share_enter(struct op *op)
{
	struct share_tenant *t = tenant_find(op->worker->share, op->tenant);
	struct share_turn *turn = &op->core->share;
	uint64_t wait = WAIT_CREDIT, wait_ms;

	if (op->type->poll)
		return 0;	/* it does nothing, for as long as it takes */
	if (!t)
		return op_error(op, -ENOMEM, "NexusInternal", "out of memory");
	turn->op = op;
	turn->tenant = t;
	tenant_hold(t);
	if (!t->starts.first) {
		wait = start_wait(t);
		turn->started = !wait;
		if (!wait)
			return 0;
	}
	wait_ms = queue_wait_ms(t);
	if (wait_ms > op->core->timeout_ms) {
		tenant_drop(t);
		return op_error(op, -EBUSY, "NexusLimitExceeded",
				"%u requests of tenant %s wait already, for %" PRIu64 " ms at requests_per_second = %" PRIu64
				"; this one has %u ms", t->starts.len, op->tenant->name, wait_ms,
				tenant_rules(op->tenant)->requests.per_second, op->core->timeout_ms);
	}
	counter_add(&op->worker->counters.throttled, 1);
	queue_append(&t->starts, turn);
	share_wait(t->share, wait);
	return GATE_PARKED;
}

static void share_gate_leave(struct op *op)
{
	struct share_turn *turn = &op->core->share;
	struct share_tenant *t = turn->tenant;

	if (!t)
		return;		/* it polls */
	if (turn->link)
		queue_remove(&t->starts, turn);
	if (turn->started)
		__atomic_sub_fetch(&op->tenant->usage->operations, 1, __ATOMIC_RELAXED);
	t->share->pending |= t->starts.first && tenant_rules(op->tenant)->max_operations;
	tenant_drop(t);
}

const struct gate share_gate = {
	.name = "share",
	.enter = share_enter,
	.leave = share_gate_leave,
};

/* ---- exchanges ---- */

uint32_t share_take(struct share_turn *turn)
{
	struct share_tenant *t = turn->tenant;
	uint64_t wait;

	if (turn->link)
		return 0;
	if (!t) {
		t = turn->tenant = tenant_find(turn->op->worker->share, turn->op->tenant);
		if (!t)
			return SHARE_QUANTUM;	/* no memory to be fair with */
	}
	wait = t->turns.first && !turn->called ? WAIT_CREDIT : bytes_wait(t);
	turn->called = false;
	if (!wait)
		return t->credit > UINT32_MAX ? UINT32_MAX : t->credit;
	tenant_hold(t);
	queue_append(&t->turns, turn);
	share_wait(t->share, wait);
	return 0;
}

void share_moved(struct share_turn *turn, uint64_t bytes)
{
	struct share_tenant *t = turn->tenant;
	const struct rate_limit *limit;

	if (!t || !bytes)
		return;
	limit = &tenant_rules(t->tenant)->bytes;
	t->credit -= bytes;
	if (limit->per_second)
		rate_charge(&t->tenant->usage->bytes, limit, clock_ns(), bytes);
}

void share_leave(struct share_turn *turn)
{
	if (!turn->link)
		return;
	queue_remove(&turn->tenant->turns, turn);
	tenant_drop(turn->tenant);
}

/* ---- life ---- */

struct share *share_new(struct worker *worker)
{
	struct share *share = calloc(1, sizeof(*share));

	if (!share)
		return NULL;
	share->worker = worker;
	share->active_tail = &share->active;
	share->timer.expired = share_expired;
	share->idle = (struct loop_idle){ share_before_sleep, share_after_sleep, NULL };
	loop_idle_add(worker->loop, &share->idle);
	return share;
}

void share_free(struct share *share)
{
	struct share_tenant *t;

	if (!share)
		return;
	loop_idle_remove(share->worker->loop, &share->idle);
	loop_timer_stop(share->worker->loop, &share->timer);
	for (unsigned int i = 0; i < TENANT_BUCKETS; i++) {
		while ((t = share->known[i])) {
			share->known[i] = t->next_known;
			free(t);
		}
	}
	free(share);
}
