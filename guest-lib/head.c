// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include "op.h"

static struct nexus_op *head_begin(struct nexus *nx, const char *bucket, const char *key,
				const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__HeadObject head = NEXUS__V1__HEAD_OBJECT__INIT;
	Nexus__V1__ObjectName object;
	struct op_payload payload = { 0 };
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op || op_options(op, &o, options, OPTION_VERSION_ID) || op_object(op, &object, bucket, key))
		return op;
	head.object = &object;
	if (o.version_id)
		head.version_id = (char *)o.version_id;
	req.op_case = NEXUS__V1__REQUEST__OP_HEAD_OBJECT;
	req.head_object = &head;
	op_start(op, &req, &payload, &o, block);
	return op;
}

struct nexus_op *nexus_head_start(struct nexus *nx, const char *bucket, const char *key,
				const struct nexus_options *options)
{
	return head_begin(nx, bucket, key, options, false);
}

int nexus_head(struct nexus *nx, const char *bucket, const char *key, const struct nexus_options *options,
	       struct nexus_op **out)
{
	struct nexus_op *op = head_begin(nx, bucket, key, options, true);

	return op_return(op, out, op ? op_finish(op) : -ENOMEM);
}
