// SPDX-License-Identifier: GPL-2.0-only
#include "s3.h"

static int s3_get_start(struct op *op)
{
	const Nexus__V1__GetObject *get = op->request->get_object;
	struct s3_call *call = op->state;
	int ret;

	ret = s3_call_init(op, "GET", get->object);
	if (ret)
		return ret;
	s3_call_param(call, "versionId", get->version_id);
	ret = s3_call_range(call, "range", get->range);
	if (!ret)
		ret = s3_call_conditions(call, &(struct s3_conditions){ get->if_match, get->if_none_match,
						get->if_modified_since, get->if_unmodified_since });
	if (!ret)
		ret = s3_call_fields(call, S3_GET, get->headers, get->n_headers);
	if (ret)
		return ret;
	call->http.download = true;
	call->http.kind = *get->range ? S3_KIND_GET_RANGE : S3_KIND_GET;
	return s3_call_start(call);
}

const struct op_type s3_get_type = {
	.name = "s3_get",
	.op_case = NEXUS__V1__REQUEST__OP_GET_OBJECT,
	.state_size = sizeof(struct s3_call),
	.idempotent = true,
	.start = s3_get_start,
	.window = s3_call_window,
	.abort = s3_call_abort,
};
