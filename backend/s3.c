// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "answer.h"
#include "config.h"
#include "container.h"
#include "header.h"
#include "s3.h"
#include "tenant.h"
#include "worker.h"

#define KEY_MAX		1024	/* bytes, S3's limit */
#define UPLOAD_ID_MAX	1024
#define HOST_SIZE	512

int s3_status(unsigned int http_status)
{
	switch (http_status) {
	case 200 ... 299:
		return 0;
	case 304:
		return -EALREADY;
	case 300 ... 303:
	case 305 ... 399:
		return -EREMCHG;
	case 401:
	case 403:
		return -EACCES;
	case 404:
	case 410:
		return -ENOENT;
	case 405:
	case 501:
		return -ENOTSUP;
	case 408:
		return -ETIMEDOUT;
	case 409:
		return -EBUSY;
	case 412:
		return -ESTALE;
	case 413:
		return -EFBIG;
	case 416:
		return -ERANGE;
	case 429:
	case 503:
		return -EAGAIN;
	case 507:
		return -ENOSPC;
	default:
		return http_status < 500 ? -EINVAL : -EIO;
	}
}

/* ---- the request ---- */

static int s3_host(const struct s3_call *call, char host[HOST_SIZE])
{
	const struct endpoint *endpoint = call->http.endpoint;
	struct text out = { .data = host, .cap = HOST_SIZE };

	if (!endpoint->path_style) {
		text_puts(&out, call->object->bucket);
		text_putc(&out, '.');
	}
	text_puts(&out, endpoint->authority);
	text_putc(&out, '\0');
	if (!out.overflow)
		return 0;
	*host = '\0';
	return -EMSGSIZE;
}

static void s3_write_path(const struct s3_call *call, struct text *out)
{
	text_putc(out, '/');
	if (call->http.endpoint->path_style) {
		uri_encode(out, call->object->bucket, strlen(call->object->bucket), 0);
		if (*call->object->key)
			text_putc(out, '/');
	}
	uri_encode(out, call->object->key, strlen(call->object->key), '/');
}

/* The request line into out; where path and query are there, into sign. */
static int s3_write_target(const struct s3_call *call, struct text *out, struct sigv4_request *sign)
{
	int ret;

	text_puts(out, call->method);
	text_putc(out, ' ');
	sign->path = out->data + out->len;
	s3_write_path(call, out);
	sign->path_len = out->data + out->len - sign->path;
	if (call->param_count)
		text_putc(out, '?');
	sign->query = out->data + out->len;
	ret = uri_query(out, call->params, call->param_count);
	sign->query_len = out->data + out->len - sign->query;
	text_puts(out, " HTTP/1.1\r\n");
	return ret;
}

int s3_sign_begin(struct s3_call *call, time_t now, struct sigv4_request *sign, char date[SIGV4_DATE_SIZE],
		  const char **host)
{
	struct op *op = call->http.op;
	char text[HOST_SIZE];

	if (s3_host(call, text))
		return op_error(op, -EINVAL, "NexusBadRequest", "the host of bucket %.64s has too long a name",
				call->object->bucket);
	sigv4_date(date, now);
	*host = op_strdup(op, text);
	*sign = (struct sigv4_request){
		.method = call->method,
		.path_as_sent = true,
		.date = date,
		.region = call->http.endpoint->region,
		.service = "s3",
	};
	return 0;
}

struct sigv4_signer *s3_signer(struct s3_call *call)
{
	struct op *op = call->http.op;

	return conn_pool_signer(conn_pool_find(op->worker->pools, op->tenant, call->http.endpoint));
}

void s3_write_url(const struct s3_call *call, const char *host, struct text *out, struct sigv4_request *sign)
{
	text_puts(out, call->http.endpoint->tls ? "https://" : "http://");
	text_puts(out, host);
	sign->path = out->data + out->len;
	s3_write_path(call, out);
	sign->path_len = out->data + out->len - sign->path;
}

int s3_request(struct http *http, struct text *out)
{
	struct s3_call *call = container_of(http, struct s3_call, http);
	const struct credentials *credentials = op_credentials(http->op);
	struct sigv4_header headers[S3_HEADERS_MAX + 4];
	char host[HOST_SIZE], date[SIGV4_DATE_SIZE], length[24];
	size_t count = 0;
	struct sigv4_request sign = {
		.method = call->method,
		.path_as_sent = true,
		.headers = headers,
		.payload_hash = call->payload_hash,
		.date = date,
		.region = http->endpoint->region,
		.service = "s3",
	};
	int ret;

	if (!credentials)
		return -EACCES;
	ret = s3_host(call, host);
	sigv4_date(date, time(NULL));
	headers[count++] = (struct sigv4_header){ "host", host };
	headers[count++] = (struct sigv4_header){ "x-amz-content-sha256", call->payload_hash };
	headers[count++] = (struct sigv4_header){ "x-amz-date", date };
	if (credentials->session_token)
		headers[count++] = (struct sigv4_header){ "x-amz-security-token", credentials->session_token };
	for (unsigned int i = 0; i < call->header_count; i++)
		headers[count++] = call->headers[i];
	sign.header_count = count;
	if (!ret)
		ret = s3_write_target(call, out, &sign);
	for (size_t i = 0; i < count; i++)
		header_write(out, headers[i].name, headers[i].value);
	/* Of a DELETE, too: some servers (Swift, of a version) else wait for its body to end. */
	if (strcmp(call->method, "GET") && strcmp(call->method, "HEAD")) {
		snprintf(length, sizeof(length), "%" PRIu64, http->upload ? http->upload_length : http->own_body_len);
		header_write(out, "content-length", length);
	}
	text_puts(out, "authorization: ");
	if (!ret)
		ret = sigv4_sign(conn_pool_signer(http->pool), credentials, &sign, out);
	text_puts(out, "\r\n\r\n");
	if (ret)
		return op_error(http->op, ret, "NexusInternal", "cannot sign the request for s3://%s/%s: %s",
				call->object->bucket, call->object->key, strerror(-ret));
	return 0;
}

/* ---- the response ---- */

void s3_response(struct http *http, const struct http_head *head)
{
	static const struct answer_type type = { "x-amz-request-id", "x-amz-version-id", S3_META_PREFIX };
	Nexus__V1__Response *response = &http->op->response;

	response->http_status = head->status;
	answer_fill(http->op, head, &type);
	if (head->status < 300 && !http->document)
		response->content_length = head->content_length;
}

static int s3_complete(struct http *http, const char *body, size_t len)
{
	struct s3_call *call = container_of(http, struct s3_call, http);

	if (s3_status(http->status))
		return s3_error(call, body, len);
	return call->result ? s3_result(call, body, len) : 0;
}

static const struct http_type s3_http_type = {
	.request = s3_request,
	.response = s3_response,
	.complete = s3_complete,
};

/* ---- for the operations ---- */

int s3_check_key(struct op *op, const char *key)
{
	size_t len = strlen(key);

	if (!len || len > KEY_MAX)
		return op_error(op, -EINVAL, "NexusBadRequest", "a key of %zu bytes; keys have 1 to %d", len, KEY_MAX);
	return 0;
}

static void s3_call_init_any(struct op *op, const char *method, const Nexus__V1__ObjectName *object)
{
	struct s3_call *call = op->state;

	call->http.op = op;
	call->http.endpoint = tenant_endpoint(op->tenant, "s3");
	call->http.type = &s3_http_type;
	call->http.kind = S3_KIND_OTHER;
	call->method = method;
	call->object = object;
	call->headers = op_alloc(op, S3_HEADERS_MAX * sizeof(*call->headers));
	strcpy(call->payload_hash, SIGV4_EMPTY_HASH);
}

int s3_call_init(struct op *op, const char *method, const Nexus__V1__ObjectName *object)
{
	int ret = object ? s3_check_key(op, object->key) :
			   op_error(op, -EINVAL, "NexusBadRequest", "the request names no object");

	if (!ret)
		s3_call_init_any(op, method, object);
	return ret;
}

void s3_call_init_bucket(struct op *op, const char *method, char *bucket)
{
	Nexus__V1__ObjectName *object = op_alloc(op, sizeof(*object));

	nexus__v1__object_name__init(object);
	object->bucket = bucket;
	s3_call_init_any(op, method, object);
}

void s3_call_copy(struct s3_call *copy, const struct s3_call *call)
{
	*copy = *call;
	copy->http = (struct http){
		.op = call->http.op,
		.type = call->http.type,
		.endpoint = call->http.endpoint,
		.upload = call->http.upload,
		.download = call->http.download,
		.span = call->http.span,
		.kind = call->http.kind,
	};
}

void s3_call_flag(struct s3_call *call, const char *name)
{
	call->params[call->param_count++] = (struct uri_param){ name, "" };
}

void s3_call_param(struct s3_call *call, const char *name, const char *value)
{
	if (*value)
		call->params[call->param_count++] = (struct uri_param){ name, value };
}

int s3_call_upload(struct s3_call *call, const char *upload_id, uint32_t part_number)
{
	struct op *op = call->http.op;
	size_t len = strlen(upload_id);
	char number[16];

	if (!len || len > UPLOAD_ID_MAX)
		return op_error(op, -EINVAL, "NexusBadRequest", "an upload_id of %zu bytes: take the one that "
				"create_multipart_upload answered", len);
	if (part_number > S3_PARTS_MAX)
		return op_error(op, -EINVAL, "NexusBadRequest", "part_number %u: parts have 1 to %d", part_number, S3_PARTS_MAX);
	s3_call_param(call, "uploadId", upload_id);
	if (part_number) {
		snprintf(number, sizeof(number), "%u", part_number);
		s3_call_param(call, "partNumber", op_strdup(op, number));
	}
	return 0;
}

int s3_call_header(struct s3_call *call, const char *name, const char *value)
{
	int ret = header_check_value(call->http.op, name, value);

	if (ret)
		return ret;
	call->headers[call->header_count++] = (struct sigv4_header){ name, value };
	return 0;
}

int s3_call_start(struct s3_call *call)
{
	return http_start(&call->http);
}

void s3_call_window(struct op *op)
{
	struct s3_call *call = op->state;

	http_window(&call->http);
}

void s3_call_abort(struct op *op)
{
	struct s3_call *call = op->state;

	http_abort(&call->http);
}
