// SPDX-License-Identifier: GPL-2.0-only
#include "s3.h"

static int s3_delete_start(struct op *op)
{
	const Nexus__V1__DeleteObject *delete = op->request->delete_object;
	struct s3_call *call = op->state;
	int ret;

	ret = s3_call_init(op, "DELETE", delete->object);
	if (ret)
		return ret;
	s3_call_param(call, "versionId", delete->version_id);
	ret = s3_call_fields(call, S3_DELETE, delete->headers, delete->n_headers);
	if (ret)
		return ret;
	return s3_call_start(call);
}

const struct op_type s3_delete_type = {
	.name = "s3_delete",
	.op_case = NEXUS__V1__REQUEST__OP_DELETE_OBJECT,
	.state_size = sizeof(struct s3_call),
	.idempotent = true,
	.start = s3_delete_start,
	.abort = s3_call_abort,
};
