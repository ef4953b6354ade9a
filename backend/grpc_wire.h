/* SPDX-License-Identifier: GPL-2.0-only */
/* gRPC over HTTP/2: metadata, status and time-outs as they are written in headers. */
#ifndef NEXUS_GRPC_WIRE_H
#define NEXUS_GRPC_WIRE_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "nexus.pb-c.h"

struct op;

enum grpc_status {
	GRPC_OK = 0, GRPC_CANCELLED = 1, GRPC_UNKNOWN = 2, GRPC_INVALID_ARGUMENT = 3, GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5, GRPC_PERMISSION_DENIED = 7, GRPC_RESOURCE_EXHAUSTED = 8, GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13, GRPC_UNAVAILABLE = 14, GRPC_UNAUTHENTICATED = 16,
};

#define GRPC_METADATA_MAX	8192	/* bytes of a call's, one way; a field counts as HPACK counts it */
#define GRPC_FIELD_COST		32
#define GRPC_FIELDS_MAX		128
#define GRPC_DETAILS_MAX	1024	/* bytes of a status's text, cut off beyond */
#define GRPC_AGENT_MAX	256	/* bytes of what a guest puts before our user-agent */
#define GRPC_PREFIX		5	/* bytes before each message: compressed?, length */

/* Metadata, values decoded. Zeroed: none. */
struct grpc_metadata {
	struct grpc_field *fields;
	size_t nr;
};

struct grpc_field {
	char *name, *value;	/* from malloc, in one piece at name */
	size_t len;		/* of value, which has a NUL behind it */
};

void grpc_metadata_clear(struct grpc_metadata *metadata);

/*
 * Add a header as it came; *room is what is left of GRPC_METADATA_MAX. Headers of HTTP/2 and of
 * gRPC itself are left out. False: too much, or no memory.
 */
bool grpc_metadata_add(struct grpc_metadata *metadata, size_t *room, const char *name, size_t name_len,
		       const char *value, size_t value_len);

/* Add one as it is, and charge it. The value is copied. False: as above. */
bool grpc_metadata_append(struct grpc_metadata *metadata, size_t *room, const char *name, size_t name_len,
			  const char *value, size_t len);

/* A guest's, checked and copied. 0; or -errno after op_error(). */
int grpc_metadata_take(struct op *op, struct grpc_metadata *metadata, Nexus__V1__GrpcField *const *list, size_t nr);

/* For an answer to the guest: in the operation's memory. */
Nexus__V1__GrpcField **grpc_metadata_give(struct op *op, const struct grpc_metadata *metadata);

/* A block of headers and their text, in one piece of malloc. */
#define GRPC_TEXT_MAX	20480
struct grpc_block {
	nghttp2_nv nv[GRPC_FIELDS_MAX + 16];
	size_t nr;
	size_t used;
	bool overflow;
	char text[GRPC_TEXT_MAX];
};
struct grpc_block *grpc_block_new(void);	/* NULL: no memory */
void grpc_block_add(struct grpc_block *block, const char *name, const char *value);
void grpc_block_metadata(struct grpc_block *block, const struct grpc_metadata *metadata);
void grpc_block_status(struct grpc_block *block, unsigned int status, const char *details);
void grpc_block_timeout(struct grpc_block *block, uint64_t timeout_ms);

/* Milliseconds of a grpc-timeout, at least 1; false: it is none. */
bool grpc_timeout_parse(const char *text, size_t len, uint64_t *timeout_ms);

/* The text of a grpc-message, decoded in place. */
void grpc_message_decode(char *text);

/* A name of grpc-encoding: "gzip", "deflate", "" for identity; NULL: another one. */
const char *grpc_encoding(const char *text, size_t len);
#define GRPC_ENCODINGS	"identity, deflate, gzip"	/* that peers are told of */

enum grpc_status grpc_status_of_http(unsigned int http_status);
enum grpc_status grpc_status_of_h2(uint32_t error);

#endif
