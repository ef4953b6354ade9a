// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include "s3.h"

static int s3_upload_part_start(struct op *op)
{
	const Nexus__V1__UploadPart *part = op->request->upload_part;
	struct s3_call *call = op->state;
	int ret;

	ret = s3_call_init(op, "PUT", part->object);
	if (!ret && !part->part_number)
		ret = op_error(op, -EINVAL, "NexusBadRequest", "part_number 0: parts have 1 to 10000");
	if (!ret)
		ret = s3_call_upload(call, part->upload_id, part->part_number);
	if (!ret)
		ret = s3_call_fields(call, S3_UPLOAD_PART, part->headers, part->n_headers);
	if (ret)
		return ret;
	call->http.upload = true;
	call->http.upload_length = part->content_length;
	s3_call_hash(call);
	return s3_call_start(call);
}

const struct op_type s3_upload_part_type = {
	.name = "s3_upload_part",
	.op_case = NEXUS__V1__REQUEST__OP_UPLOAD_PART,
	.state_size = sizeof(struct s3_call),
	.idempotent = true,
	.start = s3_upload_part_start,
	.window = s3_call_window,
	.abort = s3_call_abort,
};
