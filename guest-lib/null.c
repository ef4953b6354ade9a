// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The operation that does nothing: the model of the others. */
#include <errno.h>
#include "op.h"

static struct nexus_op *null_begin(struct nexus *nx, const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__Null null = NEXUS__V1__NULL__INIT;
	struct op_payload payload = { 0 };
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op || op_options(op, &o, options, 0))
		return op;
	req.op_case = NEXUS__V1__REQUEST__OP_NULL;
	req.null = &null;
	op_start(op, &req, &payload, &o, block);
	return op;
}

struct nexus_op *nexus_null_start(struct nexus *nx, const struct nexus_options *options)
{
	return null_begin(nx, options, false);
}

int nexus_null(struct nexus *nx, const struct nexus_options *options, struct nexus_op **out)
{
	struct nexus_op *op = null_begin(nx, options, true);

	return op_return(op, out, op ? op_finish(op) : -ENOMEM);
}
