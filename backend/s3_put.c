// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "config.h"
#include "s3.h"
#include "worker.h"

/* Hashing holds up every other request of the worker: a millisecond or so is fair. */
#define HASH_MAX	(1U << 20)	/* bytes */

static bool is_token(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("!#$%&'*+-.^_`|~", *name))
			return false;
	}
	return true;
}

static int s3_put_metadata(struct s3_call *call, const Nexus__V1__Field *field)
{
	static const char prefix[] = "x-amz-meta-";
	struct op *op = call->http.op;
	size_t len = strlen(field->name);
	char *name;

	if (!is_token(field->name))
		return op_error(op, -EINVAL, "NexusBadRequest",
				"the metadata name \"%.64s\" is no HTTP token: use A-Z a-z 0-9 -", field->name);
	name = op_alloc(op, sizeof(prefix) + len);
	memcpy(name, prefix, sizeof(prefix));
	for (size_t i = 0; i <= len; i++)
		name[sizeof(prefix) - 1 + i] = tolower((unsigned char)field->name[i]);
	for (unsigned int i = 0; i < call->header_count; i++) {
		if (!strcmp(call->headers[i].name, name))
			return op_error(op, -EINVAL, "NexusBadRequest", "the metadata name \"%.64s\" comes twice", field->name);
	}
	return s3_call_header(call, name, field->value);
}

/*
 * The payload's hash belongs to the signature where TLS does not protect it,
 * if it is all there yet.
 */
static int s3_put_hash(struct s3_call *call)
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
	if (put->n_metadata > S3_METADATA_MAX)
		return op_error(op, -EINVAL, "NexusLimitExceeded", "%zu metadata fields; the limit is %d",
				put->n_metadata, S3_METADATA_MAX);
	ret = s3_call_header(call, "content-type", *put->content_type ? put->content_type : "application/octet-stream");
	for (size_t i = 0; !ret && i < put->n_metadata; i++)
		ret = s3_put_metadata(call, put->metadata[i]);
	if (ret)
		return ret;
	call->http.upload = true;
	call->http.upload_length = put->content_length;
	ret = s3_put_hash(call);
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
