// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* ListObjects, both versions: a page of the library's as S3's document. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../cleanup.h"
#include "gateway_s3.h"

struct list {
	FILE *out;
	bool url;		/* encoding-type=url */
	bool v2;
};

/* As XML, or percent-encoded as encoding-type=url has it. */
static void list_text(const struct list *l, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z') || strchr("-_.~/*", *p);

		if (l->url && !plain)
			fprintf(l->out, "%%%02X", *p);
		else if (*p == '&' || *p == '<' || *p == '>' || *p < ' ')
			fprintf(l->out, "&#%d;", *p);
		else
			fputc(*p, l->out);
	}
}

static void list_element(const struct list *l, const char *name, const char *text)
{
	if (!text)
		return;
	fprintf(l->out, "<%s>", name);
	list_text(l, text);
	fprintf(l->out, "</%s>", name);
}

/* Never encoded. */
static void list_plain(const struct list *l, const char *name, const char *text)
{
	const struct list plain = { .out = l->out };

	if (text && *text)
		list_element(&plain, name, text);
}

static void list_object(const struct list *l, const struct nexus_object *o)
{
	fputs("<Contents>", l->out);
	list_element(l, "Key", o->key);
	list_plain(l, "LastModified", o->last_modified);
	list_plain(l, "ETag", o->etag);
	fprintf(l->out, "<Size>%llu</Size>", (unsigned long long)o->size);
	list_plain(l, "StorageClass", o->storage_class);
	if (o->owner_id && *o->owner_id) {
		fputs("<Owner>", l->out);
		list_plain(l, "ID", o->owner_id);
		list_plain(l, "DisplayName", o->owner_name);
		fputs("</Owner>", l->out);
	}
	fputs("</Contents>", l->out);
}

static void list_write(const struct list *l, const char *bucket, const struct nexus_list_options *o,
		       const struct nexus_page *page)
{
	fputs("<ListBucketResult>", l->out);
	list_plain(l, "Name", bucket);
	list_element(l, "Prefix", o->prefix ? o->prefix : "");
	if (o->delimiter)
		list_element(l, "Delimiter", o->delimiter);
	if (l->v2) {
		list_element(l, "StartAfter", o->start_after);
		list_plain(l, "ContinuationToken", o->continuation_token);
		fprintf(l->out, "<KeyCount>%zu</KeyCount>", page->nr_objects + page->nr_prefixes);
		if (page->is_truncated)
			list_plain(l, "NextContinuationToken", page->next_token);
	} else {
		list_element(l, "Marker", o->start_after ? o->start_after : "");
		if (page->is_truncated)
			list_element(l, "NextMarker", page->next_marker);
	}
	if (l->url)
		list_plain(l, "EncodingType", "url");
	fprintf(l->out, "<MaxKeys>%u</MaxKeys><IsTruncated>%s</IsTruncated>", page->max_keys ? page->max_keys : 1000,
		page->is_truncated ? "true" : "false");
	for (size_t i = 0; i < page->nr_objects; i++)
		list_object(l, &page->objects[i]);
	for (size_t i = 0; i < page->nr_prefixes; i++) {
		fputs("<CommonPrefixes>", l->out);
		list_element(l, "Prefix", page->prefixes[i]);
		fputs("</CommonPrefixes>", l->out);
	}
	fputs("</ListBucketResult>", l->out);
}

void s3_list(struct s3 *s3)
{
	const char *query = s3->query;
	autofree char *type = query_value(query, "list-type"), *prefix = query_value(query, "prefix");
	autofree char *delimiter = query_value(query, "delimiter"), *max = query_value(query, "max-keys");
	autofree char *token = query_value(query, "continuation-token"), *encoding = query_value(query, "encoding-type");
	autofree char *owner = query_value(query, "fetch-owner"), *after = NULL;
	struct nexus_list_options o = NEXUS_LIST_OPTIONS_INIT;
	struct list l = { .url = encoding && !strcmp(encoding, "url"), .v2 = type && !strcmp(type, "2") };
	struct nexus_page *page = NULL;
	struct nexus_op *op = NULL;
	char *xml = NULL;
	size_t len;
	int ret;

	after = query_value(query, l.v2 ? "start-after" : "marker");
	o.v1 = !l.v2;
	o.prefix = prefix;
	o.delimiter = delimiter && *delimiter ? delimiter : NULL;
	o.max_keys = max ? strtoul(max, NULL, 10) : 0;
	o.start_after = after;
	o.continuation_token = token;
	o.fetch_owner = owner && !strcmp(owner, "true");
	o.headers = s3->headers;
	o.nr_headers = s3->o.nr_headers;
	ret = nexus_list(s3->nx, s3->bucket, &o, &page, &op);
	l.out = xml_begin(s3->call, op, ret, &xml, &len);
	if (l.out) {
		list_write(&l, s3->bucket, &o, page);
		xml_answer(s3->call, 200, l.out, &xml, &len);
	}
	nexus_page_free(page);
	nexus_op_free(op);
}
