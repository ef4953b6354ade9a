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

	if (!op ||
	    op_options(op, &o, options, OPTION_RANGE | OPTION_IF_MATCH | OPTION_CONDITIONS | OPTION_VERSION_ID |
		       OPTION_HEADERS) ||
	    op_object(op, &object, bucket, key) ||
	    op_fields(op, o.headers, head.n_headers = o.nr_headers, "headers", &head.headers))
		return op;
	head.object = &object;
	head.range = op_text(o.range);
	head.if_match = op_text(o.if_match);
	head.if_none_match = op_text(o.if_none_match);
	head.if_modified_since = op_text(o.if_modified_since);
	head.if_unmodified_since = op_text(o.if_unmodified_since);
	head.version_id = op_text(o.version_id);
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
