// SPDX-License-Identifier: GPL-2.0-only
#include "s3.h"

static int s3_head_start(struct op *op)
{
	const Nexus__V1__HeadObject *head = op->request->head_object;
	struct s3_call *call = op->state;
	int ret;

	ret = s3_call_init(op, "HEAD", head->object);
	if (ret)
		return ret;
	s3_call_param(call, "versionId", head->version_id);
	ret = s3_call_range(call, "range", head->range);
	if (!ret)
		ret = s3_call_conditions(call, &(struct s3_conditions){ head->if_match, head->if_none_match,
						head->if_modified_since, head->if_unmodified_since });
	if (!ret)
		ret = s3_call_fields(call, S3_HEAD, head->headers, head->n_headers);
	if (ret)
		return ret;
	call->http.head_only = true;
	return s3_call_start(call);
}

const struct op_type s3_head_type = {
	.name = "s3_head",
	.op_case = NEXUS__V1__REQUEST__OP_HEAD_OBJECT,
	.state_size = sizeof(struct s3_call),
	.idempotent = true,
	.start = s3_head_start,
	.abort = s3_call_abort,
};
