// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include "op.h"

static struct nexus_op *flush_begin(struct nexus *nx, const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__Flush flush = NEXUS__V1__FLUSH__INIT;
	struct op_payload payload = { 0 };
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op || op_options(op, &o, options, 0))
		return op;
	op->flush = true;
	req.op_case = NEXUS__V1__REQUEST__OP_FLUSH;
	req.flush = &flush;
	op_start(op, &req, &payload, &o, block);
	return op;
}

struct nexus_op *nexus_flush_start(struct nexus *nx, const struct nexus_options *options)
{
	return flush_begin(nx, options, false);
}

int nexus_flush(struct nexus *nx, const struct nexus_options *options, struct nexus_op **out)
{
	struct nexus_op *op = flush_begin(nx, options, true);

	return op_return(op, out, op ? op_finish(op) : -ENOMEM);
}
