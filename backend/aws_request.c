// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call of an AWS service, signed here; of S3 what has no operation of its own
 * (s3_subresource.h). The signature covers the body, so that all of it must be here before the request's head can be
 * written: in one window, where it is hashed in place, or gathered, if small.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "answer.h"
#include "collect.h"
#include "config.h"
#include "container.h"
#include "header.h"
#include "http.h"
#include "http_request.h"
#include "s3.h"
#include "s3_subresource.h"
#include "tenant.h"
#include "uri_parse.h"
#include "worker.h"
#include "xml.h"

#define BODY_MAX	(16U << 20)	/* bytes: DynamoDB's limit; Lambda's is 6 MiB */
#define GATHER_MAX	(1U << 20)	/* bytes of a body that comes in several windows */
#define HASH_STEP	(1U << 20)	/* hashed at once: a millisecond or so */
#define ERROR_MAX	4096		/* bytes of an error's document that are looked at */
#define QUERY_MAX	8192
#define HOST_PARTS	4		/* headers of our own: host, date, token, hash */
#define HOST_MAX	512
#define PATH_MAX_ENCODED 4096		/* of a bucket and a key of 1 KiB, three bytes each */

struct aws_state {
	struct http http;
	struct collect collect;
	const Nexus__V1__AwsRequest *request;
	bool s3;			/* S3 signs in a way of its own, and answers in XML */
	const char *host, *path;	/* as they are sent */
	size_t path_len;
	char *query;			/* encoded and sorted, for request line and signature */
	size_t query_len;
	EVP_MD_CTX *digest;		/* while it is hashed */
	uint32_t hashed;		/* bytes */
	struct loop_timer step;
	bool in_place;			/* the body is in the first window */
	bool started;
	char payload_hash[SIGV4_HASH_HEX];
	char error[ERROR_MAX];		/* the beginning of an error's document */
	uint32_t error_len;
	char piece[HTTP_PIECE];	/* of it, on its way to the windows */
	uint32_t piece_len, piece_sent;
};

/* ---- the request ---- */

static int aws_head(struct http *http, struct text *out)
{
	struct aws_state *state = container_of(http, struct aws_state, http);
	const struct credentials *credentials = op_credentials(http->op);
	const Nexus__V1__AwsRequest *request = state->request;
	struct sigv4_header headers[HEADERS_MAX + HOST_PARTS];
	char date[SIGV4_DATE_SIZE], length[24];
	struct sigv4_request sign = {
		.method = request->method, .headers = headers, .payload_hash = state->payload_hash, .date = date,
		.path = state->path, .path_len = state->path_len, .path_as_sent = state->s3,
		.query = state->query, .query_len = state->query_len,
		.region = http->endpoint->region, .service = request->service,
	};
	int ret;

	if (!credentials)
		return -EACCES;
	sigv4_date(date, time(NULL));
	headers[sign.header_count++] = (struct sigv4_header){ "host", state->host };
	headers[sign.header_count++] = (struct sigv4_header){ "x-amz-date", date };
	if (state->s3)
		headers[sign.header_count++] = (struct sigv4_header){ "x-amz-content-sha256", state->payload_hash };
	if (credentials->session_token)
		headers[sign.header_count++] = (struct sigv4_header){ "x-amz-security-token", credentials->session_token };
	for (size_t i = 0; i < request->n_headers; i++)
		headers[sign.header_count++] = (struct sigv4_header){ header_lower(http->op, "", request->headers[i]->name),
								      request->headers[i]->value };
	text_puts(out, request->method);
	text_putc(out, ' ');
	text_add(out, state->path, state->path_len);
	if (state->query_len)
		text_putc(out, '?');
	text_add(out, state->query, state->query_len);
	text_puts(out, " HTTP/1.1\r\n");
	for (size_t i = 0; i < sign.header_count; i++)
		header_write(out, headers[i].name, headers[i].value);
	snprintf(length, sizeof(length), "%" PRIu64, request->content_length);
	if (request->content_length || (strcmp(request->method, "GET") && strcmp(request->method, "HEAD")))
		header_write(out, "content-length", length);
	text_puts(out, "authorization: ");
	ret = sigv4_sign(conn_pool_signer(http->pool), credentials, &sign, out);
	text_puts(out, "\r\n\r\n");
	if (ret)
		return op_error(http->op, ret, "NexusInternal", "cannot sign the request for %s: %s", request->service,
				strerror(-ret));
	return 0;
}

/* ---- the response ---- */

static void aws_response(struct http *http, const struct http_head *head)
{
	static const struct answer_type type = { "x-amzn-requestid", NULL, NULL },
		s3_type = { "x-amz-request-id", "x-amz-version-id", S3_META_PREFIX };
	const struct aws_state *state = container_of(http, struct aws_state, http);
	struct op *op = http->op;

	op->response.http_status = head->status;
	op->response.content_length = head->content_length;
	answer_fill(op, head, state->s3 ? &s3_type : &type);
	if (head->status >= 300) {
		/* It passes through our own memory, where it may be looked at. */
		http->payload = false;
		http->parsed = true;
	}
}

static int aws_body(struct http *http, const char *data, size_t len)
{
	struct aws_state *state = container_of(http, struct aws_state, http);
	uint32_t n = len < ERROR_MAX - state->error_len ? len : ERROR_MAX - state->error_len;

	if (len) {
		memcpy(state->error + state->error_len, data, n);
		state->error_len += n;
		memcpy(state->piece, data, len);
		state->piece_len = len;
		state->piece_sent = 0;
	}
	return http_deliver(http, state->piece, state->piece_len, &state->piece_sent);
}

/* "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "AccessDenied:http://..." */
static char *aws_code(struct op *op, const char *type)
{
	const char *hash = strchr(type, '#');

	type = hash ? hash + 1 : type;
	return op_strndup(op, type, strcspn(type, ":"));
}

static const char *aws_header(const Nexus__V1__Response *response, const char *name)
{
	for (size_t i = 0; i < response->n_headers; i++) {
		if (!strcmp(response->headers[i]->name, name))
			return response->headers[i]->value;
	}
	return NULL;
}

static const char *json_text(const json_t *json, const char *a, const char *b)
{
	const char *text = json_string_value(json_object_get(json, a));

	return text ? text : json_string_value(json_object_get(json, b));
}

/* A JSON document; its strings live as long as it does. */
static json_t *aws_error_json(struct aws_state *state, const char **type, const char **message)
{
	json_t *json = json_loadb(state->error, state->error_len, JSON_DISABLE_EOF_CHECK, NULL);

	*type = aws_header(&state->http.op->response, "x-amzn-errortype");
	if (!*type)
		*type = json_text(json, "__type", "code");
	*message = json_text(json, "message", "Message");
	return json;
}

static int aws_error(struct aws_state *state)
{
	int status = s3_status(state->http.status);
	const char *type = NULL, *message = NULL;
	char s3_code[128], s3_message[384];
	struct op *op = state->http.op;
	json_t *json = NULL;

	if (state->s3) {
		const struct xml_want wants[] = {
			{ "Code", s3_code, sizeof(s3_code) }, { "Message", s3_message, sizeof(s3_message) },
		};
		char root[16];

		xml_read(state->error, state->error_len, &(struct xml_want){ NULL, root, sizeof(root) }, wants, 2);
		type = *s3_code ? s3_code : NULL;
		message = *s3_message ? s3_message : NULL;
	} else {
		json = aws_error_json(state, &type, &message);
	}
	op_error(op, status, type ? aws_code(op, type) : "UnexpectedStatus", "%.300s%sHTTP %u for %s %s of %s, tenant %s",
		 message ? message : "", message ? " - " : "", state->http.status, state->request->method,
		 state->request->path, state->request->service, op->tenant->name);
	op->response.error->request_id = op->response.request_id;
	json_decref(json);
	return status;
}

static int aws_complete(struct http *http, const char *body, size_t len)
{
	struct aws_state *state = container_of(http, struct aws_state, http);

	(void)body;
	(void)len;
	return http->status < 300 ? 0 : aws_error(state);
}

static const struct http_type aws_http_type = {
	.request = aws_head,
	.response = aws_response,
	.complete = aws_complete,
	.body = aws_body,
};

/* ---- the body, before ---- */

static int aws_send(struct aws_state *state)
{
	struct http *http = &state->http;

	if (state->in_place) {
		http->upload = http->exchange = true;
		http->upload_length = state->request->content_length;
	} else {
		http->op->windows->done = 0;	/* from here on it receives */
		http->own_body = (char *)state->collect.data;
		http->own_body_len = state->collect.len;
	}
	state->started = true;
	return http_start(http);
}

static void aws_let_go(struct aws_state *state)
{
	loop_timer_stop(state->http.op->worker->loop, &state->step);
	EVP_MD_CTX_free(state->digest);
	state->digest = NULL;
}

static int aws_hash_failed(struct aws_state *state)
{
	aws_let_go(state);
	return op_error(state->http.op, -EIO, "NexusInternal", "cannot hash the request");
}

/* Hash the next piece; the request goes after the last. 0: the operation may have ended; or -errno after op_error(). */
static int aws_hash(struct aws_state *state)
{
	struct op *op = state->http.op;
	uint32_t total = state->request->content_length, n = total - state->hashed;
	const char *data = state->in_place ? op->windows->data : (char *)state->collect.data;
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int len;

	if (n > HASH_STEP)
		n = HASH_STEP;
	if (n && !EVP_DigestUpdate(state->digest, data + state->hashed, n))
		return aws_hash_failed(state);
	state->hashed += n;
	if (state->hashed < total) {
		loop_timer_start(op->worker->loop, &state->step, 0);
		return 0;
	}
	if (!EVP_DigestFinal_ex(state->digest, hash, &len))
		return aws_hash_failed(state);
	for (unsigned int i = 0; i < len; i++)
		snprintf(state->payload_hash + 2 * i, 3, "%02x", hash[i]);
	aws_let_go(state);
	return aws_send(state);
}

static void aws_step(struct loop_timer *timer)
{
	struct aws_state *state = container_of(timer, struct aws_state, step);
	struct op *op = state->http.op;
	int ret = aws_hash(state);

	if (ret)
		op_finish(op, ret);
}

static int aws_gather(struct aws_state *state)
{
	uint64_t total = state->request->content_length;
	struct op *op = state->http.op;
	int ret;

	if (!state->collect.op && op->windows->fin && op->windows->len >= total) {
		state->in_place = true;
	} else {
		if (!state->collect.op && total > GATHER_MAX)
			return op_error(op, -EINVAL, "NexusLimitExceeded",
					"a body of %" PRIu64 " bytes in several windows; their limit is %u: send it in one window",
					total, GATHER_MAX);
		ret = state->collect.op ? 0 : collect_init(&state->collect, op, total, GATHER_MAX);
		if (!ret)
			ret = collect_windows(&state->collect);
		if (ret)
			return ret == COLLECT_MORE ? 0 : ret;
	}
	state->digest = EVP_MD_CTX_new();
	if (!state->digest || !EVP_DigestInit_ex(state->digest, EVP_sha256(), NULL))
		return aws_hash_failed(state);
	return aws_hash(state);
}

/* ---- the beginning ---- */

/* In the order and the encoding that signatures are made of. */
static int aws_query(struct aws_state *state, const struct uri_param *params, size_t count)
{
	struct text out = { .data = op_alloc(state->http.op, QUERY_MAX), .cap = QUERY_MAX };

	if (uri_query(&out, params, count) || out.overflow)
		return op_error(state->http.op, -EINVAL, "NexusLimitExceeded", "a query of more than %d bytes", QUERY_MAX);
	state->query = out.data;
	state->query_len = out.len;
	return 0;
}

/*
 * Where it goes. S3's names are decoded, for the policy, and encoded anew: what is sent is what was checked. Their bucket is
 * a part of the host's name, or of the path.
 */
static int aws_target(struct aws_state *state)
{
	const struct endpoint *endpoint = state->http.endpoint;
	struct op *op = state->http.op;
	struct s3_subresource s3;
	struct text path, host;
	int ret;

	state->host = endpoint->authority;
	state->path = state->request->path;
	state->path_len = strlen(state->path);
	if (!state->s3)
		return 0;
	ret = s3_subresource_parse(op, state->request, &s3);
	if (ret)
		return ret;
	path = (struct text){ .data = op_alloc(op, PATH_MAX_ENCODED), .cap = PATH_MAX_ENCODED };
	host = (struct text){ .data = op_alloc(op, HOST_MAX), .cap = HOST_MAX };
	text_putc(&path, '/');
	if (s3.bucket && endpoint->path_style) {
		text_puts(&path, s3.bucket);
		if (s3.key)
			text_putc(&path, '/');
	} else if (s3.bucket) {
		text_puts(&host, s3.bucket);
		text_putc(&host, '.');
	}
	if (s3.key)
		uri_encode(&path, s3.key, strlen(s3.key), '/');
	text_puts(&host, endpoint->authority);
	text_add(&host, "", 1);
	if (path.overflow || host.overflow)
		return op_error(op, -EINVAL, "NexusBadRequest", "too long a name: \"%.64s\"", state->request->path);
	state->host = host.data;
	state->path = path.data;
	state->path_len = path.len;
	return 0;
}

static int aws_check(struct op *op, const Nexus__V1__AwsRequest *request)
{
	static const char *const owned[] = {
		"authorization", "date", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token", NULL,
	};

	if (!header_name_is_token(request->method) || strlen(request->method) > 32 ||
	    method_is_for_connections(request->method))
		return op_error(op, -EINVAL, "NexusBadRequest", "\"%.64s\" is no method", request->method);
	if (*request->path != '/')
		return op_error(op, -EINVAL, "NexusBadRequest", "the path \"%.64s\" does not begin with /", request->path);
	for (const char *p = request->path; *p; p++) {
		if (*p <= ' ' || *p >= 0x7f || *p == '?' || *p == '#')
			return op_error(op, -EINVAL, "NexusBadRequest", "the path \"%.64s\" is not percent-encoded",
					request->path);
	}
	if (request->content_length > BODY_MAX)
		return op_error(op, -EINVAL, "NexusLimitExceeded", "a body of %" PRIu64 " bytes; the limit is %u",
				request->content_length, BODY_MAX);
	return header_check(op, request->headers, request->n_headers, owned);
}

static int aws_start(struct op *op)
{
	const Nexus__V1__AwsRequest *request = op->request->aws_request;
	struct aws_state *state = op->state;
	struct uri_param params[URI_PARAMS_MAX];
	struct http *http = &state->http;
	size_t count;
	int ret;

	ret = aws_check(op, request);
	if (ret)
		return ret;
	state->request = request;
	state->step.expired = aws_step;
	http->op = op;
	http->type = &aws_http_type;
	http->endpoint = tenant_endpoint(op->tenant, request->service);
	http->download = http->any_status = true;
	http->head_only = !strcmp(request->method, "HEAD");
	state->s3 = !strcmp(request->service, "s3");
	http->kind = state->s3 ? S3_KIND_OTHER : 0;
	ret = uri_parse(op, request->query, params, &count);
	if (!ret)
		ret = aws_query(state, params, count);
	if (!ret)
		ret = aws_target(state);
	return ret ? ret : aws_gather(state);
}

static void aws_window(struct op *op)
{
	struct aws_state *state = op->state;
	int ret;

	if (state->started) {
		http_window(&state->http);
		return;
	}
	if (state->digest)
		return;
	ret = aws_gather(state);
	if (ret)
		op_finish(op, ret);
}

static void aws_abort(struct op *op)
{
	struct aws_state *state = op->state;

	aws_let_go(state);
	http_abort(&state->http);
}

const struct op_type aws_request_type = {
	.name = "aws_request",
	.op_case = NEXUS__V1__REQUEST__OP_AWS_REQUEST,
	.state_size = sizeof(struct aws_state),
	.exchange = true,
	.start = aws_start,
	.window = aws_window,
	.abort = aws_abort,
};
