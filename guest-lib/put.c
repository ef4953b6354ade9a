// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "op.h"

/* Larger ones would take as much of the guest's memory; by default they go through in windows. */
#define DEFERRED_MAX	(8U << 20)

/* As much goes in one piece, whatever follows. */
#define HELD_MAX	(256U << 10)

/* Its failure is an answer that the caller looks at: one that comes later is of no use. */
static bool put_is_conditional(const struct nexus_options *o)
{
	for (size_t i = 0; i < o->nr_headers; i++)
		if (!strcasecmp(o->headers[i].name, "if-none-match") || !strcasecmp(o->headers[i].name, "if-match"))
			return true;
	return false;
}

/* What a put that names no mode asks for. DEFAULT: as the host's configuration says. */
static enum nexus_write_mode put_default_mode(struct nexus *nx, const struct nexus_options *o, uint64_t len)
{
	CHANNEL_LOCK(nx);

	if (!nx->in_invocation || !(nexus_load(&nx->header->host_flags) & NEXUS_HOST_INVOKED))
		return NEXUS_WRITE_DEFAULT;
	return len <= DEFERRED_MAX && !put_is_conditional(o) ? NEXUS_WRITE_DEFERRED : NEXUS_WRITE_THROUGH;
}

/*
 * Does the answer's kick do for this deferred write, too? A function that goes on after it, other than expected, is late with it
 * by that much, once.
 */
static bool put_may_wait(struct nexus *nx, const struct op_payload *payload)
{
	CHANNEL_LOCK(nx);

	return nx->answers_soon && payload->len <= HELD_MAX;
}

static struct nexus_op *put_begin(struct nexus *nx, const char *bucket, const char *key,
				  const struct op_payload *payload, const struct nexus_options *options, bool block)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__PutObject put = NEXUS__V1__PUT_OBJECT__INIT;
	Nexus__V1__ObjectName object;
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op || op_options(op, &o, options, OPTION_WINDOW | OPTION_CONTENT | OPTION_HEADERS | OPTION_WRITE_MODE |
			       OPTION_SINGLE) ||
	    op_object(op, &object, bucket, key) ||
	    op_fields(op, o.metadata, put.n_metadata = o.nr_metadata, "metadata", &put.metadata) ||
	    op_fields(op, o.headers, put.n_headers = o.nr_headers, "headers", &put.headers))
		return op;
	if (o.write_mode == NEXUS_WRITE_CONFIGURED)
		o.write_mode = NEXUS_WRITE_DEFAULT;	/* and so it goes to the host */
	else if (!o.write_mode)
		o.write_mode = put_default_mode(nx, &o, payload->len);
	if (o.write_mode == NEXUS_WRITE_DEFERRED ||
	    (!o.write_mode && nexus_load(&nx->header->host_flags) & NEXUS_HOST_DEFERRED)) {
		op->deferred = op->quiet = true;
		op->hold = put_may_wait(nx, payload);
		snprintf(op->target, sizeof(op->target), "%s/%s", bucket, key);
	}
	put.write_mode = (Nexus__V1__WriteMode)o.write_mode;
	put.object = &object;
	put.content_length = payload->len;
	put.single = o.single;
	put.content_type = op_text(o.content_type);
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
