// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>
#include "cleanup.h"
#include "op.h"

#define MAX_METADATA	128	/* more than the 2 KiB that S3 takes can name */

static int put_metadata(struct nexus_op *op, Nexus__V1__PutObject *put, const struct nexus_options *o,
			Nexus__V1__Field *fields, Nexus__V1__Field **list)
{
	for (size_t i = 0; i < o->nr_metadata; i++) {
		if (!o->metadata[i].name || !o->metadata[i].value)
			return op_fail(op, -EINVAL, "NexusBadRequest", "metadata %zu has no name or no value", i);
		nexus__v1__field__init(&fields[i]);
		fields[i].name = (char *)o->metadata[i].name;
		fields[i].value = (char *)o->metadata[i].value;
		list[i] = &fields[i];
	}
	put->metadata = list;
	put->n_metadata = o->nr_metadata;
	return 0;
}

static struct nexus_op *put_begin(struct nexus *nx, const char *bucket, const char *key,
				  const struct op_payload *payload, const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__PutObject put = NEXUS__V1__PUT_OBJECT__INIT;
	Nexus__V1__ObjectName object;
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);
	autofree Nexus__V1__Field *fields = NULL;
	autofree Nexus__V1__Field **list = NULL;

	if (!op || op_options(op, &o, options, OPTION_WINDOW | OPTION_CONTENT | OPTION_WRITE_MODE) ||
	    op_object(op, &object, bucket, key))
		return op;
	if (o.nr_metadata > MAX_METADATA) {
		op_fail(op, -E2BIG, "NexusBadRequest", "%zu pieces of metadata; the limit is %d", o.nr_metadata,
			MAX_METADATA);
		return op;
	}
	if (o.nr_metadata) {
		fields = calloc(o.nr_metadata, sizeof(*fields));
		list = calloc(o.nr_metadata, sizeof(*list));
		if (!fields || !list) {
			op_fail(op, -ENOMEM, "NexusInternal", "out of memory");
			return op;
		}
		if (put_metadata(op, &put, &o, fields, list))
			return op;
	}
	if (o.write_mode == NEXUS_WRITE_DEFERRED ||
	    (!o.write_mode && nexus_load(&nx->header->host_flags) & NEXUS_HOST_DEFERRED)) {
		op->deferred = true;
		snprintf(op->target, sizeof(op->target), "%s/%s", bucket, key);
	}
	put.write_mode = (Nexus__V1__WriteMode)o.write_mode;
	put.object = &object;
	put.content_length = payload->len;
	if (o.content_type)
		put.content_type = (char *)o.content_type;
	req.op_case = NEXUS__V1__REQUEST__OP_PUT_OBJECT;
	req.put_object = &put;
	op_start(op, &req, payload, &o, block);
	return op;
}

struct nexus_op *nexus_put_stream(struct nexus *nx, const char *bucket, const char *key, uint64_t total,
				  const struct nexus_options *options)
{
	return put_begin(nx, bucket, key, &(struct op_payload){ .upload = true, .stream = true, .len = total }, options,
			 false);
}

struct nexus_op *nexus_put_start(struct nexus *nx, const char *bucket, const char *key, const void *buf,
				 size_t len, const struct nexus_options *options)
{
	return put_begin(nx, bucket, key, &(struct op_payload){ .upload = true, .buf = buf, .len = len }, options,
			 false);
}

int nexus_put(struct nexus *nx, const char *bucket, const char *key, const void *buf, size_t len,
	      const struct nexus_options *options, struct nexus_op **out)
{
	struct op_payload payload = { .upload = true, .buf = buf, .len = len };
	struct nexus_op *op = put_begin(nx, bucket, key, &payload, options, true);

	return op_return(op, out, op ? op_finish(op) : -ENOMEM);
}
