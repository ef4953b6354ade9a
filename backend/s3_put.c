// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include "config.h"
#include "s3.h"
#include "s3_put_parts.h"
#include "worker.h"

/* Hashing holds up every other request of the worker: a millisecond or so is fair. */
#define HASH_MAX	(1U << 20)	/* bytes */

/*
 * The payload's hash belongs to the signature where TLS does not protect it,
 * if it is all there yet.
 */
void s3_call_hash(struct s3_call *call)
{
	const struct op_window *window = call->http.op->windows;

	if (call->http.endpoint->tls || !window->fin || window->len > HASH_MAX)
		strcpy(call->payload_hash, SIGV4_UNSIGNED_PAYLOAD);
	else
		sigv4_hash(window->data, window->len, call->payload_hash);
}

struct s3_put {
	struct s3_call call;		/* first: see s3_call_init() */
	struct put_parts *parts;	/* NULL: it is one PUT */
};

int s3_put_prepare(struct op *op)
{
	const Nexus__V1__PutObject *put = op->request->put_object;
	struct s3_put *state = op->state;
	struct s3_call *call = &state->call;
	int ret;

	ret = s3_call_init(op, "PUT", put->object);
	if (ret)
		return ret;
	ret = s3_call_content(call, put->content_type, put->metadata, put->n_metadata);
	if (!ret)
		ret = s3_call_fields(call, S3_PUT, put->headers, put->n_headers);
	return ret;
}

static int s3_put_start(struct op *op)
{
	struct s3_put *state = op->state;
	struct s3_call *call = &state->call;
	int ret = s3_put_prepare(op);

	if (ret)
		return ret;
	if (put_parts_wanted(call))
		return put_parts_start(call, &state->parts);
	call->http.upload = true;
	call->http.upload_length = op->request->put_object->content_length;
	s3_call_hash(call);
	return s3_call_start(call);
}

static void s3_put_window(struct op *op)
{
	struct s3_put *state = op->state;

	if (state->parts)
		put_parts_window(state->parts);
	else
		s3_call_window(op);
}

static void s3_put_abort(struct op *op)
{
	struct s3_put *state = op->state;

	if (state->parts)
		put_parts_abort(state->parts);
	else
		s3_call_abort(op);
}

const struct op_type s3_put_type = {
	.name = "s3_put",
	.op_case = NEXUS__V1__REQUEST__OP_PUT_OBJECT,
	.state_size = sizeof(struct s3_put),
	.idempotent = true,
	.start = s3_put_start,
	.window = s3_put_window,
	.abort = s3_put_abort,
};
