// SPDX-License-Identifier: GPL-2.0-only
#include "s3.h"

static int s3_abort_multipart_start(struct op *op)
{
	const Nexus__V1__AbortMultipartUpload *abort = op->request->abort_multipart_upload;
	struct s3_call *call = op->state;
	int ret;

	ret = s3_call_init(op, "DELETE", abort->object);
	if (!ret)
		ret = s3_call_upload(call, abort->upload_id, 0);
	if (!ret)
		ret = s3_call_fields(call, S3_ABORT_MULTIPART, abort->headers, abort->n_headers);
	if (ret)
		return ret;
	return s3_call_start(call);
}

const struct op_type s3_abort_multipart_type = {
	.name = "s3_abort_multipart",
	.op_case = NEXUS__V1__REQUEST__OP_ABORT_MULTIPART_UPLOAD,
	.state_size = sizeof(struct s3_call),
	.idempotent = true,
	.start = s3_abort_multipart_start,
	.abort = s3_call_abort,
};
