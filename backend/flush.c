// SPDX-License-Identifier: GPL-2.0-only
/* Tells the guest that all its writes have ended (order_gate waits for that), and whether well. */
#include "flush.h"
#include "order.h"

static int flush_start(struct op *op)
{
	int ret = order_settled(op);

	if (!ret)
		op_finish(op, 0);
	return ret;
}

const struct op_type flush_type = {
	.name = "flush",
	.op_case = NEXUS__V1__REQUEST__OP_FLUSH,
	.idempotent = true,
	.start = flush_start,
};
