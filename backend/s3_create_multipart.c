// SPDX-License-Identifier: GPL-2.0-only
#include "s3.h"

static int s3_create_multipart_start(struct op *op)
{
	const Nexus__V1__CreateMultipartUpload *create = op->request->create_multipart_upload;
	struct s3_call *call = op->state;
	int ret;

	ret = s3_call_init(op, "POST", create->object);
	if (!ret)
		ret = s3_call_content(call, create->content_type, create->metadata, create->n_metadata);
	if (!ret)
		ret = s3_call_fields(call, S3_CREATE_MULTIPART, create->headers, create->n_headers);
	if (ret)
		return ret;
	s3_call_flag(call, "uploads");
	call->result = "InitiateMultipartUploadResult";
	call->http.document = true;
	/* Twice, it would begin two uploads. */
	call->http.once = true;
	return s3_call_start(call);
}

const struct op_type s3_create_multipart_type = {
	.name = "s3_create_multipart",
	.op_case = NEXUS__V1__REQUEST__OP_CREATE_MULTIPART_UPLOAD,
	.state_size = sizeof(struct s3_call),
	.start = s3_create_multipart_start,
	.abort = s3_call_abort,
};
