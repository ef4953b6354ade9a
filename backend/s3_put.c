// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include "config.h"
#include "s3.h"
#include "worker.h"

/* Hashing holds up every other request of the worker: a millisecond or so is fair. */
#define HASH_MAX	(1U << 20)	/* bytes */

/*
 * The payload's hash belongs to the signature where TLS does not protect it,
 * if it is all there yet.
 */
int s3_call_hash(struct s3_call *call)
{
	struct op *op = call->http.op;
	const struct op_window *window = op->windows;
	struct conn_pool *pool;
	int ret;

	if (call->http.endpoint->tls || !window->fin || window->len > HASH_MAX) {
		strcpy(call->payload_hash, SIGV4_UNSIGNED_PAYLOAD);
		return 0;
	}
	pool = conn_pool_find(op->worker->pools, op->tenant, call->http.endpoint);
	ret = pool ? sigv4_hash(conn_pool_signer(pool), window->data, window->len, call->payload_hash) : -ENOMEM;
	if (pool)
		conn_pool_put(pool);
	if (ret)
		return op_error(op, ret, "NexusInternal", "cannot hash the payload: %s", strerror(-ret));
	return 0;
}

static int s3_put_start(struct op *op)
{
	const Nexus__V1__PutObject *put = op->request->put_object;
	struct s3_call *call = op->state;
	int ret;

	ret = s3_call_init(op, "PUT", put->object);
	if (ret)
		return ret;
	ret = s3_call_content(call, put->content_type, put->metadata, put->n_metadata);
	if (!ret)
		ret = s3_call_fields(call, S3_PUT, put->headers, put->n_headers);
	if (ret)
		return ret;
	call->http.upload = true;
	call->http.upload_length = put->content_length;
	ret = s3_call_hash(call);
	if (ret)
		return ret;
	return s3_call_start(call);
}

const struct op_type s3_put_type = {
	.name = "s3_put",
	.op_case = NEXUS__V1__REQUEST__OP_PUT_OBJECT,
	.state_size = sizeof(struct s3_call),
	.idempotent = true,
	.start = s3_put_start,
	.window = s3_call_window,
	.abort = s3_call_abort,
};
