// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include "channel.h"
#include "config.h"
#include "gate.h"
#include "op_core.h"
#include "prefetch.h"
#include "worker.h"

#define PREFETCH_MAX	4	/* of one guest at a time */

/* In the memory of the operation that waits. */
struct prefetch_waiter {
	struct prefetch_waiter *next;
	struct op *op;
};

static bool prefetch_is_one(const struct op *op)
{
	return op->request->op_case == NEXUS__V1__REQUEST__OP_GET_OBJECT && op->request->get_object->prefetch;
}

static int prefetch_enter(struct op *op)
{
	struct guest *guest = op->channel->guest;
	struct prefetch_waiter *waiter, **p;

	if (!prefetch_is_one(op))
		return 0;
	/* The last quarter is for what the guest waits for. */
	if (guest->ops > op->tenant->max_in_flight * 3 / 4)
		return op_error(op, -EBUSY, "NexusLimitExceeded",
				"%u operations are in flight: no prefetch beyond three quarters of max_in_flight, %u",
				guest->ops, op->tenant->max_in_flight);
	counter_add(&op->worker->counters.prefetches, 1);
	if (guest->prefetching < PREFETCH_MAX) {
		guest->prefetching++;
		return 0;
	}
	waiter = op_alloc(op, sizeof(*waiter));
	*waiter = (struct prefetch_waiter){ .op = op };
	for (p = &guest->prefetch_waiters; *p; p = &(*p)->next)
		;
	*p = waiter;
	return GATE_PARKED;
}

static void prefetch_leave(struct op *op)
{
	struct guest *guest = op->channel->guest;
	struct prefetch_waiter **p = &guest->prefetch_waiters, *next;

	if (!prefetch_is_one(op))
		return;
	counter_add(&op->worker->counters.prefetch_bytes, op->core->moved);
	while (*p && (*p)->op != op)
		p = &(*p)->next;
	if (*p) {
		*p = (*p)->next;	/* it ended while it waited */
		return;
	}
	next = guest->prefetch_waiters;
	if (!next) {
		guest->prefetching--;
		return;
	}
	guest->prefetch_waiters = next->next;
	gate_open(next->op);
}

const struct gate prefetch_gate = {
	.name = "prefetch",
	.enter = prefetch_enter,
	.leave = prefetch_leave,
};

/* The words are the guest's: whatever it writes there moves a number for the operator, once a step. */
static void count_word(const uint32_t *shared, uint32_t *seen, uint64_t *counter)
{
	uint32_t now = nexus_load(shared), more = now - *seen;

	*seen = now;
	if (more <= NEXUS_MAX_SLOTS)
		counter_add(counter, more);
}

void prefetch_count(struct channel *channel)
{
	const struct nexus_ring_header *header = (const struct nexus_ring_header *)channel->arena.base;
	struct counters *counters = &channel->worker->counters;

	count_word(&header->prefetch_hits, &channel->prefetch_hits, &counters->prefetch_hits);
	count_word(&header->prefetch_useless, &channel->prefetch_useless, &counters->prefetch_useless);
}
