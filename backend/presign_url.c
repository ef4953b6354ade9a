// SPDX-License-Identifier: GPL-2.0-only
/*
 * A URL that carries a signature: what a guest cannot make itself, as it has no keys. It may say what the guest could ask
 * for now, and no more: whatever the URL's user adds to the query or to the x-amz- headers, S3 refuses.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "config.h"
#include "header.h"
#include "presign.h"
#include "s3.h"
#include "tenant.h"

#define URL_SIZE	12288	/* bytes; a key of 1024 takes 3072 of them, a session's token up to 6000 */

static const struct presign_method {
	const char *name;
	unsigned int operation;		/* what its headers are like */
	const char *const *params;	/* of its query */
} methods[] = {
#define READ_PARAMS	((const char *const[]){ "versionId", "partNumber", "response-cache-control", \
	"response-content-disposition", "response-content-encoding", "response-content-language", \
	"response-content-type", "response-expires", NULL })
	{ "GET", S3_GET, READ_PARAMS },
	{ "HEAD", S3_HEAD, READ_PARAMS },
	{ "PUT", S3_PUT, (const char *const[]){ "partNumber", "uploadId", NULL } },
	{ "DELETE", S3_DELETE, (const char *const[]){ "versionId", NULL } },
};

int presign_check_expiry(struct op *op, uint32_t expires_s)
{
	uint32_t max_s = tenant_rules(op->tenant)->presign_max / 1000;

	if (!expires_s)
		return op_error(op, -EINVAL, "NexusBadRequest", "it would expire after 0 seconds: ask for 1 at least");
	if (expires_s <= max_s)
		return 0;
	return op_error(op, -EACCES, "NexusPolicyDenied",
			"%u seconds are more than tenant %s may sign for, %u: see `presign_max` in [tenant %s]", expires_s,
			op->tenant->name, max_s, op->tenant->name);
}

static const struct presign_method *presign_method(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	}
	return NULL;
}

static int presign_params(struct s3_call *call, const struct presign_method *method,
			  const Nexus__V1__PresignUrl *presign)
{
	struct op *op = call->http.op;

	for (size_t i = 0; i < presign->n_params; i++) {
		const char *name = presign->params[i]->name;
		const char *const *known = method->params;

		while (*known && strcmp(*known, name))
			known++;
		for (unsigned int j = 0; *known && j < call->param_count; j++)
			known = strcmp(call->params[j].name, name) ? known : &(const char *const){ NULL };
		if (!*known || call->param_count == S3_PARAMS_MAX)
			return op_error(op, -EINVAL, "NexusBadRequest",
					"a URL for %s takes no parameter %.64s, or not twice", method->name, name);
		call->params[call->param_count++] = (struct uri_param){ name, presign->params[i]->value };
	}
	if (!strcmp(method->name, "PUT") && call->param_count == 1)
		return op_error(op, -EINVAL, "NexusBadRequest", "partNumber and uploadId go together");
	return 0;
}

/* Those that have fields of their own in other requests. */
static bool header_is_plain(const char *name, unsigned int operation)
{
	static const char *const conditions[] = {
		"range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", NULL,
	};

	if (operation == S3_PUT)
		return !strcmp(name, "content-type") || !strncmp(name, S3_META_PREFIX, strlen(S3_META_PREFIX));
	for (const char *const *p = conditions; operation != S3_DELETE && *p; p++) {
		if (!strcmp(*p, name))
			return true;
	}
	return false;
}

static int presign_headers(struct s3_call *call, unsigned int operation, const Nexus__V1__PresignUrl *presign)
{
	Nexus__V1__Field *rest[S3_FIELDS_MAX + 1];
	struct op *op = call->http.op;
	size_t count = 0;
	int ret = 0;

	if (presign->n_headers > S3_METADATA_MAX)
		return op_error(op, -EINVAL, "NexusLimitExceeded", "%zu headers; the limit is %d", presign->n_headers,
				S3_METADATA_MAX);
	for (size_t i = 0; !ret && i < presign->n_headers; i++) {
		Nexus__V1__Field *field = presign->headers[i];

		if (!header_name_is_token(field->name))
			return op_error(op, -EINVAL, "NexusBadRequest", "the header name \"%.64s\" is no HTTP token",
					field->name);
		if (header_is_plain(header_lower(op, "", field->name), operation))
			ret = s3_call_header(call, header_lower(op, "", field->name), field->value);
		else if (count <= S3_FIELDS_MAX)
			rest[count++] = field;
	}
	return ret ? ret : s3_call_fields(call, operation, rest, count);
}

static int presign_sign(struct s3_call *call, uint32_t expires_s)
{
	const struct credentials *credentials = op_credentials(call->http.op);
	struct op *op = call->http.op;
	struct sigv4_request sign;
	char date[SIGV4_DATE_SIZE];
	const char *host;
	struct text url = { .data = op_alloc(op, URL_SIZE), .cap = URL_SIZE };
	int ret;

	if (!credentials)
		return -EACCES;
	ret = s3_sign_begin(call, time(NULL), &sign, date, &host);
	if (ret)
		return ret;
	call->headers[call->header_count++] = (struct sigv4_header){ "host", host };
	sign.headers = call->headers;
	sign.header_count = call->header_count;
	s3_write_url(call, host, &url, &sign);
	text_putc(&url, '?');
	ret = sigv4_presign(s3_signer(call), credentials, &sign, call->params, call->param_count, expires_s, &url);
	text_putc(&url, '\0');
	if (ret || url.overflow)
		return op_error(op, ret ? ret : -EMSGSIZE, "NexusLimitExceeded", "the URL for s3://%s/%s is too long: %s",
				call->object->bucket, call->object->key, strerror(ret ? -ret : EMSGSIZE));
	op->response.url = url.data;
	return 0;
}

static int presign_url_start(struct op *op)
{
	const Nexus__V1__PresignUrl *presign = op->request->presign_url;
	const struct presign_method *method = presign_method(presign->method);
	struct s3_call *call = op->state;
	int ret;

	if (!method)
		return op_error(op, -EINVAL, "NexusBadRequest", "no URLs for %.16s: GET, HEAD, PUT and DELETE have them",
				presign->method);
	ret = s3_call_init(op, method->name, presign->object);
	if (!ret)
		ret = presign_check_expiry(op, presign->expires_s);
	if (!ret)
		ret = presign_params(call, method, presign);
	if (!ret)
		ret = presign_headers(call, method->operation == S3_PUT && call->param_count ? S3_UPLOAD_PART :
				      method->operation, presign);
	if (!ret)
		ret = presign_sign(call, presign->expires_s);
	if (ret)
		return ret;
	op_finish(op, 0);
	return 0;
}

const struct op_type presign_url_type = {
	.name = "presign_url",
	.op_case = NEXUS__V1__REQUEST__OP_PRESIGN_URL,
	.state_size = sizeof(struct s3_call),
	.idempotent = true,
	.start = presign_url_start,
};
