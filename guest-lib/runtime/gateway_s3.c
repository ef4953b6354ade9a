// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* S3's REST protocol, path style, over the library's own operations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../cleanup.h"
#include "gateway.h"

#define DOCUMENT_MAX	(2U << 20)	/* bytes of a request's XML */
#define PARTS_MAX	10000
#define DELETES_MAX	1000
#define META		"x-amz-meta-"
#define XML_TYPE	"Content-Type: application/xml\r\n"

struct s3 {
	struct nexus *nx;
	struct http_call *call;
	const char *bucket, *key;	/* decoded */
	const char *path, *query;	/* as sent */
	struct nexus_options o;
	struct nexus_field metadata[HEADERS_MAX], headers[HEADERS_MAX];
	char *version_id, *upload_id;	/* from malloc */
	unsigned long part;
	/* a body in aws-chunked encoding */
	bool framed, framed_end;
	uint64_t frame_left;
	uint64_t length;		/* of the plain bytes; UINT64_MAX: not announced */
};

/* ---- errors ---- */

static void xml_escape(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		default:
			if ((unsigned char)*text >= ' ' || *text == '\t')
				fputc(*text, out);
			else
				fprintf(out, "&#%d;", *text);
		}
	}
}

static void xml_element(FILE *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "<%s>", name);
	xml_escape(out, text);
	fprintf(out, "</%s>", name);
}

/* The document is complete: answer with it. */
static void xml_answer(struct http_call *call, unsigned int status, FILE *out, char **text, size_t *len)
{
	if (fclose(out) || !*text)
		http_answer(call, 500, "", "", 0);
	else if (!http_begin(call, status, XML_TYPE, *len))
		http_send(call, *text, *len);
	free(*text);
}

void s3_error(struct http_call *call, unsigned int status, const char *code, const char *message, const char *request_id)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out) {
		http_answer(call, 500, "", "", 0);
		return;
	}
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>", out);
	xml_element(out, "Code", code);
	xml_element(out, "Message", message);
	xml_element(out, "RequestId", request_id);
	fputs("</Error>", out);
	xml_answer(call, status, out, &text, &len);
}

void s3_failed(struct http_call *call, const struct nexus_op *op, int ret)
{
	static const struct {
		const char *code, *s3;
		unsigned int status;
	} codes[] = {
		{ "NexusPolicyDenied", "AccessDenied", 403 }, { "NexusBadRequest", "InvalidRequest", 400 },
		{ "NexusLimitExceeded", "SlowDown", 503 }, { "NexusTimeout", "RequestTimeout", 400 },
		{ "NexusCircuitOpen", "ServiceUnavailable", 503 },
	};
	const char *code = op ? nexus_op_error_code(op) : "";
	unsigned int status = op ? nexus_op_http_status(op) : 0;

	if (!status) {
		status = 500;
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
			if (!strcmp(code, codes[i].code)) {
				status = codes[i].status;
				code = codes[i].s3;
			}
	}
	if (status == 304)
		http_begin(call, 304, "", 0);
	else
		s3_error(call, status < 300 ? 500 : status, *code ? code : "InternalError",
			 op ? nexus_op_error_message(op) : strerrordesc_np(-ret), op ? nexus_op_request_id(op) : "");
}

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

/* The headers of these two only make sense with content of one's own. */
static void s3_no_content(struct s3 *s3)
{
	s3->o.nr_metadata = 0;
	s3->o.content_type = NULL;
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

/* ---- bodies ---- */

/* A line of the framing; without its end. */
static int frame_line(struct http_call *call, char *line, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size - 1) {
		got = http_read(call, line + n, 1);
		if (got <= 0)
			return got ? got : -EPROTO;
		if (line[n] == '\n') {
			line[n && line[n - 1] == '\r' ? n - 1 : n] = '\0';
			return 0;
		}
		n++;
	}
	return -EPROTO;
}

/* The head of the next piece; the last one is followed by trailers. */
static int frame_next(struct s3 *s3)
{
	char line[512], *end;
	int ret = frame_line(s3->call, line, sizeof(line));

	if (ret)
		return ret;
	s3->frame_left = strtoull(line, &end, 16);
	if (end == line || (*end && *end != ';'))
		return -EPROTO;
	if (s3->frame_left)
		return 0;
	s3->framed_end = true;
	do
		ret = frame_line(s3->call, line, sizeof(line));
	while (!ret && *line);
	return ret == -EPROTO && s3->call->complete ? 0 : ret;
}

/* Plain bytes. */
static ssize_t s3_read(struct s3 *s3, void *data, size_t n)
{
	char line[8];
	int ret;

	if (!s3->framed)
		return http_read(s3->call, data, n);
	if (!s3->frame_left && !s3->framed_end) {
		ret = frame_next(s3);
		if (ret)
			return ret;
	}
	if (s3->framed_end)
		return 0;
	ret = http_read(s3->call, data, n < s3->frame_left ? n : s3->frame_left);
	if (ret <= 0)
		return ret ? ret : -EPROTO;
	s3->frame_left -= ret;
	if (!s3->frame_left) {
		int end = frame_line(s3->call, line, sizeof(line));

		if (end || *line)
			return end ? end : -EPROTO;
	}
	return ret;
}

/* Straight into the arena; ends with nexus_finish(). */
static int s3_upload(struct s3 *s3, struct nexus_op *op)
{
	uint64_t left = s3->length;
	ssize_t n;

	while (left && nexus_op_status(op) == -EINPROGRESS) {
		size_t cap;
		void *data;
		int ret = nexus_write_window(op, &data, &cap);

		if (ret)
			break;		/* nexus_finish() tells why */
		n = s3_read(s3, data, cap < left ? cap : left);
		if (n <= 0)
			return n ? n : -EPROTO;
		left -= n;
		nexus_write_commit(op, n);
	}
	if (s3->framed && !left && !s3->framed_end && s3_read(s3, &(char){ 0 }, 1))
		return -EPROTO;
	return nexus_finish(op);
}

static bool s3_length(struct s3 *s3)
{
	const char *hash = http_field(s3->call, "x-amz-content-sha256");
	const char *plain = http_field(s3->call, "x-amz-decoded-content-length");
	const char *encoding = http_field(s3->call, "Content-Encoding");
	char *end;

	s3->framed = (hash && !strncmp(hash, "STREAMING-", 10)) || (encoding && strstr(encoding, "aws-chunked"));
	s3->length = s3->call->length;
	if (!s3->framed)
		return s3->length != UINT64_MAX;
	s3->length = plain ? strtoull(plain, &end, 10) : 0;
	return plain && *plain >= '0' && *plain <= '9' && !*end;
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
		ret = nexus_multipart_abort(s3->nx, s3->bucket, s3->key, s3->upload_id, NULL, &op);
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
	out = ret ? NULL : open_memstream(&xml, &len);
	if (!out) {
		s3_failed(s3->call, op, ret);
	} else {
		fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Copy%sResult>", s3->upload_id ? "Part" : "Object");
		xml_element(out, "LastModified", nexus_op_last_modified(op));
		xml_element(out, "ETag", nexus_op_etag(op));
		fprintf(out, "</Copy%sResult>", s3->upload_id ? "Part" : "Object");
		xml_answer(s3->call, 200, out, &xml, &len);
	}
	nexus_op_free(op);
}

/* ---- uploads in parts ---- */

static void s3_create(struct s3 *s3)
{
	struct nexus_op *op = NULL;
	char *xml = NULL;
	size_t len;
	FILE *out;
	int ret;

	s3->o.content_type = http_field(s3->call, "Content-Type");
	ret = nexus_multipart_create(s3->nx, s3->bucket, s3->key, &s3->o, &op);
	out = ret ? NULL : open_memstream(&xml, &len);
	if (!out) {
		s3_failed(s3->call, op, ret);
	} else {
		fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<InitiateMultipartUploadResult>", out);
		xml_element(out, "Bucket", s3->bucket);
		xml_element(out, "Key", s3->key);
		xml_element(out, "UploadId", nexus_op_upload_id(op));
		fputs("</InitiateMultipartUploadResult>", out);
		xml_answer(s3->call, 200, out, &xml, &len);
	}
	nexus_op_free(op);
}

/* Items of the request's document; -errno after an answer. */
static int s3_items(struct s3 *s3, const char *element, size_t max, struct xml_item **items, bool *quiet)
{
	autofree char *body = NULL;
	ssize_t n = http_read_all(s3->call, &body, DOCUMENT_MAX);
	int nr = n < 0 ? (int)n : xml_items(body, n, element, max, items, quiet);

	if (nr < 0)
		s3_error(s3->call, 400, "MalformedXML", "the document is not as S3 has it, or too long", "");
	return nr;
}

static void s3_complete(struct s3 *s3)
{
	autofree struct nexus_part *parts = NULL;
	struct xml_item *items;
	struct nexus_op *op = NULL;
	char *xml = NULL;
	size_t len;
	FILE *out;
	bool quiet;
	int nr = s3_items(s3, "Part", PARTS_MAX, &items, &quiet), ret = -ENOMEM;

	if (nr < 0)
		return;
	parts = calloc(nr, sizeof(*parts));
	for (int i = 0; parts && i < nr; i++)
		parts[i] = (struct nexus_part){ items[i].number, items[i].key };
	s3_no_content(s3);
	if (parts)
		ret = nexus_multipart_complete(s3->nx, s3->bucket, s3->key, s3->upload_id, parts, nr, &s3->o, &op);
	xml_items_free(items, nr);
	out = ret ? NULL : open_memstream(&xml, &len);
	if (!out) {
		s3_failed(s3->call, op, ret);
	} else {
		fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CompleteMultipartUploadResult>", out);
		xml_element(out, "Bucket", s3->bucket);
		xml_element(out, "Key", s3->key);
		xml_element(out, "ETag", nexus_op_etag(op));
		fputs("</CompleteMultipartUploadResult>", out);
		xml_answer(s3->call, 200, out, &xml, &len);
	}
	nexus_op_free(op);
}

/* ---- many at once ---- */

static void deletion_write(FILE *out, const struct nexus_deletion *d)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DeleteResult>", out);
	for (size_t i = 0; i < d->nr_deleted; i++) {
		fputs("<Deleted>", out);
		xml_element(out, "Key", d->deleted[i].key);
		xml_element(out, "VersionId", d->deleted[i].version_id);
		xml_element(out, "DeleteMarker", d->deleted[i].delete_marker ? "true" : "");
		xml_element(out, "DeleteMarkerVersionId", d->deleted[i].delete_marker_version_id);
		fputs("</Deleted>", out);
	}
	for (size_t i = 0; i < d->nr_errors; i++) {
		fputs("<Error>", out);
		xml_element(out, "Key", d->errors[i].key);
		xml_element(out, "VersionId", d->errors[i].version_id);
		xml_element(out, "Code", d->errors[i].code);
		xml_element(out, "Message", d->errors[i].message);
		fputs("</Error>", out);
	}
	fputs("</DeleteResult>", out);
}

static void s3_delete_many(struct s3 *s3)
{
	autofree struct nexus_object_id *ids = NULL;
	struct nexus_deletion *deletion = NULL;
	struct xml_item *items;
	struct nexus_op *op = NULL;
	char *xml = NULL;
	size_t len;
	FILE *out;
	bool quiet;
	int nr = s3_items(s3, "Object", DELETES_MAX, &items, &quiet), ret = -ENOMEM;

	if (nr < 0)
		return;
	ids = calloc(nr, sizeof(*ids));
	for (int i = 0; ids && i < nr; i++)
		ids[i] = (struct nexus_object_id){ items[i].key, items[i].version_id };
	if (ids)
		ret = nexus_delete_objects(s3->nx, s3->bucket, ids, nr, quiet, NULL, &deletion, &op);
	xml_items_free(items, nr);
	out = ret ? NULL : open_memstream(&xml, &len);
	if (!out) {
		s3_failed(s3->call, op, ret);
	} else {
		deletion_write(out, deletion);
		xml_answer(s3->call, 200, out, &xml, &len);
	}
	nexus_deletion_free(deletion);
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
		s3_list(s3->nx, s3->call, s3->bucket, s3->query);
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
