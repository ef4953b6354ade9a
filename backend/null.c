// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operation that does nothing: for measuring what a call costs, and the
 * model to copy. A new operation is a file like this one, a row in op_types[],
 * a message in nexus.proto, a test and a line in the manual.
 */
#include "null.h"

static int null_start(struct op *op)
{
	op_finish(op, 0);
	return 0;
}

const struct op_type null_type = {
	.name = "null",
	.op_case = NEXUS__V1__REQUEST__OP_NULL,
	.idempotent = true,
	.start = null_start,
};
