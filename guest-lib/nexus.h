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
};

/* An operation refuses what it does not take with -EINVAL. */
struct nexus_options {
	size_t size;
	uint32_t timeout_ms;		/* whole operation; 0: the tenant's default */
	uint32_t window;		/* bytes of a stream's windows; 0: 256 KiB */
	const char *range;		/* get: "bytes=first-last" */
	const char *if_match;		/* get: entity tag with its quotes */
	const char *version_id;		/* get, head, delete */
	const char *content_type;	/* put */
	const struct nexus_field *metadata;	/* put: names without x-amz-meta- */
	size_t nr_metadata;
	enum nexus_write_mode write_mode;	/* put */
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
int nexus_null(struct nexus *nx, const struct nexus_options *options, struct nexus_op **op);
struct nexus_op *nexus_null_start(struct nexus *nx, const struct nexus_options *options);

/* nexus_op_wait(3) */
int nexus_op_wait(struct nexus_op *op, int timeout_ms);
int nexus_op_poll(struct nexus_op *op);
int nexus_wait_any(struct nexus *nx, struct nexus_op *const ops[], size_t nr, int timeout_ms);
int nexus_op_cancel(struct nexus_op *op);
void nexus_op_free(struct nexus_op *op);

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

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
