// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <string.h>
#include "op.h"

static struct nexus_op *copy_begin(struct nexus *nx, const struct nexus_copy *from, const char *bucket, const char *key,
				   const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__CopyObject copy = NEXUS__V1__COPY_OBJECT__INIT;
	struct nexus_copy source = NEXUS_COPY_INIT;
	Nexus__V1__ObjectName object, source_object;
	struct op_payload payload = { 0 };
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op)
		return NULL;
	if (from->size < offsetof(struct nexus_copy, replace) || from->size > sizeof(source)) {
		op_fail(op, -EINVAL, "NexusBadRequest", "a source of size %zu: use NEXUS_COPY_INIT", from->size);
		return op;
	}
	memcpy(&source, from, from->size);
	if (op_options(op, &o, options, OPTION_CONTENT | OPTION_HEADERS) || op_object(op, &object, bucket, key) ||
	    op_object(op, &source_object, source.bucket, source.key) ||
	    op_fields(op, o.metadata, copy.n_metadata = o.nr_metadata, "metadata", &copy.metadata) ||
	    op_fields(op, o.headers, copy.n_headers = o.nr_headers, "headers", &copy.headers))
		return op;
	copy.object = &object;
	copy.source = &source_object;
	copy.source_version_id = op_text(source.version_id);
	copy.replace = source.replace;
	copy.content_type = op_text(o.content_type);
	copy.upload_id = op_text(source.upload_id);
	copy.part_number = source.part_number;
	copy.source_range = op_text(source.range);
	req.op_case = NEXUS__V1__REQUEST__OP_COPY_OBJECT;
	req.copy_object = &copy;
	op_start(op, &req, &payload, &o, block);
	return op;
}

struct nexus_op *nexus_copy_start(struct nexus *nx, const struct nexus_copy *source, const char *bucket,
				  const char *key, const struct nexus_options *options)
{
	return copy_begin(nx, source, bucket, key, options, false);
}

int nexus_copy(struct nexus *nx, const struct nexus_copy *source, const char *bucket, const char *key,
	       const struct nexus_options *options, struct nexus_op **out)
{
	struct nexus_op *op = copy_begin(nx, source, bucket, key, options, true);

	return op_return(op, out, op ? op_finish(op) : -ENOMEM);
}
