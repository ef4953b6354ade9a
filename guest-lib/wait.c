// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Waiting for operations that run by themselves. */
#include <errno.h>
#include "queue.h"
#include "stream.h"

struct wait_set {
	struct nexus_op *const *ops;
	size_t nr;
};

static bool op_ready(const struct nexus_op *op)
{
	return op->ended || (op->mode != OP_DIRECT && stream_ready(op));
}

/* What waits may end for: something is ready, or a pump has work. */
static bool wait_ready(void *arg)
{
	const struct wait_set *set = arg;

	for (size_t i = 0; i < set->nr; i++)
		if (set->ops[i] && op_ready(set->ops[i]))
			return true;
	return false;
}

/* The first whose caller has something to do; -1: none. */
static int wait_first(const struct wait_set *set)
{
	for (size_t i = 0; i < set->nr; i++) {
		const struct nexus_op *op = set->ops[i];

		if (op && (op->ended || (!op->pumped && op_ready(op))))
			return i;
	}
	return -1;
}

/* Do what pumped operations can do now. False: there is no operation at all. */
static bool wait_pump(const struct wait_set *set)
{
	bool any = false;

	for (size_t i = 0; i < set->nr; i++) {
		any |= set->ops[i] != NULL;
		if (set->ops[i] && set->ops[i]->pumped)
			stream_pump(set->ops[i]);
	}
	return any;
}

/* What just came back counts before windows are added. nx->lock held. */
static void wait_widen(struct nexus *nx, const struct wait_set *set)
{
	queue_reap(nx);
	for (size_t i = 0; i < set->nr; i++)
		if (set->ops[i] && set->ops[i]->mode == OP_UPLOAD && !set->ops[i]->pumped)
			stream_widen(set->ops[i]);
}

/* Wait until something is ready, or for an operation's own time. 0 or -ETIMEDOUT. */
static int wait_once(struct nexus *nx, struct wait_set *set, int64_t deadline)
{
	int ret;

	for (size_t i = 0; i < set->nr; i++)
		if (set->ops[i] && !set->ops[i]->ended && set->ops[i]->deadline < deadline)
			deadline = set->ops[i]->deadline;
	ret = queue_wait(nx, wait_ready, set, deadline);
	for (size_t i = 0; ret && i < set->nr; i++)
		if (set->ops[i] && !set->ops[i]->ended && channel_now() >= set->ops[i]->deadline)
			op_expire(set->ops[i]);
	return ret;
}

int nexus_wait_any(struct nexus *nx, struct nexus_op *const ops[], size_t nr, int timeout_ms)
{
	struct wait_set set = { ops, nr };
	int64_t deadline = channel_deadline(timeout_ms);

	for (;;) {
		int first, ret = 0;

		if (!wait_pump(&set))
			return -EINVAL;
		CHANNEL_LOCK(nx);
		wait_widen(nx, &set);
		first = wait_first(&set);
		if (first < 0) {
			ret = wait_once(nx, &set, deadline);
			first = wait_first(&set);
		}
		if (first >= 0)
			return first;
		if (ret && channel_now() >= deadline)
			return -ETIMEDOUT;
	}
}

int nexus_op_wait(struct nexus_op *op, int timeout_ms)
{
	return nexus_wait_any(op->nx, &op, 1, timeout_ms);
}

int nexus_op_poll(struct nexus_op *op)
{
	return nexus_op_wait(op, 0) == 0;
}
