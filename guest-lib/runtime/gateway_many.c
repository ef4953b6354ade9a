// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Uploads in parts, and DeleteObjects: what S3 asks for, or answers, in a document. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../cleanup.h"
#include "gateway_s3.h"

#define DOCUMENT_MAX	(2U << 20)	/* bytes of a request's XML */
#define PARTS_MAX	10000
#define DELETES_MAX	1000

void s3_create(struct s3 *s3)
{
	struct nexus_op *op = NULL;
	char *xml = NULL;
	size_t len;
	FILE *out;
	int ret;

	s3->o.content_type = http_field(s3->call, "Content-Type");
	ret = nexus_multipart_create(s3->nx, s3->bucket, s3->key, &s3->o, &op);
	out = xml_begin(s3->call, op, ret, &xml, &len);
	if (out) {
		fputs("<InitiateMultipartUploadResult>", out);
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

void s3_complete(struct s3 *s3)
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
	out = xml_begin(s3->call, op, ret, &xml, &len);
	if (out) {
		fputs("<CompleteMultipartUploadResult>", out);
		xml_element(out, "Bucket", s3->bucket);
		xml_element(out, "Key", s3->key);
		xml_element(out, "ETag", nexus_op_etag(op));
		fputs("</CompleteMultipartUploadResult>", out);
		xml_answer(s3->call, 200, out, &xml, &len);
	}
	nexus_op_free(op);
}

static void deletion_write(FILE *out, const struct nexus_deletion *d)
{
	fputs("<DeleteResult>", out);
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

void s3_delete_many(struct s3 *s3)
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
	s3_no_content(s3);
	s3_no_sums(s3);
	if (ids)
		ret = nexus_delete_objects(s3->nx, s3->bucket, ids, nr, quiet, &s3->o, &deletion, &op);
	xml_items_free(items, nr);
	out = xml_begin(s3->call, op, ret, &xml, &len);
	if (out) {
		deletion_write(out, deletion);
		xml_answer(s3->call, 200, out, &xml, &len);
	}
	nexus_deletion_free(deletion);
	nexus_op_free(op);
}
