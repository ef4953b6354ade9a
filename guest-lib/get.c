// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include "prefetch.h"

/* Somebody was ahead: *op becomes the operation that has the object, or is about to. */
static bool get_prefetched(struct nexus_op **op, const Nexus__V1__Request *req, const struct op_payload *payload,
			   const struct nexus_options *o)
{
	struct nexus *nx = (*op)->nx;
	CHANNEL_LOCK(nx);
	struct nexus_op *taken = prefetch_take(nx, req, payload, o);

	if (!taken)
		return false;
	op_drop(*op);
	*op = taken;
	return true;
}

static struct nexus_op *get_begin(struct nexus *nx, const char *bucket, const char *key,
				  const struct op_payload *payload, const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__GetObject get = NEXUS__V1__GET_OBJECT__INIT;
	Nexus__V1__ObjectName object;
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op ||
	    op_options(op, &o, options, OPTION_WINDOW | OPTION_RANGE | OPTION_IF_MATCH | OPTION_CONDITIONS |
		       OPTION_VERSION_ID | OPTION_HEADERS) ||
	    op_object(op, &object, bucket, key) ||
	    op_fields(op, o.headers, get.n_headers = o.nr_headers, "headers", &get.headers))
		return op;
	get.object = &object;
	get.range = op_text(o.range);
	get.if_match = op_text(o.if_match);
	get.if_none_match = op_text(o.if_none_match);
	get.if_modified_since = op_text(o.if_modified_since);
	get.if_unmodified_since = op_text(o.if_unmodified_since);
	get.version_id = op_text(o.version_id);
	req.op_case = NEXUS__V1__REQUEST__OP_GET_OBJECT;
	req.get_object = &get;
	if (get_prefetched(&op, &req, payload, &o))
		return op;
	op_start(op, &req, payload, &o, block);
	return op;
}

struct nexus_op *nexus_get_stream(struct nexus *nx, const char *bucket, const char *key,
				  const struct nexus_options *options)
{
	return get_begin(nx, bucket, key, &(struct op_payload){ .stream = true }, options, false);
}

struct nexus_op *nexus_get_start(struct nexus *nx, const char *bucket, const char *key, void *buf, size_t cap,
				 const struct nexus_options *options)
{
	return get_begin(nx, bucket, key, &(struct op_payload){ .buf = buf, .len = cap }, options, false);
}

ssize_t nexus_get(struct nexus *nx, const char *bucket, const char *key, void *buf, size_t cap,
		  const struct nexus_options *options, struct nexus_op **out)
{
	struct op_payload payload = { .buf = buf, .len = cap };
	struct nexus_op *op = get_begin(nx, bucket, key, &payload, options, true);
	ssize_t ret = op ? op_finish(op) : -ENOMEM;

	if (!ret)
		ret = nexus_op_transferred(op);
	op_return(op, out, 0);
	return ret;
}
