/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frames of a chunked body (RFC 9112, 7.1), without the data between them:
 * the data never passes through here, so that it can go straight to its place.
 */
#ifndef NEXUS_CHUNK_H
#define NEXUS_CHUNK_H

#include <stddef.h>
#include <stdint.h>

enum chunk_state {
	CHUNK_FIRST_DIGIT,
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,		/* size bytes of data come next; the caller counts size down */
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,		/* at the start of a line */
	CHUNK_TRAILER_LINE,
	CHUNK_TRAILER_LF,
	CHUNK_END_LF,
	CHUNK_END,
};

struct chunk {
	enum chunk_state state;
	uint64_t size;		/* bytes of data still to come in CHUNK_DATA */
	uint32_t frame_len;	/* bytes of extensions and trailers so far, bounded */
};

/*
 * At least so many bytes of framing are still to come before any data, so
 * that reading them cannot swallow data. 0 in CHUNK_DATA (with size left) and CHUNK_END.
 */
size_t chunk_need(struct chunk *chunk);

/* Take bytes, at most chunk_need() of them. 0 or -EBADMSG. */
int chunk_feed(struct chunk *chunk, const char *data, size_t len);

#endif
