/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the S3 operations share: the request (target, headers, signature) and
 * the answer. One S3 operation is one file beside this, and a row in op_types[].
 *
 * HTTP status to the operation's status:
 *
 *	2xx		0
 *	3xx		-EREMCHG	the bucket lives elsewhere: wrong endpoint or region
 *	401, 403	-EACCES
 *	404, 410	-ENOENT
 *	405, 501	-ENOTSUP
 *	408		-ETIMEDOUT
 *	409		-EBUSY
 *	412		-ESTALE		if_match names another version
 *	413		-EFBIG
 *	416		-ERANGE
 *	429, 503	-EAGAIN		slow down, and try again
 *	507		-ENOSPC
 *	other 4xx	-EINVAL
 *	other 5xx	-EIO
 */
#ifndef NEXUS_S3_H
#define NEXUS_S3_H

#include "http.h"
#include "sigv4.h"
#include "uri.h"

#define S3_PARAMS_MAX	2
#define S3_METADATA_MAX	64	/* fields */
#define S3_HEADERS_MAX	(S3_METADATA_MAX + 8)

/* The state of every S3 operation. */
struct s3_call {
	struct http http;
	const char *method;
	const Nexus__V1__ObjectName *object;
	struct uri_param params[S3_PARAMS_MAX];
	unsigned int param_count;
	struct sigv4_header *headers;	/* S3_HEADERS_MAX of them */
	unsigned int header_count;
	char payload_hash[SIGV4_HASH_HEX];
};

/* Kinds of requests, for http.kind. */
enum s3_kind {
	S3_KIND_GET,
	S3_KIND_GET_RANGE,
	S3_KIND_OTHER,
};

/* Prepare op->state. 0, or -EINVAL after op_error() when the object's name breaks the rules. */
int s3_call_init(struct op *op, const char *method, const Nexus__V1__ObjectName *object);

/* Add to the query, unless value is empty. The strings stay the request's. */
void s3_call_param(struct s3_call *call, const char *name, const char *value);

/* Add a header; its name is lower case. 0, or -EINVAL after op_error() when the value could not be sent as one header line. */
int s3_call_header(struct s3_call *call, const char *name, const char *value);

/* op_type.start's end, op_type.window and op_type.abort. */
int s3_call_start(struct s3_call *call);
void s3_call_window(struct op *op);
void s3_call_abort(struct op *op);

/* The table above; 0 for a success. */
int s3_status(unsigned int http_status);

/* Describe a failed response, from its body where that is S3's XML. Returns the status. */
int s3_error(struct s3_call *call, const char *body, size_t len);

extern const struct op_type s3_get_type, s3_put_type, s3_head_type, s3_delete_type;

#endif
