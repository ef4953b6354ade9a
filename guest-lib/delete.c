// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include "op.h"

static struct nexus_op *delete_begin(struct nexus *nx, const char *bucket, const char *key,
				const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__DeleteObject delete = NEXUS__V1__DELETE_OBJECT__INIT;
	Nexus__V1__ObjectName object;
	struct op_payload payload = { 0 };
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op || op_options(op, &o, options, OPTION_VERSION_ID | OPTION_HEADERS) ||
	    op_object(op, &object, bucket, key) ||
	    op_fields(op, o.headers, delete.n_headers = o.nr_headers, "headers", &delete.headers))
		return op;
	delete.object = &object;
	delete.version_id = op_text(o.version_id);
	req.op_case = NEXUS__V1__REQUEST__OP_DELETE_OBJECT;
	req.delete_object = &delete;
	op_start(op, &req, &payload, &o, block);
	return op;
}

struct nexus_op *nexus_delete_start(struct nexus *nx, const char *bucket, const char *key,
				const struct nexus_options *options)
{
	return delete_begin(nx, bucket, key, options, false);
}

int nexus_delete(struct nexus *nx, const char *bucket, const char *key, const struct nexus_options *options,
	       struct nexus_op **out)
{
	struct nexus_op *op = delete_begin(nx, bucket, key, options, true);

	return op_return(op, out, op ? op_finish(op) : -ENOMEM);
}
