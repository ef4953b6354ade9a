// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "s3_post.h"
#include "xml.h"

#define MESSAGE_MAX	(1U << 20)	/* bytes: 10000 parts with entity tags of twice the usual length */
#define UNPACKED_MAX	(4U << 20)
#define DOCUMENT_MAX	(3U << 20)

static int complete_part(struct op *op, struct text *document, const Nexus__V1__CompletedPart *part, uint32_t before)
{
	char number[64];

	if (!part->part_number || part->part_number > S3_PARTS_MAX || part->part_number <= before)
		return op_error(op, -EINVAL, "NexusBadRequest", "part %u after part %u: give them in ascending order, 1 to %d",
				part->part_number, before, S3_PARTS_MAX);
	if (!*part->etag || !xml_can_carry(part->etag))
		return op_error(op, -EINVAL, "NexusBadRequest", "part %u has no entity tag: give what upload_part answered",
				part->part_number);
	snprintf(number, sizeof(number), "<Part><PartNumber>%u</PartNumber><ETag>", part->part_number);
	text_puts(document, number);
	xml_escape(document, part->etag);
	text_puts(document, "</ETag></Part>");
	return 0;
}

static int complete_gathered(struct s3_post *post)
{
	struct op *op = post->call.http.op;
	struct text document = s3_post_document(post, DOCUMENT_MAX);
	const Nexus__V1__CompletedParts *parts;
	uint32_t before = 0;
	int ret = 0;

	parts = (void *)collect_unpack(&post->collect, &nexus__v1__completed_parts__descriptor, UNPACKED_MAX);
	if (!parts || !parts->n_parts || parts->n_parts > S3_PARTS_MAX)
		return op_error(op, -EINVAL, "NexusBadRequest",
				"the %u bytes of the windows are no nexus.v1.CompletedParts with 1 to %d parts",
				post->collect.total, S3_PARTS_MAX);
	text_puts(&document, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; !ret && i < parts->n_parts; i++) {
		ret = complete_part(op, &document, parts->parts[i], before);
		before = parts->parts[i]->part_number;
	}
	text_puts(&document, "</CompleteMultipartUpload>");
	return ret ? ret : s3_post_send(post, &document);
}

static int s3_complete_multipart_start(struct op *op)
{
	const Nexus__V1__CompleteMultipartUpload *complete = op->request->complete_multipart_upload;
	struct s3_post *post = op->state;
	int ret;

	ret = s3_call_init(op, "POST", complete->object);
	if (!ret)
		ret = s3_call_upload(&post->call, complete->upload_id, 0);
	if (!ret)
		ret = s3_call_fields(&post->call, S3_COMPLETE_MULTIPART, complete->headers, complete->n_headers);
	if (!ret)
		ret = collect_init(&post->collect, op, complete->content_length, MESSAGE_MAX);
	if (ret)
		return ret;
	post->call.result = "CompleteMultipartUploadResult";
	post->call.http.document = true;
	post->gathered = complete_gathered;
	return s3_post_gather(post);
}

/*
 * Completing what was completed fails with NoSuchUpload, if the store does not
 * remember: so it is not run again.
 */
const struct op_type s3_complete_multipart_type = {
	.name = "s3_complete_multipart",
	.op_case = NEXUS__V1__REQUEST__OP_COMPLETE_MULTIPART_UPLOAD,
	.state_size = sizeof(struct s3_post),
	.start = s3_complete_multipart_start,
	.window = s3_post_window,
	.abort = s3_call_abort,
};
