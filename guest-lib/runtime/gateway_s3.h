/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Between the parts of the gateway's S3: one request. */
#ifndef GATEWAY_S3_H
#define GATEWAY_S3_H

#include <stdio.h>
#include "gateway.h"

#define META		"x-amz-meta-"

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

/* The headers of some only make sense with content of one's own. */
void s3_no_content(struct s3 *s3);

/* Sums of a document that the daemon writes anew are of no use. */
void s3_no_sums(struct s3 *s3);

/* gateway_list.c: ?list-type=2, or version 1. */
void s3_list(struct s3 *s3);

/* gateway_body.c: how the body comes; false: its length is not announced. */
bool s3_length(struct s3 *s3);

/* The plain bytes of the body straight into the arena; ends with nexus_finish(). 0 or -errno. */
int s3_upload(struct s3 *s3, struct nexus_op *op);

/* gateway_document.c: an element of text, unless that is NULL or empty. */
void xml_element(FILE *out, const char *name, const char *text);

/* Begins the document of an operation that came back with ret, in memory; NULL after an answer: it failed. */
FILE *xml_begin(struct http_call *call, const struct nexus_op *op, int ret, char **text, size_t *len);

/* The document is complete: answer with it. out: of xml_begin(), with its text and len; both are freed. */
void xml_answer(struct http_call *call, unsigned int status, FILE *out, char **text, size_t *len);

/* gateway_many.c: requests that name many parts or objects in a document, and what begins an upload. */
void s3_create(struct s3 *s3);
void s3_complete(struct s3 *s3);
void s3_delete_many(struct s3 *s3);

#endif
