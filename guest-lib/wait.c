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

static bool wait_any_op(const struct wait_set *set)
{
	for (size_t i = 0; i < set->nr; i++)
		if (set->ops[i])
			return true;
	return false;
}

int nexus_wait_any(struct nexus *nx, struct nexus_op *const ops[], size_t nr, int timeout_ms)
{
	struct wait_set set = { ops, nr };
	int64_t deadline = channel_deadline(timeout_ms);

	if (!wait_any_op(&set))
		return -EINVAL;
	for (;;) {
		int64_t first = deadline;
		int ret;

		for (size_t i = 0; i < nr; i++)
			if (ops[i] && ops[i]->pumped)
				stream_pump(ops[i]);
		CHANNEL_LOCK(nx);
		for (size_t i = 0; i < nr; i++)
			if (ops[i] && !ops[i]->ended && ops[i]->deadline < first)
				first = ops[i]->deadline;
		ret = queue_wait(nx, wait_ready, &set, first);
		for (size_t i = 0; i < nr; i++) {
			struct nexus_op *op = ops[i];

			if (!op)
				continue;
			if (ret && !op->ended && channel_now() >= op->deadline)
				op_expire(op);
			if (op->ended || (!op->pumped && op_ready(op)))
				return i;
		}
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
