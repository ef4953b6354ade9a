// SPDX-License-Identifier: GPL-2.0-only
/*
 * Headers that a guest may set. Only what S3 documents for the operation is
 * passed on: a header that is not in the table could change what a request
 * means without policy having looked at it.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "header.h"
#include "s3.h"

#define READ	(S3_GET | S3_HEAD)
#define CREATES	(S3_PUT | S3_COPY | S3_CREATE_MULTIPART)
#define DELETES	(S3_DELETE | S3_DELETE_OBJECTS)
#define ALL	(READ | CREATES | DELETES | S3_UPLOAD_PART | S3_PART_COPY | S3_COMPLETE_MULTIPART | S3_ABORT_MULTIPART | S3_LIST)
#define SSE_C	(READ | CREATES | S3_UPLOAD_PART | S3_PART_COPY | S3_COMPLETE_MULTIPART)
#define SUMS	(S3_PUT | S3_UPLOAD_PART | S3_COMPLETE_MULTIPART)
#define COPIES	(S3_COPY | S3_PART_COPY)

static const struct {
	const char *name;
	unsigned int operations;
} header_rules[] = {
	{ "cache-control", CREATES },
	{ "content-disposition", CREATES },
	{ "content-encoding", CREATES },
	{ "content-language", CREATES },
	{ "content-md5", S3_PUT | S3_UPLOAD_PART },
	{ "expires", CREATES },
	{ "if-match", S3_PUT | S3_DELETE | S3_COPY | S3_COMPLETE_MULTIPART },
	{ "if-none-match", S3_PUT | S3_COPY | S3_COMPLETE_MULTIPART },
	{ "x-amz-acl", CREATES },
	{ "x-amz-bypass-governance-retention", DELETES },
	{ "x-amz-checksum-algorithm", S3_COPY | S3_CREATE_MULTIPART },
	{ "x-amz-checksum-crc32", SUMS },
	{ "x-amz-checksum-crc32c", SUMS },
	{ "x-amz-checksum-crc64nvme", SUMS },
	{ "x-amz-checksum-mode", READ },
	{ "x-amz-checksum-sha1", SUMS },
	{ "x-amz-checksum-sha256", SUMS },
	{ "x-amz-checksum-type", S3_CREATE_MULTIPART | S3_COMPLETE_MULTIPART },
	{ "x-amz-copy-source-if-match", COPIES },
	{ "x-amz-copy-source-if-modified-since", COPIES },
	{ "x-amz-copy-source-if-none-match", COPIES },
	{ "x-amz-copy-source-if-unmodified-since", COPIES },
	{ "x-amz-copy-source-server-side-encryption-customer-algorithm", COPIES },
	{ "x-amz-copy-source-server-side-encryption-customer-key", COPIES },
	{ "x-amz-copy-source-server-side-encryption-customer-key-md5", COPIES },
	{ "x-amz-expected-bucket-owner", ALL },
	{ "x-amz-grant-full-control", CREATES },
	{ "x-amz-grant-read", CREATES },
	{ "x-amz-grant-read-acp", CREATES },
	{ "x-amz-grant-write-acp", CREATES },
	{ "x-amz-mfa", DELETES },
	{ "x-amz-mp-object-size", S3_COMPLETE_MULTIPART },
	{ "x-amz-object-lock-legal-hold", CREATES },
	{ "x-amz-object-lock-mode", CREATES },
	{ "x-amz-object-lock-retain-until-date", CREATES },
	{ "x-amz-request-payer", ALL },
	{ "x-amz-sdk-checksum-algorithm", S3_PUT | S3_UPLOAD_PART },
	{ "x-amz-server-side-encryption", CREATES },
	{ "x-amz-server-side-encryption-aws-kms-key-id", CREATES },
	{ "x-amz-server-side-encryption-bucket-key-enabled", CREATES },
	{ "x-amz-server-side-encryption-context", CREATES },
	{ "x-amz-server-side-encryption-customer-algorithm", SSE_C },
	{ "x-amz-server-side-encryption-customer-key", SSE_C },
	{ "x-amz-server-side-encryption-customer-key-md5", SSE_C },
	{ "x-amz-source-expected-bucket-owner", COPIES },
	{ "x-amz-storage-class", CREATES },
	{ "x-amz-tagging", CREATES },
	{ "x-amz-tagging-directive", S3_COPY },
	{ "x-amz-website-redirect-location", CREATES },
};

bool s3_header_suits(const char *name, unsigned int operation)
{
	for (size_t i = 0; i < sizeof(header_rules) / sizeof(header_rules[0]); i++) {
		if (!strcmp(header_rules[i].name, name))
			return header_rules[i].operations & operation;
	}
	/* The content's type and metadata. */
	return operation & CREATES;
}

/* What the daemon writes itself, or has a field in the message. */
static bool header_is_owned(const char *name)
{
	static const char *const owned[] = {
		"authorization", "content-length", "content-type", "date", "expect", "host", "if-match",
		"if-modified-since", "if-none-match", "if-unmodified-since", "range", "x-amz-content-sha256",
		"x-amz-copy-source", "x-amz-copy-source-range", "x-amz-date", "x-amz-metadata-directive",
		"x-amz-security-token", NULL,
	};

	for (const char *const *p = owned; *p; p++) {
		if (!strcmp(name, *p))
			return true;
	}
	return !strncmp(name, S3_META_PREFIX, strlen(S3_META_PREFIX)) || header_is_hop_by_hop(name);
}

/* what: "metadata" or "header", for messages. */
static int header_add(struct s3_call *call, const char *prefix, const Nexus__V1__Field *field, const char *what)
{
	char *name = header_lower(call->http.op, prefix, field->name);

	for (unsigned int i = 0; i < call->header_count; i++) {
		if (!strcmp(call->headers[i].name, name))
			return op_error(call->http.op, -EINVAL, "NexusBadRequest", "the %s name \"%.64s\" comes twice",
					what, field->name);
	}
	return s3_call_header(call, name, field->value);
}

static int header_allowed(struct s3_call *call, unsigned int operation, const Nexus__V1__Field *field)
{
	struct op *op = call->http.op;
	const char *name;

	if (!header_name_is_token(field->name))
		return op_error(op, -EINVAL, "NexusBadRequest", "the header name \"%.64s\" is no HTTP token", field->name);
	name = header_lower(op, "", field->name);
	for (size_t i = 0; i < sizeof(header_rules) / sizeof(header_rules[0]); i++) {
		if (strcmp(header_rules[i].name, name) || !(header_rules[i].operations & operation))
			continue;
		if (!strcmp(name, "content-encoding") && strstr(field->value, "aws-chunked"))
			return op_error(op, -EINVAL, "NexusBadRequest",
					"content-encoding aws-chunked is the daemon's to choose: send the plain bytes");
		return 0;
	}
	if (header_is_owned(name))
		return op_error(op, -EINVAL, "NexusBadRequest",
				"the header %s is written by the daemon: use the request's own field for it, or leave it out", name);
	return op_error(op, -EINVAL, "NexusBadRequest", "%s takes no header %.64s", op->type->name, name);
}

int s3_call_fields(struct s3_call *call, unsigned int operation, Nexus__V1__Field *const *fields, size_t count)
{
	int ret = 0;

	if (count > S3_FIELDS_MAX)
		return op_error(call->http.op, -EINVAL, "NexusLimitExceeded", "%zu headers; the limit is %d",
				count, S3_FIELDS_MAX);
	for (size_t i = 0; !ret && i < count; i++) {
		ret = header_allowed(call, operation, fields[i]);
		if (!ret)
			ret = header_add(call, "", fields[i], "header");
	}
	return ret;
}

int s3_call_content(struct s3_call *call, const char *type, Nexus__V1__Field *const *metadata, size_t count)
{
	struct op *op = call->http.op;
	int ret;

	if (count > S3_METADATA_MAX)
		return op_error(op, -EINVAL, "NexusLimitExceeded", "%zu metadata fields; the limit is %d",
				count, S3_METADATA_MAX);
	ret = s3_call_header(call, "content-type", *type ? type : "application/octet-stream");
	for (size_t i = 0; !ret && i < count; i++) {
		if (!header_name_is_token(metadata[i]->name))
			return op_error(op, -EINVAL, "NexusBadRequest",
					"the metadata name \"%.64s\" is no HTTP token: use A-Z a-z 0-9 -",
					metadata[i]->name);
		ret = header_add(call, S3_META_PREFIX, metadata[i], "metadata");
	}
	return ret;
}

/* ---- what reads have in common ---- */

static const char *skip_digits(const char *p)
{
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

/* One range: first-last, first- or -suffix. S3 knows no lists of them. */
static bool range_is_valid(const char *range)
{
	const char *first, *last, *end;

	if (strncmp(range, "bytes=", 6))
		return false;
	first = range + 6;
	last = skip_digits(first);
	if (*last != '-')
		return false;
	end = skip_digits(last + 1);
	return !*end && (last > first || end > last + 1);
}

int s3_call_range(struct s3_call *call, const char *name, const char *range)
{
	if (!*range)
		return 0;
	if (!range_is_valid(range))
		return op_error(call->http.op, -EINVAL, "NexusBadRequest",
				"range \"%.64s\" is not of the form bytes=FIRST-LAST", range);
	return s3_call_header(call, name, range);
}

int s3_call_conditions(struct s3_call *call, const struct s3_conditions *conditions)
{
	const struct {
		const char *name, *value;
	} headers[] = {
		{ "if-match", conditions->if_match },
		{ "if-none-match", conditions->if_none_match },
		{ "if-modified-since", conditions->if_modified_since },
		{ "if-unmodified-since", conditions->if_unmodified_since },
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (*headers[i].value)
			ret = s3_call_header(call, headers[i].name, headers[i].value);
	}
	return ret;
}
