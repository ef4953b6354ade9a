// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdlib.h>
#include "cleanup.h"
#include "op.h"

#define PARTS_MAX	10000

int nexus_multipart_create(struct nexus *nx, const char *bucket, const char *key, const struct nexus_options *options,
			   struct nexus_op **out)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__CreateMultipartUpload create = NEXUS__V1__CREATE_MULTIPART_UPLOAD__INIT;
	Nexus__V1__ObjectName object;
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op)
		return op_return(op, out, -ENOMEM);
	if (op_options(op, &o, options, OPTION_CONTENT | OPTION_HEADERS) || op_object(op, &object, bucket, key) ||
	    op_fields(op, o.metadata, create.n_metadata = o.nr_metadata, "metadata", &create.metadata) ||
	    op_fields(op, o.headers, create.n_headers = o.nr_headers, "headers", &create.headers))
		return op_return(op, out, op->status);
	create.object = &object;
	create.content_type = op_text(o.content_type);
	req.op_case = NEXUS__V1__REQUEST__OP_CREATE_MULTIPART_UPLOAD;
	req.create_multipart_upload = &create;
	op_start(op, &req, &(struct op_payload){ 0 }, &o, true);
	return op_return(op, out, op_finish(op));
}

static struct nexus_op *part_begin(struct nexus *nx, const char *bucket, const char *key, const char *upload_id,
				   uint32_t number, const struct op_payload *payload,
				   const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__UploadPart part = NEXUS__V1__UPLOAD_PART__INIT;
	Nexus__V1__ObjectName object;
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op || op_options(op, &o, options, OPTION_WINDOW | OPTION_HEADERS) || op_object(op, &object, bucket, key) ||
	    op_fields(op, o.headers, part.n_headers = o.nr_headers, "headers", &part.headers))
		return op;
	part.object = &object;
	part.upload_id = op_text(upload_id);
	part.part_number = number;
	part.content_length = payload->len;
	req.op_case = NEXUS__V1__REQUEST__OP_UPLOAD_PART;
	req.upload_part = &part;
	op_start(op, &req, payload, &o, block);
	return op;
}

struct nexus_op *nexus_multipart_part_stream(struct nexus *nx, const char *bucket, const char *key,
					     const char *upload_id, uint32_t number, uint64_t total,
					     const struct nexus_options *options)
{
	return part_begin(nx, bucket, key, upload_id, number,
			  &(struct op_payload){ .upload = true, .stream = true, .len = total }, options, false);
}

struct nexus_op *nexus_multipart_part_start(struct nexus *nx, const char *bucket, const char *key,
					    const char *upload_id, uint32_t number, const void *buf, size_t len,
					    const struct nexus_options *options)
{
	return part_begin(nx, bucket, key, upload_id, number,
			  &(struct op_payload){ .upload = true, .buf = buf, .len = len }, options, false);
}

int nexus_multipart_part(struct nexus *nx, const char *bucket, const char *key, const char *upload_id,
			 uint32_t number, const void *buf, size_t len, const struct nexus_options *options,
			 struct nexus_op **out)
{
	struct op_payload payload = { .upload = true, .buf = buf, .len = len };
	struct nexus_op *op = part_begin(nx, bucket, key, upload_id, number, &payload, options, true);

	return op_return(op, out, op ? op_finish(op) : -ENOMEM);
}

static int multipart_complete(struct nexus_op *op, const char *bucket, const char *key, const char *upload_id,
			      const Nexus__V1__CompletedParts *message, const struct nexus_options *options)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__CompleteMultipartUpload complete = NEXUS__V1__COMPLETE_MULTIPART_UPLOAD__INIT;
	struct op_payload payload = { .upload = true, .stream = true };
	Nexus__V1__ObjectName object;
	struct nexus_options o;

	if (op_options(op, &o, options, OPTION_HEADERS) || op_object(op, &object, bucket, key) ||
	    op_fields(op, o.headers, complete.n_headers = o.nr_headers, "headers", &complete.headers))
		return op->status;
	payload.len = complete.content_length = nexus__v1__completed_parts__get_packed_size(message);
	complete.object = &object;
	complete.upload_id = op_text(upload_id);
	req.op_case = NEXUS__V1__REQUEST__OP_COMPLETE_MULTIPART_UPLOAD;
	req.complete_multipart_upload = &complete;
	op_start(op, &req, &payload, &o, true);
	return op_send_message(op, &message->base);
}

int nexus_multipart_complete(struct nexus *nx, const char *bucket, const char *key, const char *upload_id,
			     const struct nexus_part *parts, size_t nr, const struct nexus_options *options,
			     struct nexus_op **out)
{
	Nexus__V1__CompletedParts message = NEXUS__V1__COMPLETED_PARTS__INIT;
	autofree Nexus__V1__CompletedPart **list = NULL;
	struct nexus_op *op = op_new(nx);
	Nexus__V1__CompletedPart *to;

	if (!op)
		return op_return(op, out, -ENOMEM);
	if (!nr || nr > PARTS_MAX)
		return op_return(op, out, op_fail(op, -EINVAL, "NexusBadRequest", "%zu parts; give 1 to %d", nr, PARTS_MAX));
	list = calloc(nr, sizeof(*list) + sizeof(*to));
	if (!list)
		return op_return(op, out, op_fail(op, -ENOMEM, "NexusInternal", "out of memory"));
	to = (Nexus__V1__CompletedPart *)(list + nr);
	for (size_t i = 0; i < nr; i++) {
		nexus__v1__completed_part__init(&to[i]);
		to[i].part_number = parts[i].number;
		to[i].etag = op_text(parts[i].etag);
		list[i] = &to[i];
	}
	message.parts = list;
	message.n_parts = nr;
	return op_return(op, out, multipart_complete(op, bucket, key, upload_id, &message, options));
}

int nexus_multipart_abort(struct nexus *nx, const char *bucket, const char *key, const char *upload_id,
			  const struct nexus_options *options, struct nexus_op **out)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__AbortMultipartUpload abort = NEXUS__V1__ABORT_MULTIPART_UPLOAD__INIT;
	Nexus__V1__ObjectName object;
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op)
		return op_return(op, out, -ENOMEM);
	if (op_options(op, &o, options, OPTION_HEADERS) || op_object(op, &object, bucket, key) ||
	    op_fields(op, o.headers, abort.n_headers = o.nr_headers, "headers", &abort.headers))
		return op_return(op, out, op->status);
	abort.object = &object;
	abort.upload_id = op_text(upload_id);
	req.op_case = NEXUS__V1__REQUEST__OP_ABORT_MULTIPART_UPLOAD;
	req.abort_multipart_upload = &abort;
	op_start(op, &req, &(struct op_payload){ 0 }, &o, true);
	return op_return(op, out, op_finish(op));
}
