// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What came of an operation, and the accessors to it. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "op.h"

static void *result_alloc(void *data, size_t size)
{
	return bump_alloc(data, size);
}

/* All of it goes at once, with the operation. */
static void result_free(void *data, void *ptr)
{
	(void)data;
	(void)ptr;
}

static Nexus__V1__Response *result_unpack(struct nexus_op *op, const void *packed, size_t len)
{
	ProtobufCAllocator allocator = { result_alloc, result_free, &op->memory };

	return nexus__v1__response__unpack(&allocator, len, packed);
}

static bool varint_take(const uint8_t **p, const uint8_t *end, uint64_t *n)
{
	*n = 0;
	for (unsigned int shift = 0; *p < end && shift < 64; shift += 7) {
		uint8_t byte = *(*p)++;

		*n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* Does it consist of whole numbers and texts? What is within those shows when somebody asks for it. */
static bool result_is_whole(const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	uint64_t tag, n;

	while (p < end) {
		if (!varint_take(&p, end, &tag) || !varint_take(&p, end, &n))
			return false;
		if ((tag & 7) == 2 && n <= (uint64_t)(end - p))
			p += n;
		else if (tag & 7)
			return false;
	}
	return true;
}

void result_take(struct nexus_op *op, const struct completion *c)
{
	Nexus__V1__Response *response;
	void *copy;

	if (!c->msg_len || (op->response && !c->status && (!op->split || c->more)))
		return;
	copy = bump_alloc(&op->memory, c->msg_len);
	if (!copy)
		return;
	memcpy(copy, c->msg, c->msg_len);
	if (op->mode == OP_DIRECT && !c->status && !c->more && result_is_whole(copy, c->msg_len)) {
		op->packed = copy;
		op->packed_len = c->msg_len;
		return;
	}
	response = result_unpack(op, copy, c->msg_len);
	if (!response)
		op_fail(op, -EPROTO, "NexusInternal", "the host's answer of %u bytes is no nexus.v1.Response",
			c->msg_len);
	else if (op->response)
		op->failure = response;
	else
		op->response = response;
}

const Nexus__V1__Response *result_response(const struct nexus_op *op)
{
	struct nexus_op *to = (struct nexus_op *)op;

	if (op->packed) {
		to->response = result_unpack(to, op->packed, op->packed_len);
		to->packed = NULL;
	}
	return op->response;
}

uint64_t result_length(const struct nexus_op *op)
{
	return op->response ? op->response->content_length : 0;
}

/* The lock, for answers may arrive while the caller asks. */
#define RESULT(op, member, absent) ({ \
	CHANNEL_LOCK((op)->nx); \
	const Nexus__V1__Response *__response = result_response(op); \
	__response ? __response->member : (absent); })

unsigned int nexus_op_http_status(const struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);
	const Nexus__V1__Response *r = op->failure && op->failure->http_status ? op->failure : result_response(op);

	/* Who asked for a write need not know that the store has not answered yet. */
	return r ? r->http_status : op->acknowledged ? 200 : 0;
}

uint64_t nexus_op_content_length(const struct nexus_op *op)
{
	return RESULT(op, content_length, 0);
}

const char *nexus_op_content_type(const struct nexus_op *op)
{
	return RESULT(op, content_type, "");
}

const char *nexus_op_etag(const struct nexus_op *op)
{
	return RESULT(op, etag, "");
}

const char *nexus_op_last_modified(const struct nexus_op *op)
{
	return RESULT(op, last_modified, "");
}

const char *nexus_op_version_id(const struct nexus_op *op)
{
	return RESULT(op, version_id, "");
}

uint64_t nexus_op_transferred(const struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);
	return op->moved;
}

int nexus_op_status(const struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);
	return op->ended ? op->status : -EINPROGRESS;
}

static const Nexus__V1__Error *result_error(const struct nexus_op *op)
{
	if (op->failure && op->failure->error)
		return op->failure->error;
	return result_response(op) ? op->response->error : NULL;
}

/* The host's own words may be missing: too small a buffer, or none was lent. */
static const char *result_code(int status)
{
	switch (status) {
	case -ECANCELED:
		return "NexusCanceled";
	case -ECONNRESET:
		return "NexusConnectionLost";
	case -ETIMEDOUT:
		return "NexusTimeout";
	default:
		return "NexusInternal";
	}
}

static bool result_failed(const struct nexus_op *op)
{
	return op->ended && op->status < 0;
}

const char *nexus_op_error_code(const struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);
	const Nexus__V1__Error *e = result_error(op);

	if (!result_failed(op))
		return "";
	if (op->code)
		return op->code;
	return e && *e->code ? e->code : result_code(op->status);
}

const char *nexus_op_error_message(const struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);
	const Nexus__V1__Error *e = result_error(op);

	if (!result_failed(op))
		return "";
	if (op->code)
		return op->message;
	return e && *e->message ? e->message : strerrordesc_np(-op->status) ? strerrordesc_np(-op->status) : "";
}

const char *nexus_op_request_id(const struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);
	const Nexus__V1__Error *e = result_error(op);

	if (e && *e->request_id)
		return e->request_id;
	return result_response(op) ? op->response->request_id : "";
}

const char *nexus_op_upload_id(const struct nexus_op *op)
{
	return RESULT(op, upload_id, "");
}

const char *nexus_op_url(const struct nexus_op *op)
{
	return RESULT(op, url, "");
}

int nexus_op_header_at(const struct nexus_op *op, size_t index, const char **name, const char **value)
{
	CHANNEL_LOCK(op->nx);

	if (!result_response(op) || index >= op->response->n_headers)
		return -ENOENT;
	*name = op->response->headers[index]->name;
	*value = op->response->headers[index]->value;
	return 0;
}

/* Those that have a function of their own travel apart. */
static const char *result_own_header(const struct nexus_op *op, const char *name)
{
	if (!strcasecmp(name, "etag"))
		return nexus_op_etag(op);
	if (!strcasecmp(name, "content-type"))
		return nexus_op_content_type(op);
	if (!strcasecmp(name, "last-modified"))
		return nexus_op_last_modified(op);
	return "";
}

const char *nexus_op_header(const struct nexus_op *op, const char *name)
{
	const char *have, *value;

	for (size_t i = 0; !nexus_op_header_at(op, i, &have, &value); i++)
		if (!strcasecmp(have, name))
			return value;
	value = result_own_header(op, name);
	return *value ? value : NULL;
}

int nexus_op_metadata_at(const struct nexus_op *op, size_t index, const char **name, const char **value)
{
	CHANNEL_LOCK(op->nx);

	if (!result_response(op) || index >= op->response->n_metadata)
		return -ENOENT;
	*name = op->response->metadata[index]->name;
	*value = op->response->metadata[index]->value;
	return 0;
}

const char *nexus_op_metadata(const struct nexus_op *op, const char *name)
{
	const char *have, *value;

	for (size_t i = 0; !nexus_op_metadata_at(op, i, &have, &value); i++)
		if (!strcasecmp(have, name))
			return value;
	return NULL;
}
