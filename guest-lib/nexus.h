/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libnexus-guest: storage and services through the host, without a network.
 * The manual is libnexus-guest(7) and a page per function.
 *
 * Every function is thread-safe; one operation is to be used by one thread at
 * a time, except nexus_op_cancel(). Errors are negative errno values, and
 * the operation tells the rest (nexus_op_error_code(), nexus_op_error_message()).
 */
#ifndef NEXUS_H
#define NEXUS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct nexus;		/* a channel to the host; one a process is enough */
struct nexus_op;	/* an operation, from its start to nexus_op_free() */

/* Structs with a member `size` grow at their end; set it by the INIT macro. */
struct nexus_open_options {
	size_t size;
	uint32_t slots;			/* requests in flight, a power of two from 4 to 256; 0: 64 */
	uint32_t attach_timeout_ms;	/* wait for the host's daemon; 0: 10 s */
	uint64_t arena_max;		/* bytes; 0: $NEXUS_ARENA_MAX, or 64 MiB */
};
#define NEXUS_OPEN_OPTIONS_INIT { .size = sizeof(struct nexus_open_options) }

struct nexus_field {
	const char *name;
	const char *value;
};

/* When a put is acknowledged: nexus_put(3). */
enum nexus_write_mode {
	NEXUS_WRITE_DEFAULT,		/* the tenant's */
	NEXUS_WRITE_THROUGH,		/* the store has it */
	NEXUS_WRITE_DEFERRED,		/* the host has it; nexus_flush() tells when the store has, and whether */
	NEXUS_WRITE_JOURNALED,		/* it is on the host's disk */
	NEXUS_WRITE_CONFIGURED,		/* as the host is configured; the store has it, where that says nothing */
};

/* An operation refuses what it does not take with -EINVAL. */
struct nexus_options {
	size_t size;
	uint32_t timeout_ms;		/* whole operation; 0: the tenant's default */
	uint32_t window;		/* bytes of a stream's windows; 0: 256 KiB */
	const char *range;		/* get, head: "bytes=first-last" */
	const char *if_match;		/* get, head: entity tag with its quotes */
	const char *version_id;		/* get, head, delete */
	const char *content_type;	/* put, copy, multipart_create */
	const struct nexus_field *metadata;	/* likewise; names without x-amz-meta- */
	size_t nr_metadata;
	enum nexus_write_mode write_mode;	/* put; NEXUS_WRITE_DEFAULT: deferred between nexus_next() and nexus_respond() */
	const char *if_none_match;	/* get, head: entity tag; -EALREADY if it is this one */
	const char *if_modified_since;	/* get, head: RFC 9110 date; -EALREADY */
	const char *if_unmodified_since;	/* get, head */
	const struct nexus_field *headers;	/* those that the service takes and that have no member here */
	size_t nr_headers;
	int single;			/* put, boolean: one request, however large; its entity tag is the content's MD5 */
};
#define NEXUS_OPTIONS_INIT { .size = sizeof(struct nexus_options) }

struct nexus_info {
	size_t size;
	const char *transport;		/* "kvm" or "unix" */
	uint32_t host_version;		/* ABI of the daemon: major << 16 | minor */
	uint32_t slots;
	uint64_t arena_size;		/* bytes shared with the host now */
	uint64_t arena_max;
	uint64_t arena_used;		/* bytes allocated, control pages included */
	uint64_t requests;		/* slots submitted */
	uint64_t kicks;			/* times the host had to be woken */
	uint64_t waits;			/* times this process slept for the host */
	uint64_t resizes;		/* times the arena grew or shrank */
	uint64_t copied;		/* bytes of payload copied because a buffer was not in the arena */
	uint64_t prefetches;		/* objects fetched ahead of a get */
	uint64_t prefetch_hits;		/* those that a get took */
	uint64_t prefetch_useless;	/* those that none took, or that failed */
};
#define NEXUS_INFO_INIT { .size = sizeof(struct nexus_info) }

/* nexus_open(3) */
int nexus_open(struct nexus **nx, const char *target);
int nexus_open_with(struct nexus **nx, const char *target, const struct nexus_open_options *options);
const char *nexus_open_error(void);
void nexus_close(struct nexus *nx);

/* nexus_info(3) */
int nexus_info(struct nexus *nx, struct nexus_info *info);
int nexus_probe(uint32_t *version);

/* nexus_alloc(3) */
void *nexus_alloc(struct nexus *nx, size_t size);
void nexus_free(struct nexus *nx, void *ptr);
int nexus_trim(struct nexus *nx);

/* nexus_get(3) */
ssize_t nexus_get(struct nexus *nx, const char *bucket, const char *key, void *buf, size_t cap,
		  const struct nexus_options *options, struct nexus_op **op);
struct nexus_op *nexus_get_start(struct nexus *nx, const char *bucket, const char *key, void *buf, size_t cap,
				 const struct nexus_options *options);

/* nexus_prefetch(3) */
struct nexus_prefetch_options {
	size_t size;
	uint32_t window;		/* bytes fetched ahead at most; 0: 256 KiB */
	uint32_t max_age_ms;		/* 0: until the end of the invocation, or 1 s outside of one */
	const char *range;		/* as in the get to come */
	const char *if_match;		/* entity tag with its quotes: fetch only this one */
	const char *version_id;
};
#define NEXUS_PREFETCH_OPTIONS_INIT { .size = sizeof(struct nexus_prefetch_options) }
int nexus_prefetch(struct nexus *nx, const char *bucket, const char *key,
		   const struct nexus_prefetch_options *options);

/* nexus_next(3) */
#define NEXUS_LEND_MAX	8

struct nexus_next_options {
	size_t size;
	uint32_t timeout_ms;		/* 0: as long as it takes */
	uint32_t window;		/* bytes lent for the event; 0: 64 KiB; larger events are copied */
	uint32_t prefetches;		/* windows lent for objects that the event makes the host expect, at most NEXUS_LEND_MAX */
	uint32_t prefetch_window;	/* bytes of each; 0: 256 KiB */
};
#define NEXUS_NEXT_OPTIONS_INIT { .size = sizeof(struct nexus_next_options) }

/* Strings are never NULL. All of it lives until nexus_event_free(). */
struct nexus_event {
	const char *request_id;
	const char *function_name, *function_arn;
	const char *trace_id;
	const char *client_context;	/* JSON; "": none */
	const char *content_type;	/* "": not said */
	const void *payload;
	size_t payload_len;
	uint64_t deadline_ms;		/* Unix time, by the host's clock */
	uint32_t remaining_ms;		/* until then, when it came */
	uint64_t max_response;		/* bytes */
	uint64_t restore_generation;	/* not the last one's: this is a clone of a snapshot, reseed */
	unsigned char entropy[32];	/* nobody else has these */
	const struct nexus_grpc_incoming *grpc;	/* NULL: it is no gRPC call: nexus_grpc_accept(3) */
};

int nexus_next(struct nexus *nx, const struct nexus_next_options *options, struct nexus_event **event);
void nexus_event_free(struct nexus_event *event);

/* nexus_respond(3) */
#define NEXUS_RESPOND_ERROR	1U	/* the payload is {"errorType", "errorMessage", "stackTrace"} */
#define NEXUS_RESPOND_INIT	2U	/* such an error, before the first event */
#define NEXUS_RESPOND_NEXT	4U	/* nexus_next() follows at once: one exit for both */
#define NEXUS_LENGTH_UNKNOWN	UINT64_MAX

struct nexus_respond_options {
	size_t size;
	uint32_t timeout_ms;		/* 0: the tenant's default */
	uint32_t window;		/* bytes of each window; 0: 256 KiB */
	uint32_t flags;			/* NEXUS_RESPOND_* */
	uint32_t http_status;		/* for callers over plain HTTP; 0: 200 */
	const char *content_type;	/* NULL: application/json */
	const struct nexus_field *headers;	/* for callers over plain HTTP */
	size_t nr_headers;
};
#define NEXUS_RESPOND_OPTIONS_INIT { .size = sizeof(struct nexus_respond_options) }

int nexus_respond(struct nexus *nx, const char *request_id, const void *buf, size_t len,
		  const struct nexus_respond_options *options);
struct nexus_op *nexus_respond_stream(struct nexus *nx, const char *request_id, uint64_t total,
				      const struct nexus_respond_options *options);
int nexus_respond_error(struct nexus *nx, const char *request_id, const char *type, const char *message);
int nexus_log(struct nexus *nx, const char *request_id, const char *text, size_t len);

/* nexus_put(3) */
int nexus_put(struct nexus *nx, const char *bucket, const char *key, const void *buf, size_t len,
	      const struct nexus_options *options, struct nexus_op **op);
struct nexus_op *nexus_put_start(struct nexus *nx, const char *bucket, const char *key, const void *buf,
				 size_t len, const struct nexus_options *options);
struct nexus_op *nexus_put_stream(struct nexus *nx, const char *bucket, const char *key, uint64_t total,
				  const struct nexus_options *options);

/* nexus_flush(3) */
int nexus_flush(struct nexus *nx, const struct nexus_options *options, struct nexus_op **op);
struct nexus_op *nexus_flush_start(struct nexus *nx, const struct nexus_options *options);

/* nexus_head(3) */
int nexus_head(struct nexus *nx, const char *bucket, const char *key, const struct nexus_options *options,
	       struct nexus_op **op);
struct nexus_op *nexus_head_start(struct nexus *nx, const char *bucket, const char *key,
				  const struct nexus_options *options);
int nexus_delete(struct nexus *nx, const char *bucket, const char *key, const struct nexus_options *options,
		 struct nexus_op **op);
struct nexus_op *nexus_delete_start(struct nexus *nx, const char *bucket, const char *key,
				    const struct nexus_options *options);

/* nexus_delete_objects(3) */
struct nexus_object_id {
	const char *key;
	const char *version_id;		/* NULL: the present one */
};
struct nexus_deleted {
	const char *key, *version_id;
	int delete_marker;		/* boolean */
	const char *delete_marker_version_id;
};
struct nexus_delete_error {
	const char *key, *version_id, *code, *message;
};
struct nexus_deletion {
	size_t nr_deleted, nr_errors;
	const struct nexus_deleted *deleted;
	const struct nexus_delete_error *errors;
};
int nexus_delete_objects(struct nexus *nx, const char *bucket, const struct nexus_object_id *objects, size_t nr,
			 int quiet, const struct nexus_options *options, struct nexus_deletion **deletion,
			 struct nexus_op **op);
void nexus_deletion_free(struct nexus_deletion *deletion);

/* nexus_presign(3) */
struct nexus_presign {
	size_t size;
	uint32_t expires_s;		/* 0: 3600; the host has a limit */
	const struct nexus_field *params;	/* of the query: versionId, response-content-type ... */
	size_t nr_params;
	const char *conditions;		/* of a form: a JSON array; NULL: none but bucket and key */
};
#define NEXUS_PRESIGN_INIT { .size = sizeof(struct nexus_presign) }
int nexus_presign(struct nexus *nx, const char *method, const char *bucket, const char *key,
		  const struct nexus_presign *presign, const struct nexus_options *options, struct nexus_op **op);
int nexus_presign_post(struct nexus *nx, const char *bucket, const char *key, const struct nexus_presign *presign,
		       const struct nexus_options *options, struct nexus_op **op);

/* nexus_list(3) */
struct nexus_list_options {
	size_t size;
	uint32_t timeout_ms;
	uint32_t max_keys;		/* of a page; 0: the store's default, 1000 */
	const char *prefix;
	const char *delimiter;
	const char *start_after;	/* a key; version 1: the marker */
	const char *continuation_token;	/* next_token of the page before */
	int fetch_owner;		/* boolean */
	int v1;				/* boolean: ListObjects, else ListObjectsV2 */
	const struct nexus_field *headers;	/* those that the service takes and that have no member here */
	size_t nr_headers;
};
#define NEXUS_LIST_OPTIONS_INIT { .size = sizeof(struct nexus_list_options) }
struct nexus_object {
	const char *key;
	uint64_t size;			/* bytes */
	const char *etag, *last_modified, *storage_class, *owner_id, *owner_name;
};
struct nexus_page {
	size_t nr_objects, nr_prefixes;
	const struct nexus_object *objects;
	char *const *prefixes;
	int is_truncated;		/* boolean: another page follows */
	const char *next_token;		/* version 2 */
	const char *next_marker;	/* version 1; the last key where the store tells none */
	uint32_t max_keys, key_count;
};
int nexus_list(struct nexus *nx, const char *bucket, const struct nexus_list_options *options,
	       struct nexus_page **page, struct nexus_op **op);
void nexus_page_free(struct nexus_page *page);
/* All pages; each() ends it with another value than 0, which is returned. */
int nexus_list_all(struct nexus *nx, const char *bucket, const struct nexus_list_options *options,
		   int (*each)(void *arg, const struct nexus_page *page), void *arg, struct nexus_op **op);

/* nexus_copy(3) */
struct nexus_copy {
	size_t size;
	const char *bucket, *key;	/* the source */
	const char *version_id;
	int replace;			/* boolean: content type and metadata of the options, not the source's */
	const char *upload_id;		/* the copy becomes a part of this upload */
	uint32_t part_number;
	const char *range;		/* of a part: "bytes=first-last" */
};
#define NEXUS_COPY_INIT { .size = sizeof(struct nexus_copy) }
int nexus_copy(struct nexus *nx, const struct nexus_copy *source, const char *bucket, const char *key,
	       const struct nexus_options *options, struct nexus_op **op);
struct nexus_op *nexus_copy_start(struct nexus *nx, const struct nexus_copy *source, const char *bucket,
				  const char *key, const struct nexus_options *options);

/* nexus_multipart_create(3) */
struct nexus_part {
	uint32_t number;		/* 1 to 10000 */
	const char *etag;
};
int nexus_multipart_create(struct nexus *nx, const char *bucket, const char *key, const struct nexus_options *options,
			   struct nexus_op **op);
int nexus_multipart_part(struct nexus *nx, const char *bucket, const char *key, const char *upload_id,
			 uint32_t number, const void *buf, size_t len, const struct nexus_options *options,
			 struct nexus_op **op);
struct nexus_op *nexus_multipart_part_start(struct nexus *nx, const char *bucket, const char *key,
					    const char *upload_id, uint32_t number, const void *buf, size_t len,
					    const struct nexus_options *options);
struct nexus_op *nexus_multipart_part_stream(struct nexus *nx, const char *bucket, const char *key,
					     const char *upload_id, uint32_t number, uint64_t total,
					     const struct nexus_options *options);
int nexus_multipart_complete(struct nexus *nx, const char *bucket, const char *key, const char *upload_id,
			     const struct nexus_part *parts, size_t nr, const struct nexus_options *options,
			     struct nexus_op **op);
int nexus_multipart_abort(struct nexus *nx, const char *bucket, const char *key, const char *upload_id,
			  const struct nexus_options *options, struct nexus_op **op);

/* nexus_http(3); after the body is written and nexus_finish() came back, the answer is read */
struct nexus_http {
	size_t size;
	const char *method;		/* NULL: GET */
	const char *url;		/* http or https, absolute */
	uint64_t content_length;	/* of the body; nexus_http() knows it */
	int chunked;			/* boolean: the body's length is not known */
	uint32_t max_redirects;		/* that the host follows */
};
#define NEXUS_HTTP_INIT { .size = sizeof(struct nexus_http) }
ssize_t nexus_http(struct nexus *nx, const struct nexus_http *request, const void *body, size_t len,
		   void *buf, size_t cap, const struct nexus_options *options, struct nexus_op **op);
struct nexus_op *nexus_http_stream(struct nexus *nx, const struct nexus_http *request,
				   const struct nexus_options *options);

/* nexus_aws(3) */
struct nexus_aws {
	size_t size;
	const char *service;		/* dynamodb, sqs, lambda ... */
	const char *method;		/* NULL: POST */
	const char *path;		/* percent-encoded; NULL: / */
	const char *query;		/* percent-encoded, without ?; NULL: none */
	uint64_t content_length;	/* of the body; nexus_aws() knows it */
};
#define NEXUS_AWS_INIT { .size = sizeof(struct nexus_aws) }
ssize_t nexus_aws(struct nexus *nx, const struct nexus_aws *request, const void *body, size_t len,
		  void *buf, size_t cap, const struct nexus_options *options, struct nexus_op **op);
struct nexus_op *nexus_aws_stream(struct nexus *nx, const struct nexus_aws *request,
				  const struct nexus_options *options);

/* nexus_grpc_call(3) */
struct nexus_grpc_field {
	const char *name;		/* lower case */
	const void *value;		/* printable ASCII; any bytes if the name ends in -bin */
	size_t len;
};
struct nexus_grpc {
	size_t size;
	const char *target;		/* HOST:PORT, dns:///HOST:PORT, ipv4:ADDRESS:PORT, ipv6:[ADDRESS]:PORT */
	const char *method;		/* /PACKAGE.SERVICE/METHOD */
	int tls;			/* boolean */
	uint32_t timeout_ms;		/* the call's deadline; 0: none */
	const struct nexus_grpc_field *metadata;
	size_t nr_metadata;
	uint32_t max_message;		/* bytes of one that is received; 0: 4 MiB */
	const char *encoding;		/* gzip or deflate: of messages that are sent compressed; NULL: none is */
	int compressed;			/* boolean: nexus_grpc_call()'s message is */
	int takes_compressed;		/* boolean: so may be what comes; it is given as it came */
	const char *authority;		/* HOST[:PORT] for the server to see; NULL: the target's */
	const char *user_agent;		/* in front of the host's own; NULL: nothing */
	int (*interrupted)(void *arg);	/* asked now and then while a call waits; not 0: that ends with -EINTR */
	void *interrupted_arg;
};
#define NEXUS_GRPC_INIT { .size = sizeof(struct nexus_grpc) }

enum nexus_grpc_kind {
	NEXUS_GRPC_INITIAL,		/* initial metadata */
	NEXUS_GRPC_MESSAGE,
	NEXUS_GRPC_END,			/* status, details and trailing are the call's */
	NEXUS_GRPC_HALF_CLOSE,		/* a server's: the caller sends no more */
};
/* What came. Strings and data are never NULL, and live until nexus_grpc_reply_free(). */
struct nexus_grpc_reply {
	enum nexus_grpc_kind kind;
	int status;			/* gRPC's: 0 OK, 1 CANCELLED ... 16 UNAUTHENTICATED */
	const char *details;
	const struct nexus_grpc_field *initial, *trailing;
	size_t nr_initial, nr_trailing;
	const void *message;
	size_t message_len;
	int has_message;		/* boolean: nexus_grpc_call()'s, beside its end */
	const char *encoding;		/* gzip or deflate: the message is compressed; "": it is not */
};
int nexus_grpc_call(struct nexus *nx, const struct nexus_grpc *call, const void *message, size_t len,
		    struct nexus_grpc_reply **reply);
void nexus_grpc_reply_free(struct nexus_grpc_reply *reply);

/* nexus_grpc_start(3); one thread may send while another one receives */
struct nexus_grpc_stream;
#define NEXUS_GRPC_SEND_END		1U	/* nothing follows */
#define NEXUS_GRPC_SEND_COMPRESSED	2U	/* the message is, by the call's encoding */
int nexus_grpc_start(struct nexus *nx, const struct nexus_grpc *call, struct nexus_grpc_stream **stream);
int nexus_grpc_send(struct nexus_grpc_stream *stream, const void *message, size_t len, uint32_t flags);
int nexus_grpc_receive(struct nexus_grpc_stream *stream, struct nexus_grpc_reply **reply);
int nexus_grpc_cancel(struct nexus_grpc_stream *stream);
void nexus_grpc_close(struct nexus_grpc_stream *stream);

/* nexus_grpc_accept(3); then as above, and */
struct nexus_grpc_incoming {
	const char *method, *authority, *peer;
	uint32_t timeout_ms;		/* until the caller's deadline; 0: he has none */
	const struct nexus_grpc_field *metadata;
	size_t nr_metadata;
	uint32_t handle;
	const char *encoding;		/* of those of the caller's messages that are compressed; "": none is */
	const char *accept_encoding;	/* what he takes: names with commas between them */
};
int nexus_grpc_accept(struct nexus *nx, const struct nexus_event *event, struct nexus_grpc_stream **stream);
/* Before anything else: encoding, takes_compressed, max_message, interrupted and interrupted_arg; the others are for calls. */
int nexus_grpc_set_options(struct nexus_grpc_stream *stream, const struct nexus_grpc *options);
int nexus_grpc_headers(struct nexus_grpc_stream *stream, const struct nexus_grpc_field *metadata, size_t nr);
int nexus_grpc_finish(struct nexus_grpc_stream *stream, int status, const char *details,
		      const struct nexus_grpc_field *trailing, size_t nr);

/* nexus_null(3) */
int nexus_null(struct nexus *nx, const struct nexus_options *options, struct nexus_op **op);
struct nexus_op *nexus_null_start(struct nexus *nx, const struct nexus_options *options);

/* nexus_op_wait(3) */
int nexus_op_wait(struct nexus_op *op, int timeout_ms);
int nexus_op_poll(struct nexus_op *op);
int nexus_wait_any(struct nexus *nx, struct nexus_op *const ops[], size_t nr, int timeout_ms);
int nexus_op_cancel(struct nexus_op *op);
void nexus_op_free(struct nexus_op *op);

/* nexus_hold(3) */
void nexus_hold(struct nexus *nx);
void nexus_release(struct nexus *nx);

/* nexus_op_status(3); strings are never NULL but where said, and live as long as the operation */
int nexus_op_status(const struct nexus_op *op);
const char *nexus_op_error_code(const struct nexus_op *op);
const char *nexus_op_error_message(const struct nexus_op *op);
unsigned int nexus_op_http_status(const struct nexus_op *op);
const char *nexus_op_request_id(const struct nexus_op *op);
uint64_t nexus_op_content_length(const struct nexus_op *op);
uint64_t nexus_op_transferred(const struct nexus_op *op);
const char *nexus_op_content_type(const struct nexus_op *op);
const char *nexus_op_etag(const struct nexus_op *op);
const char *nexus_op_last_modified(const struct nexus_op *op);
const char *nexus_op_version_id(const struct nexus_op *op);
const char *nexus_op_upload_id(const struct nexus_op *op);
const char *nexus_op_url(const struct nexus_op *op);	/* where redirects led, "": there were none; what was presigned */
const char *nexus_op_header(const struct nexus_op *op, const char *name);	/* NULL: absent */
int nexus_op_header_at(const struct nexus_op *op, size_t index, const char **name, const char **value);
const char *nexus_op_metadata(const struct nexus_op *op, const char *name);	/* NULL: absent */
int nexus_op_metadata_at(const struct nexus_op *op, size_t index, const char **name, const char **value);

/* nexus_get_stream(3) */
struct nexus_op *nexus_get_stream(struct nexus *nx, const char *bucket, const char *key,
				  const struct nexus_options *options);
ssize_t nexus_read_window(struct nexus_op *op, const void **data);
ssize_t nexus_read(struct nexus_op *op, void *dst, size_t n);

/* nexus_put_stream(3) */
int nexus_write_window(struct nexus_op *op, void **data, size_t *cap);
int nexus_write_commit(struct nexus_op *op, size_t n);
ssize_t nexus_write(struct nexus_op *op, const void *src, size_t n);
int nexus_finish(struct nexus_op *op);
int nexus_finish_start(struct nexus_op *op);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
