// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Unmodified SDKs and HTTP clients in a guest without a network: AWS_ENDPOINT_URL and http_proxy lead
 * here. What they signed with means nothing; the daemon signs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../cleanup.h"
#include "gateway.h"

static struct nexus *gateway_nx;

void gateway_start(struct nexus *nx)
{
	gateway_nx = nx;
}

/* ---- text ---- */

void fields_add(struct fields *f, const char *name, const char *value)
{
	int n;

	if (!value || !*value || strpbrk(value, "\r\n"))
		return;
	n = snprintf(f->data + f->len, f->size - f->len, "%s: %s\r\n", name, value);
	if (n >= (int)(f->size - f->len)) {
		f->data[f->len] = '\0';
		f->cut = true;
		return;
	}
	f->len += n;
}

void gateway_fields(struct fields *f, const struct nexus_op *op)
{
	const char *name, *value;

	fields_add(f, "Content-Type", nexus_op_content_type(op));
	fields_add(f, "ETag", nexus_op_etag(op));
	fields_add(f, "Last-Modified", nexus_op_last_modified(op));
	for (size_t i = 0; !nexus_op_header_at(op, i, &name, &value); i++)
		if (strcasecmp(name, "content-length") && strcasecmp(name, "date"))
			fields_add(f, name, value);
}

bool percent_decode(char *text, size_t len, bool plus)
{
	char *out = text;

	for (size_t i = 0; i < len; i++) {
		unsigned int byte;

		if (text[i] == '%') {
			char hex[3] = { i + 1 < len ? text[i + 1] : 0, i + 2 < len ? text[i + 2] : 0, 0 };
			char *end;

			byte = strtoul(hex, &end, 16);
			if (end != hex + 2 || !byte)
				return false;
			*out++ = byte;
			i += 2;
		} else {
			*out++ = plus && text[i] == '+' ? ' ' : text[i];
		}
	}
	*out = '\0';
	return true;
}

/* Where the value of name begins; NULL: absent. *len: as it was sent. */
static const char *query_find(const char *query, const char *name, size_t *len)
{
	size_t n = strlen(name);

	for (const char *p = query; *p; p += strcspn(p, "&"), p += *p == '&') {
		size_t item = strcspn(p, "&");

		if (item < n || strncmp(p, name, n) || (item > n && p[n] != '='))
			continue;
		*len = item > n ? item - n - 1 : 0;
		return p + n + (item > n);
	}
	return NULL;
}

bool query_has(const char *query, const char *name)
{
	size_t len;

	return query_find(query, name, &len);
}

char *query_value(const char *query, const char *name)
{
	size_t len;
	const char *found = query_find(query, name, &len);
	char *value = found ? strndup(found, len) : NULL;

	if (value && !percent_decode(value, len, true)) {
		free(value);
		return NULL;
	}
	return value;
}

/* ---- payload ---- */

int gateway_upload(struct http_call *call, struct nexus_op *op)
{
	ssize_t n = call->length ? 1 : 0;
	int ret = 0;

	while (!ret && n) {
		size_t cap;
		void *data;

		if (nexus_op_status(op) != -EINPROGRESS)
			break;		/* nexus_finish() tells why */
		ret = nexus_write_window(op, &data, &cap);
		if (ret)
			break;
		n = http_read(call, data, cap);
		if (n < 0)
			return n;
		ret = n ? nexus_write_commit(op, n) : 0;
		call->length -= call->length == UINT64_MAX ? 0 : n;
		if (!call->length)
			n = 0;
	}
	return nexus_finish(op);
}

int gateway_download(struct http_call *call, struct nexus_op *op)
{
	const void *data;
	ssize_t n;
	int ret = 0;

	while (!ret && (n = nexus_read_window(op, &data)) > 0)
		ret = http_send(call, data, n);
	return ret ? ret : n;
}

/* ---- services ---- */

static void gateway_error(struct http_call *call, unsigned int status, const char *type, const char *message)
{
	const char *asked = http_field(call, "Content-Type");
	char text[1024], fields[256];
	char clean[512];
	size_t n = 0;

	/* Whatever could break either document. */
	for (const char *p = message; *p && n < sizeof(clean) - 1; p++)
		clean[n++] = strchr("\"\\<>&", *p) || (unsigned char)*p < ' ' ? '\'' : *p;
	clean[n] = '\0';
	if (asked && !strncasecmp(asked, "application/x-www-form-urlencoded", 33)) {
		n = snprintf(text, sizeof(text), "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message>"
			     "</Error></ErrorResponse>", type, clean);
		http_answer(call, status, "Content-Type: text/xml\r\n", text, n);
		return;
	}
	if (!strcmp(type, "AccessDenied"))
		type = "AccessDeniedException";		/* as the JSON protocols call it */
	snprintf(fields, sizeof(fields), "Content-Type: application/x-amz-json-1.0\r\nx-amzn-ErrorType: %s\r\n", type);
	n = snprintf(text, sizeof(text), "{\"__type\":\"%s\",\"message\":\"%s\"}", type, clean);
	http_answer(call, status, fields, text, n);
}

/* The daemon's own errors, as HTTP has it. */
static void gateway_failed(struct http_call *call, const struct nexus_op *op, int ret)
{
	static const struct {
		const char *code;
		unsigned int status;
	} statuses[] = {
		{ "NexusPolicyDenied", 403 }, { "NexusBadRequest", 400 }, { "NexusLimitExceeded", 429 },
		{ "NexusTimeout", 504 }, { "NexusConnectionFailed", 502 }, { "NexusConnectionLost", 502 },
		{ "NexusCircuitOpen", 503 }, { "NexusUnsupported", 501 },
	};
	const char *code = op ? nexus_op_error_code(op) : "NexusInternal";
	unsigned int status = 500;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (!strcmp(code, statuses[i].code))
			status = statuses[i].status;
	gateway_error(call, status, !strcmp(code, "NexusPolicyDenied") ? "AccessDenied" : code,
		      op ? nexus_op_error_message(op) : strerrordesc_np(-ret));
}

/* Headers that are not of this connection, of framing, or of a signature that means nothing. */
static bool header_passes(const char *name)
{
	static const char *const dropped[] = {
		"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade",
		"expect", "proxy-connection", "proxy-authorization", "proxy-authenticate", NULL,
	};

	for (const char *const *p = dropped; *p; p++)
		if (!strcasecmp(name, *p))
			return false;
	return true;
}

static bool header_is_signature(const char *name)
{
	return !strcasecmp(name, "authorization") || !strcasecmp(name, "x-amz-date") ||
	       !strcasecmp(name, "x-amz-security-token") || !strcasecmp(name, "x-amz-content-sha256");
}

/* What SDKs say of themselves: the host takes nothing from a request of S3 that is not about it. */
static bool header_is_agent(const char *name)
{
	return !strcasecmp(name, "user-agent") || !strcasecmp(name, "x-amz-user-agent") || !strcasecmp(name, "accept") ||
	       !strcasecmp(name, "accept-encoding") || !strncasecmp(name, "amz-sdk-", 8);
}

/* service: NULL, an HTTP server. */
static size_t headers_pass(const struct http_call *call, const char *service, struct nexus_field *to)
{
	size_t nr = 0;

	for (unsigned int i = 0; i < call->nr_fields && nr < HEADERS_MAX; i++) {
		const struct http_field *f = &call->fields[i];

		if (header_passes(f->name) && !(service && header_is_signature(f->name)) &&
		    !(service && !strcmp(service, "s3") && header_is_agent(f->name)))
			to[nr++] = (struct nexus_field){ f->name, f->value };
	}
	return nr;
}

void gateway_exchange(struct http_call *call, struct nexus_op *op, const char *id,
		      void (*failed)(struct http_call *call, const struct nexus_op *op, int ret))
{
	char text[FIELDS_SIZE] = "";
	struct fields f = { .data = text, .size = sizeof(text) };
	int ret = op ? gateway_upload(call, op) : -ENOMEM;
	unsigned int status = op ? nexus_op_http_status(op) : 0;

	/* A status of the service's own is an answer, good or bad. Without one there is nothing to read but the failure. */
	if (!status) {
		const void *nothing;

		if (op && !ret)
			ret = nexus_read_window(op, &nothing);
		failed(call, op, ret);
		nexus_op_free(op);
		return;
	}
	gateway_fields(&f, op);
	if (id)
		fields_add(&f, id, nexus_op_request_id(op));
	ret = http_begin(call, status, text, nexus_op_content_length(op) ? nexus_op_content_length(op) : UINT64_MAX);
	if (!ret && !call->bodiless)
		ret = gateway_download(call, op);
	/* An error's status comes behind its body. */
	if (ret && status < 300)
		call->keep = false;
	else
		http_end(call);
	nexus_op_free(op);
}

struct nexus_op *gateway_aws(struct nexus *nx, struct http_call *call, const char *service, const char *path, const char *query)
{
	struct nexus_options o = NEXUS_OPTIONS_INIT;
	struct nexus_field headers[HEADERS_MAX];
	struct nexus_aws aws = NEXUS_AWS_INIT;

	aws.service = service;
	aws.method = call->method;
	aws.path = path;
	aws.query = query;
	aws.content_length = call->length;
	o.headers = headers;
	o.nr_headers = headers_pass(call, service, headers);
	return nexus_aws_stream(nx, &aws, &o);
}

static void gateway_service(struct http_call *call, const char *service)
{
	char *query = strchr(call->url, '?');

	if (call->length == UINT64_MAX) {
		gateway_error(call, 411, "LengthRequired", "the body's length must be announced");
		return;
	}
	if (query)
		*query++ = '\0';
	gateway_exchange(call, gateway_aws(gateway_nx, call, service, call->url, query), "x-amzn-RequestId", gateway_failed);
}

static void gateway_http(struct http_call *call)
{
	struct nexus_options o = NEXUS_OPTIONS_INIT;
	struct nexus_field headers[HEADERS_MAX];
	struct nexus_http http = NEXUS_HTTP_INIT;

	http.method = call->method;
	http.url = call->url;
	http.chunked = call->length == UINT64_MAX;
	http.content_length = http.chunked ? 0 : call->length;
	o.headers = headers;
	o.nr_headers = headers_pass(call, NULL, headers);
	gateway_exchange(call, nexus_http_stream(gateway_nx, &http, &o), NULL, gateway_failed);
}

/* SERVICE of Credential=KEY/DAY/REGION/SERVICE/aws4_request, copied; "": none. */
static void signed_service(const struct http_call *call, char service[64])
{
	const char *auth = http_field(call, "Authorization");
	const char *p = auth ? strstr(auth, "Credential=") : NULL;
	size_t n;

	*service = '\0';
	for (int i = 0; p && i < 3; i++) {
		p = strchr(p, '/');
		p += p != NULL;
	}
	n = p ? strcspn(p, "/,") : 0;
	if (n && n < 64) {
		memcpy(service, p, n);
		service[n] = '\0';
	}
}

void gateway_handle(struct http_call *call)
{
	char service[64];

	if (!strcmp(call->method, "CONNECT")) {
		gateway_error(call, 501, "NotImplemented",
			      "no tunnels: use http:// URLs of this gateway, or AWS_ENDPOINT_URL");
		return;
	}
	if (*call->url != '/') {
		gateway_http(call);
		return;
	}
	signed_service(call, service);
	if (!*service)
		gateway_error(call, 403, "MissingAuthenticationTokenException",
			      "the service's name is read from the request's signature (SigV4), and there is none");
	else if (!strcmp(service, "s3"))
		s3_handle(gateway_nx, call);
	else
		gateway_service(call, service);
}
