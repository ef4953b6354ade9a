// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* S3's REST protocol, path style, over the library's own operations. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../cleanup.h"
#include "gateway_s3.h"

/* ---- the request ---- */

static bool header_is_ours(const char *name)
{
	static const char *const ours[] = {
		"x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-amz-user-agent", "x-amz-trailer",
		"x-amz-decoded-content-length", "x-amz-copy-source", "x-amz-copy-source-range",
		"x-amz-metadata-directive", NULL,
	};

	for (const char *const *p = ours; *p; p++)
		if (!strcasecmp(name, *p))
			return true;
	return false;
}

static bool header_is_content(const char *name, const char *value)
{
	static const char *const content[] = {
		"cache-control", "content-disposition", "content-language", "content-md5", "expires", NULL,
	};

	if (!strcasecmp(name, "content-encoding"))
		return !strstr(value, "aws-chunked");
	for (const char *const *p = content; *p; p++)
		if (!strcasecmp(name, *p))
			return true;
	return false;
}

static void s3_headers(struct s3 *s3)
{
	for (unsigned int i = 0; i < s3->call->nr_fields; i++) {
		const struct http_field *f = &s3->call->fields[i];

		if (s3->o.nr_metadata < HEADERS_MAX && !strncasecmp(f->name, META, strlen(META)))
			s3->metadata[s3->o.nr_metadata++] = (struct nexus_field){ f->name + strlen(META), f->value };
		else if (s3->o.nr_headers < HEADERS_MAX && !header_is_ours(f->name) &&
			 (!strncasecmp(f->name, "x-amz-", 6) || header_is_content(f->name, f->value)))
			s3->headers[s3->o.nr_headers++] = (struct nexus_field){ f->name, f->value };
	}
	s3->o.metadata = s3->metadata;
	s3->o.headers = s3->headers;
}

void s3_no_content(struct s3 *s3)
{
	s3->o.nr_metadata = 0;
	s3->o.content_type = NULL;
}

static bool header_is_sum(const char *name)
{
	static const char checksum[] = "x-amz-checksum-";

	return !strncasecmp(name, checksum, strlen(checksum)) || !strcasecmp(name, "x-amz-sdk-checksum-algorithm") ||
	       !strcasecmp(name, "content-md5");
}

void s3_no_sums(struct s3 *s3)
{
	size_t kept = 0;

	for (size_t i = 0; i < s3->o.nr_headers; i++)
		if (!header_is_sum(s3->headers[i].name))
			s3->headers[kept++] = s3->headers[i];
	s3->o.nr_headers = kept;
}

static void s3_conditions(struct s3 *s3)
{
	s3->o.range = http_field(s3->call, "Range");
	s3->o.if_match = http_field(s3->call, "If-Match");
	s3->o.if_none_match = http_field(s3->call, "If-None-Match");
	s3->o.if_modified_since = http_field(s3->call, "If-Modified-Since");
	s3->o.if_unmodified_since = http_field(s3->call, "If-Unmodified-Since");
	s3->o.version_id = s3->version_id;
}

/* ---- answers ---- */

static void s3_fields(struct fields *f, const struct nexus_op *op)
{
	const char *name, *value;
	char full[256];

	gateway_fields(f, op);
	fields_add(f, "x-amz-request-id", nexus_op_request_id(op));
	fields_add(f, "x-amz-version-id", nexus_op_version_id(op));
	for (size_t i = 0; !nexus_op_metadata_at(op, i, &name, &value); i++)
		if (snprintf(full, sizeof(full), META "%s", name) < (int)sizeof(full))
			fields_add(f, full, value);
}

/* No body. */
static void s3_answer(struct s3 *s3, struct nexus_op *op, int ret, unsigned int status, uint64_t length)
{
	char text[FIELDS_SIZE] = "";
	struct fields f = { .data = text, .size = sizeof(text) };

	if (ret < 0 || !op) {
		s3_failed(s3->call, op, ret);
	} else {
		s3_fields(&f, op);
		http_begin(s3->call, status, text, length);
	}
	nexus_op_free(op);
}

/* ---- objects ---- */

static void s3_get(struct s3 *s3)
{
	char text[FIELDS_SIZE] = "";
	struct fields f = { .data = text, .size = sizeof(text) };
	const void *data;
	struct nexus_op *op;
	ssize_t n = -ENOMEM;
	int ret;

	s3_conditions(s3);
	s3_no_content(s3);
	op = nexus_get_stream(s3->nx, s3->bucket, s3->key, &s3->o);
	if (op)
		n = nexus_read_window(op, &data);
	if (n < 0) {
		s3_failed(s3->call, op, n);
		nexus_op_free(op);
		return;
	}
	s3_fields(&f, op);
	ret = http_begin(s3->call, nexus_op_http_status(op), text, nexus_op_content_length(op));
	if (!ret)
		ret = http_send(s3->call, data, n);
	if (!ret && n)
		ret = gateway_download(s3->call, op);
	if (ret)
		s3->call->keep = false;		/* the client sees that bytes are missing */
	nexus_op_free(op);
}

static void s3_head(struct s3 *s3)
{
	struct nexus_op *op = NULL;
	int ret;

	s3_conditions(s3);
	s3_no_content(s3);
	ret = nexus_head(s3->nx, s3->bucket, s3->key, &s3->o, &op);
	s3_answer(s3, op, ret, op ? nexus_op_http_status(op) : 0, op ? nexus_op_content_length(op) : 0);
}

static void s3_delete(struct s3 *s3)
{
	struct nexus_op *op = NULL;
	int ret;

	s3_no_content(s3);
	if (s3->upload_id) {
		ret = nexus_multipart_abort(s3->nx, s3->bucket, s3->key, s3->upload_id, &s3->o, &op);
	} else {
		s3->o.version_id = s3->version_id;
		ret = nexus_delete(s3->nx, s3->bucket, s3->key, &s3->o, &op);
	}
	s3_answer(s3, op, ret, 204, 0);
}

/* False after an answer. */
static bool s3_write_mode(struct s3 *s3)
{
	static const char *const names[] = {
		[NEXUS_WRITE_THROUGH] = "through", [NEXUS_WRITE_DEFERRED] = "deferred", [NEXUS_WRITE_JOURNALED] = "journaled",
	};
	const char *wanted = http_field(s3->call, "Nexus-Write-Mode");

	/* An SDK's caller may want the entity tag: nothing is deferred that nobody has asked to be. */
	s3->o.write_mode = NEXUS_WRITE_CONFIGURED;
	if (!wanted)
		return true;
	for (unsigned int mode = NEXUS_WRITE_THROUGH; mode < sizeof(names) / sizeof(names[0]); mode++) {
		if (!strcasecmp(wanted, names[mode])) {
			s3->o.write_mode = mode;
			return true;
		}
	}
	s3_error(s3->call, 400, "InvalidArgument", "Nexus-Write-Mode is through, deferred or journaled", "");
	return false;
}

static void s3_put(struct s3 *s3)
{
	struct nexus_op *op;
	int ret;

	if (!s3_length(s3)) {
		s3_error(s3->call, 411, "MissingContentLength", "the body's length must be announced", "");
		return;
	}
	if (s3->upload_id) {
		s3_no_content(s3);
		op = nexus_multipart_part_stream(s3->nx, s3->bucket, s3->key, s3->upload_id, s3->part, s3->length, &s3->o);
	} else if (!s3_write_mode(s3)) {
		return;
	} else {
		s3->o.content_type = http_field(s3->call, "Content-Type");
		op = nexus_put_stream(s3->nx, s3->bucket, s3->key, s3->length, &s3->o);
	}
	ret = op ? s3_upload(s3, op) : -ENOMEM;
	s3_answer(s3, op, ret, 200, 0);
}

/* [/]BUCKET/KEY[?versionId=ID], encoded; the pieces point into text. */
static bool copy_source(char *text, struct nexus_copy *copy)
{
	char *version = strstr(text, "?versionId="), *slash;

	if (version) {
		*version = '\0';
		copy->version_id = version + 11;
	}
	text += *text == '/';
	if (!percent_decode(text, strlen(text), false))
		return false;
	slash = strchr(text, '/');
	if (!slash)
		return false;
	*slash = '\0';
	copy->bucket = text;
	copy->key = slash + 1;
	return true;
}

static void s3_copy(struct s3 *s3, const char *source)
{
	const char *directive = http_field(s3->call, "x-amz-metadata-directive");
	struct nexus_copy copy = NEXUS_COPY_INIT;
	autofree char *text = strdup(source);
	struct nexus_op *op = NULL;
	char *xml = NULL;
	size_t len;
	FILE *out;
	int ret;

	if (!text || !copy_source(text, &copy)) {
		s3_error(s3->call, 400, "InvalidArgument", "x-amz-copy-source is not BUCKET/KEY", "");
		return;
	}
	copy.replace = directive && !strcasecmp(directive, "REPLACE");
	copy.upload_id = s3->upload_id;
	copy.part_number = s3->part;
	copy.range = http_field(s3->call, "x-amz-copy-source-range");
	if (copy.replace)
		s3->o.content_type = http_field(s3->call, "Content-Type");
	else
		s3_no_content(s3);
	ret = nexus_copy(s3->nx, &copy, s3->bucket, s3->key, &s3->o, &op);
	out = xml_begin(s3->call, op, ret, &xml, &len);
	if (out) {
		fprintf(out, "<Copy%sResult>", s3->upload_id ? "Part" : "Object");
		xml_element(out, "LastModified", nexus_op_last_modified(op));
		xml_element(out, "ETag", nexus_op_etag(op));
		fprintf(out, "</Copy%sResult>", s3->upload_id ? "Part" : "Object");
		xml_answer(s3->call, 200, out, &xml, &len);
	}
	nexus_op_free(op);
}

/* ---- which ---- */

/* What is no operation of the library goes to the store as it is, if the host's policy has it. */
static void s3_pass(struct s3 *s3)
{
	if (s3->framed)
		s3_error(s3->call, 501, "NotImplemented", "aws-chunked encoding is for objects and parts", "");
	else if (s3->call->length == UINT64_MAX)
		s3_error(s3->call, 411, "MissingContentLength", "the body's length must be announced", "");
	else
		gateway_exchange(s3->call, gateway_aws(s3->nx, s3->call, "s3", s3->path, s3->query), "x-amz-request-id", s3_failed);
}

static bool s3_is_subresource(const struct s3 *s3)
{
	static const char *const names[] = {
		"acl", "attributes", "legal-hold", "restore", "retention", "select", "tagging", "torrent", NULL,
	};

	for (const char *const *name = names; *name; name++)
		if (query_has(s3->query, *name))
			return true;
	/* One part of what is there, or a list of them; parts that are written have operations. */
	return *s3->call->method == 'G' || *s3->call->method == 'H' ? s3->part || s3->upload_id : false;
}

static void s3_object(struct s3 *s3)
{
	const char *method = s3->call->method, *source = http_field(s3->call, "x-amz-copy-source");

	if (s3_is_subresource(s3))
		s3_pass(s3);
	else if (!strcmp(method, "GET"))
		s3_get(s3);
	else if (!strcmp(method, "HEAD"))
		s3_head(s3);
	else if (!strcmp(method, "DELETE"))
		s3_delete(s3);
	else if (!strcmp(method, "PUT") && source)
		s3_copy(s3, source);
	else if (!strcmp(method, "PUT"))
		s3_put(s3);
	else if (!strcmp(method, "POST") && query_has(s3->query, "uploads"))
		s3_create(s3);
	else if (!strcmp(method, "POST") && s3->upload_id)
		s3_complete(s3);
	else
		s3_pass(s3);
}

static bool s3_is_list(const char *query)
{
	static const char *const names[] = { "list-type", "prefix", "delimiter", "max-keys", "marker", "encoding-type", NULL };

	/* Lists of something else have a prefix, too. */
	if (query_has(query, "uploads") || query_has(query, "versions"))
		return false;
	for (const char *const *name = names; *name; name++)
		if (query_has(query, *name))
			return true;
	return !*query;
}

static void s3_bucket(struct s3 *s3)
{
	const char *method = s3->call->method;

	if (!strcmp(method, "GET") && s3_is_list(s3->query))
		s3_list(s3);
	else if (!strcmp(method, "POST") && query_has(s3->query, "delete"))
		s3_delete_many(s3);
	else
		s3_pass(s3);
}

void s3_handle(struct nexus *nx, struct http_call *call)
{
	struct s3 s3 = { .nx = nx, .call = call, .o = NEXUS_OPTIONS_INIT };
	char *query = strchr(call->url, '?'), *slash;
	autofree char *part = NULL, *path = NULL;

	s3.query = query ? query + 1 : "";
	if (query)
		*query = '\0';
	s3.path = path = strdup(call->url);
	if (!path || !percent_decode(call->url, strlen(call->url), false)) {
		s3_error(call, 400, "InvalidURI", "the path is not /BUCKET/KEY, percent-encoded", "");
		return;
	}
	s3.bucket = call->url + 1;
	slash = strchr(s3.bucket, '/');
	if (slash)
		*slash = '\0';
	s3.key = slash ? slash + 1 : "";
	s3.version_id = query_value(s3.query, "versionId");
	s3.upload_id = query_value(s3.query, "uploadId");
	part = query_value(s3.query, "partNumber");
	s3.part = part ? strtoul(part, NULL, 10) : 0;
	s3_headers(&s3);
	if (*s3.key)
		s3_object(&s3);
	else if (*s3.bucket)
		s3_bucket(&s3);
	else
		s3_pass(&s3);
	free(s3.version_id);
	free(s3.upload_id);
}
