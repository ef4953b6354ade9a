/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the S3 operations share: the request (target, headers, signature) and
 * the answer. One S3 operation is one file beside this, and a row in op_types[].
 *
 * HTTP status to the operation's status:
 *
 *	2xx		0
 *	304		-EALREADY	a condition says that the caller has it already
 *	other 3xx	-EREMCHG	the bucket lives elsewhere: wrong endpoint or region
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

#define S3_PARAMS_MAX	8
#define S3_METADATA_MAX	64	/* fields */
#define S3_FIELDS_MAX	20	/* headers that the guest sets */
#define S3_HEADERS_MAX	(S3_METADATA_MAX + S3_FIELDS_MAX + 8)
#define S3_PARTS_MAX	10000	/* numbers of parts of an upload */
#define S3_META_PREFIX	"x-amz-meta-"

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
	const char *result;		/* root of the document that a 2xx answer must be; NULL: it is none */
};

/* Kinds of requests, for http.kind. */
enum s3_kind {
	S3_KIND_GET,
	S3_KIND_GET_RANGE,
	S3_KIND_OTHER,
};

/* Prepare op->state. 0, or -EINVAL after op_error() when the object's name breaks the rules. */
int s3_call_init(struct op *op, const char *method, const Nexus__V1__ObjectName *object);

/* The same for a request about a bucket. */
void s3_call_init_bucket(struct op *op, const char *method, char *bucket);

/* Another call of the same operation, on the same object, with the same query and headers; its exchange is new. */
void s3_call_copy(struct s3_call *copy, const struct s3_call *call);

/* Is that an object's name? 0, or -EINVAL after op_error(). */
int s3_check_key(struct op *op, const char *key);

/* Add to the query, unless value is empty. The strings stay the request's. */
void s3_call_param(struct s3_call *call, const char *name, const char *value);

/* Add "uploads=", say. */
void s3_call_flag(struct s3_call *call, const char *name);

/* Add upload_id and part_number (0: none). 0, or -EINVAL after op_error(). */
int s3_call_upload(struct s3_call *call, const char *upload_id, uint32_t part_number);

/* Add a header; its name is lower case. 0, or -EINVAL after op_error() when the value could not be sent as one header line. */
int s3_call_header(struct s3_call *call, const char *name, const char *value);

/* s3_header.c: the operations, as bits of a set. */
enum s3_operation {
	S3_GET = 1 << 0,
	S3_HEAD = 1 << 1,
	S3_PUT = 1 << 2,
	S3_DELETE = 1 << 3,
	S3_COPY = 1 << 4,
	S3_PART_COPY = 1 << 5,
	S3_CREATE_MULTIPART = 1 << 6,
	S3_UPLOAD_PART = 1 << 7,
	S3_COMPLETE_MULTIPART = 1 << 8,
	S3_ABORT_MULTIPART = 1 << 9,
	S3_DELETE_OBJECTS = 1 << 10,
	S3_LIST = 1 << 11,
};

/*
 * Add the guest's headers. 0, or -EINVAL after op_error(): one that S3 does not
 * take for the operation, that the daemon owns, or that comes twice.
 */
int s3_call_fields(struct s3_call *call, unsigned int operation, Nexus__V1__Field *const *fields, size_t count);

/* Does a header that a PUT took belong to this operation? Of those that make up a multipart upload. */
bool s3_header_suits(const char *name, unsigned int operation);

/* Add content-type and metadata. Likewise. */
int s3_call_content(struct s3_call *call, const char *type, Nexus__V1__Field *const *metadata, size_t count);

/* Add a range, unless it is empty, under the header's name. Likewise. */
int s3_call_range(struct s3_call *call, const char *name, const char *range);

struct s3_conditions {
	const char *if_match, *if_none_match, *if_modified_since, *if_unmodified_since;	/* empty: none */
};
int s3_call_conditions(struct s3_call *call, const struct s3_conditions *conditions);

/* s3_put.c: what to sign as the hash of an upload. */
void s3_call_hash(struct s3_call *call);
/* s3_put.c: check a put's request and prepare op->state, without I/O. 0, or -errno after op_error(). */
int s3_put_prepare(struct op *op);

/* op_type.start's end, op_type.window and op_type.abort. */
int s3_call_start(struct s3_call *call);
void s3_call_window(struct op *op);
void s3_call_abort(struct op *op);

/*
 * For what is signed and not sent: the signer, and what a signature at that time begins with. *host lives as long as
 * the operation. 0, or -errno after op_error().
 */
struct sigv4_signer *s3_signer(struct s3_call *call);
int s3_sign_begin(struct s3_call *call, time_t now, struct sigv4_request *sign, char date[SIGV4_DATE_SIZE],
		  const char **host);
/* "https://HOST/PATH": sign's path is in it. */
void s3_write_url(const struct s3_call *call, const char *host, struct text *out, struct sigv4_request *sign);

/* The table above; 0 for a success. */
int s3_status(unsigned int http_status);

/* Describe a failed response, from its body where that is S3's XML. Returns the status. */
int s3_error(struct s3_call *call, const char *body, size_t len);

/*
 * Read the document of a 2xx answer, which must be call->result: its entity
 * tag, time and upload's name go into the response. It may be an error even so
 * (the status line was sent before the work was done). The operation's status,
 * after op_error() if negative.
 */
int s3_result(struct s3_call *call, const char *body, size_t len);

/* Likewise, of such an error whose texts the caller has read. Returns the status. */
int s3_error_late(struct s3_call *call, const char *code, const char *message, const char *request_id);

/* http_type's: for operations with a body() of their own. */
int s3_request(struct http *http, struct text *out);
void s3_response(struct http *http, const struct http_head *head);

extern const struct op_type s3_get_type, s3_put_type, s3_head_type, s3_delete_type, s3_delete_objects_type,
	s3_copy_type, s3_list_type, s3_create_multipart_type, s3_upload_part_type, s3_complete_multipart_type,
	s3_abort_multipart_type, presign_url_type, presign_post_type;

#endif
