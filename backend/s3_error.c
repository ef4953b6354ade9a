// SPDX-License-Identifier: GPL-2.0-only
/*
 * S3's small documents: <Error><Code>..</Code><Message>..</Message><RequestId>..</RequestId>...</Error>, and the
 * results of a copy or of a multipart upload.
 */
#include <errno.h>
#include <string.h>
#include "config.h"
#include "s3.h"
#include "xml.h"

#define TEXT_SIZE	384	/* bytes kept of an element */
#define UPLOAD_ID_SIZE	1025

/* The texts of any answer that is a small document. */
struct result {
	char root[64];
	char code[TEXT_SIZE], message[TEXT_SIZE], request_id[TEXT_SIZE];
	char etag[TEXT_SIZE], last_modified[64], upload_id[UPLOAD_ID_SIZE];
};

static bool result_read(struct result *result, const char *body, size_t len)
{
	const struct xml_want root = { NULL, result->root, sizeof(result->root) };
	const struct xml_want wants[] = {
		{ "Code", result->code, sizeof(result->code) },
		{ "Message", result->message, sizeof(result->message) },
		{ "RequestId", result->request_id, sizeof(result->request_id) },
		{ "ETag", result->etag, sizeof(result->etag) },
		{ "LastModified", result->last_modified, sizeof(result->last_modified) },
		{ "UploadId", result->upload_id, sizeof(result->upload_id) },
	};

	return xml_read(body, len, &root, wants, sizeof(wants) / sizeof(wants[0]));
}

/* A response without a document, as to HEAD, has S3's usual code for its status. */
static const char *error_default_code(unsigned int status)
{
	switch (status) {
	case 301:
		return "PermanentRedirect";
	case 304:
		return "NotModified";
	case 307:
		return "TemporaryRedirect";
	case 400:
		return "BadRequest";
	case 403:
		return "Forbidden";
	case 404:
		return "NotFound";
	case 405:
		return "MethodNotAllowed";
	case 409:
		return "Conflict";
	case 412:
		return "PreconditionFailed";
	case 416:
		return "InvalidRange";
	case 500:
		return "InternalError";
	case 503:
		return "ServiceUnavailable";
	default:
		return "UnexpectedStatus";
	}
}

static const char *error_remedy(const char *code, unsigned int status)
{
	if (!strcmp(code, "SignatureDoesNotMatch") || !strcmp(code, "InvalidAccessKeyId"))
		return "; check the tenant's access_key_id and secret_access_key";
	if ((status / 100 == 3 && status != 304) || !strcmp(code, "AuthorizationHeaderMalformed"))
		return "; check the endpoint's url and region";
	return "";
}

static int error_tell(struct s3_call *call, int status, const char *code, const char *message, const char *request_id)
{
	struct op *op = call->http.op;

	op_error(op, status, code, "%s%sHTTP %u for %s s3://%s/%s, tenant %s%s", message, *message ? " - " : "",
		 call->http.status, call->method, call->object->bucket, call->object->key, op->tenant->name,
		 error_remedy(code, call->http.status));
	op->response.error->request_id = *request_id ? op_strdup(op, request_id) : op->response.request_id;
	return status;
}

int s3_error(struct s3_call *call, const char *body, size_t len)
{
	unsigned int http_status = call->http.status;
	struct result result = { 0 };

	if (len)
		result_read(&result, body, len);
	return error_tell(call, s3_status(http_status),
			  *result.code ? result.code : error_default_code(http_status), result.message, result.request_id);
}

/* An error's status where the HTTP status was sent too early to tell it. */
static int error_late_status(const char *code)
{
	static const struct {
		const char *code;
		unsigned int http_status;
	} codes[] = {
		{ "AccessDenied", 403 }, { "EntityTooSmall", 400 }, { "InvalidPart", 400 }, { "InvalidPartOrder", 400 },
		{ "InvalidRequest", 400 }, { "NoSuchBucket", 404 }, { "NoSuchKey", 404 }, { "NoSuchUpload", 404 },
		{ "PreconditionFailed", 412 }, { "RequestTimeout", 408 }, { "ServiceUnavailable", 503 },
		{ "SlowDown", 503 },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (!strcmp(code, codes[i].code))
			return s3_status(codes[i].http_status);
	}
	return -EIO;
}

int s3_error_late(struct s3_call *call, const char *code, const char *message, const char *request_id)
{
	return error_tell(call, error_late_status(code), *code ? code : "InternalError", message, request_id);
}

int s3_result(struct s3_call *call, const char *body, size_t len)
{
	struct op *op = call->http.op;
	Nexus__V1__Response *response = &op->response;
	struct result result = { 0 };
	bool good = result_read(&result, body, len);

	if (good && !strcmp(result.root, "Error"))
		return s3_error_late(call, result.code, result.message, result.request_id);
	if (!good || strcmp(result.root, call->result))
		return op_error(op, -EPROTO, "NexusConnectionLost",
				"%s answered %s s3://%s/%s with something else than a document <%s>",
				conn_pool_url(call->http.pool), call->method, call->object->bucket, call->object->key,
				call->result);
	if (*result.etag)
		response->etag = op_strdup(op, result.etag);
	if (*result.last_modified)
		response->last_modified = op_strdup(op, result.last_modified);
	response->upload_id = op_strdup(op, result.upload_id);
	return 0;
}
