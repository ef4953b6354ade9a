// SPDX-License-Identifier: GPL-2.0-only
/* A copy within the store: of an object, or of a range of it as a part of a multipart upload. */
#include <errno.h>
#include <string.h>
#include "s3.h"

#define SOURCE_MAX	8192	/* bytes of a source's name, encoded */

static int copy_source(struct s3_call *call, const Nexus__V1__CopyObject *copy)
{
	struct op *op = call->http.op;
	struct text source = { .data = op_alloc(op, SOURCE_MAX), .cap = SOURCE_MAX };
	const Nexus__V1__ObjectName *object = copy->source;

	text_putc(&source, '/');
	uri_encode(&source, object->bucket, strlen(object->bucket), 0);
	text_putc(&source, '/');
	uri_encode(&source, object->key, strlen(object->key), '/');
	if (*copy->source_version_id) {
		text_puts(&source, "?versionId=");
		uri_encode(&source, copy->source_version_id, strlen(copy->source_version_id), 0);
	}
	text_putc(&source, '\0');
	if (source.overflow)
		return op_error(op, -EINVAL, "NexusBadRequest", "the source's name and version are longer than %d bytes",
				SOURCE_MAX);
	return s3_call_header(call, "x-amz-copy-source", source.data);
}

static int copy_part(struct s3_call *call, const Nexus__V1__CopyObject *copy)
{
	if (!copy->part_number || copy->replace)
		return op_error(call->http.op, -EINVAL, "NexusBadRequest", copy->replace ?
				"a part has no content_type, metadata and headers of its own: create_multipart_upload takes them" :
				"part_number 0: parts have 1 to 10000");
	call->result = "CopyPartResult";
	return s3_call_upload(call, copy->upload_id, copy->part_number);
}

static int copy_object(struct s3_call *call, const Nexus__V1__CopyObject *copy)
{
	if (copy->part_number || *copy->source_range)
		return op_error(call->http.op, -EINVAL, "NexusBadRequest",
				"part_number and source_range are for a part: give its upload_id too");
	if (!copy->replace && (*copy->content_type || copy->n_metadata))
		return op_error(call->http.op, -EINVAL, "NexusBadRequest",
				"the copy keeps the source's content_type and metadata: set `replace` to give others");
	call->result = "CopyObjectResult";
	if (!copy->replace)
		return 0;
	call->headers[call->header_count++] = (struct sigv4_header){ "x-amz-metadata-directive", "REPLACE" };
	return s3_call_content(call, copy->content_type, copy->metadata, copy->n_metadata);
}

static int s3_copy_start(struct op *op)
{
	const Nexus__V1__CopyObject *copy = op->request->copy_object;
	bool part = *copy->upload_id;
	struct s3_call *call = op->state;
	int ret;

	ret = s3_call_init(op, "PUT", copy->object);
	if (!ret && !copy->source)
		ret = op_error(op, -EINVAL, "NexusBadRequest", "the request names no source");
	if (!ret)
		ret = s3_check_key(op, copy->source->key);
	if (!ret)
		ret = copy_source(call, copy);
	if (!ret)
		ret = part ? copy_part(call, copy) : copy_object(call, copy);
	if (!ret)
		ret = s3_call_range(call, "x-amz-copy-source-range", copy->source_range);
	if (!ret)
		ret = s3_call_fields(call, part ? S3_PART_COPY : S3_COPY, copy->headers, copy->n_headers);
	if (ret)
		return ret;
	call->http.document = true;
	return s3_call_start(call);
}

const struct op_type s3_copy_type = {
	.name = "s3_copy",
	.op_case = NEXUS__V1__REQUEST__OP_COPY_OBJECT,
	.state_size = sizeof(struct s3_call),
	.idempotent = true,
	.start = s3_copy_start,
	.abort = s3_call_abort,
};
