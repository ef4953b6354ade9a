/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Between the gateway's parts: from a request of HTTP to a call of the library, and back. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "runtime.h"

#define FIELDS_SIZE	16384	/* of an answer's header fields */
#define HEADERS_MAX	80	/* of a request that are passed on */

/* Text of an answer's header fields, or of a document. Too long for `data`: cut, and noted. */
struct fields {
	char *data;
	size_t len, size;
	bool cut;
};
void fields_add(struct fields *f, const char *name, const char *value);

/* gateway_s3.c: a request of S3's REST protocol, path style. */
void s3_handle(struct nexus *nx, struct http_call *call);

/* An error in S3's own form. */
void s3_error(struct http_call *call, unsigned int status, const char *code, const char *message, const char *request_id);

/* An operation failed: the store's answer, or the daemon's. */
void s3_failed(struct http_call *call, const struct nexus_op *op, int ret);

/* Of a query: the value of name, decoded, from malloc; NULL: absent. */
char *query_value(const char *query, const char *name);
bool query_has(const char *query, const char *name);

/* In place. False: no such encoding, or an encoded NUL. */
bool percent_decode(char *text, size_t len, bool plus);

/* The request's body into the stream of an upload, then nexus_finish(). 0 or -errno. */
int gateway_upload(struct http_call *call, struct nexus_op *op);

/* The rest of a stream to the client. 0; or why it broke off. */
int gateway_download(struct http_call *call, struct nexus_op *op);

/* The stream of a request to an AWS service whose body follows: header fields of the call's, but those that are of its
 * connection or its signature. path, query: percent-encoded; query: NULL is none. NULL: no memory. */
struct nexus_op *gateway_aws(struct nexus *nx, struct http_call *call, const char *service, const char *path, const char *query);

/* Send the body, then pass the answer on; failed() answers if there is none. id: the name of the answer's field for the
 * request's id, or NULL. Frees op; NULL: no memory. */
void gateway_exchange(struct http_call *call, struct nexus_op *op, const char *id,
		      void (*failed)(struct http_call *call, const struct nexus_op *op, int ret));

/* Header fields of the operation's answer. */
void gateway_fields(struct fields *f, const struct nexus_op *op);

/* gateway_xml.c: documents of S3's requests. Items of <Part> or <Object>; from malloc. */
struct xml_item {
	char *key;		/* Key, or ETag */
	char *version_id;	/* NULL: none */
	unsigned long number;	/* PartNumber */
};
/* How many; -EINVAL it is no such document, -E2BIG more than max, -ENOMEM. quiet: <Quiet>true. */
int xml_items(const char *text, size_t len, const char *element, size_t max, struct xml_item **items, bool *quiet);
void xml_items_free(struct xml_item *items, size_t nr);

#endif
