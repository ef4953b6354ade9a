/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal's files (Documentation/writes.rst). Everything begins at a
 * multiple of JOURNAL_BLOCK; numbers are little endian; a checksum covers its
 * structure with 0 in its own place.
 *
 *	segment		struct journal_segment, and a copy in the block's middle
 *	record		struct journal_header, the request (nexus.v1.Request)
 *			the payload
 *			struct journal_footer
 *	record ...
 *
 * A record's extent is reserved before it is written, so that records may
 * be written at the same time. It counts once its footer is there: that is the
 * last of it to be durable. When the store has the object the footer is
 * overwritten by one that says so; if that write is torn, the record does not
 * count either, and need not.
 *
 * A record that the store refused for good is moved to a file of its own: struct
 * journal_refusal, and from JOURNAL_BLOCK on the record with its segment's nonce.
 *
 * The nonce is random and never leaves the daemon: a payload cannot contain
 * what looks like a header of this segment.
 */
#ifndef NEXUS_JOURNAL_FORMAT_H
#define NEXUS_JOURNAL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "nexus_dev.h"
#include "nexus_ring.h"

#define JOURNAL_BLOCK	4096U
#define JOURNAL_NONCE	16

struct journal_segment {
	char magic[8];		/* JOURNAL_SEGMENT_MAGIC */
	uint8_t nonce[JOURNAL_NONCE];
	uint64_t number;	/* the file's name */
	uint32_t reserved;
	uint32_t crc;
};

struct journal_header {
	char magic[8];		/* JOURNAL_HEADER_MAGIC */
	uint8_t nonce[JOURNAL_NONCE];
	uint64_t seq;		/* replayed in this order */
	uint64_t payload_len;	/* bytes */
	char tenant[NEXUS_NAME_MAX];
	char function[NEXUS_NAME_MAX];
	uint32_t request_len;	/* bytes, at most NEXUS_MSG_MAX */
	uint32_t crc;		/* of the request, too */
};

struct journal_footer {
	char magic[8];		/* JOURNAL_FOOTER_MAGIC, JOURNAL_DONE_MAGIC */
	uint8_t nonce[JOURNAL_NONCE];
	uint64_t seq;
	uint64_t payload_len;
	uint32_t payload_crc;
	uint32_t crc;
};

/* Why the store refused a record; the file's first block. */
struct journal_refusal {
	char magic[8];		/* JOURNAL_REFUSAL_MAGIC */
	uint8_t nonce[JOURNAL_NONCE];	/* of the record that follows */
	uint64_t number;	/* the file's name */
	uint64_t time;		/* when it was moved; seconds since 1970 */
	uint32_t refusals;	/* answers that refused it */
	uint32_t http_status;	/* of the last one; 0: the daemon's own rules refused it */
	char code[64];		/* of the last one */
	char message[512];
	uint32_t reserved;
	uint32_t crc;
};

#define JOURNAL_SEGMENT_MAGIC	"NEXSEG1"
#define JOURNAL_HEADER_MAGIC	"NEXREC1"
#define JOURNAL_FOOTER_MAGIC	"NEXEND1"
#define JOURNAL_DONE_MAGIC	"NEXDNE1"
#define JOURNAL_REFUSAL_MAGIC	"NEXREF1"

/* The largest header with its request, in bytes. */
#define JOURNAL_HEAD_MAX	(5 * JOURNAL_BLOCK)
_Static_assert(sizeof(struct journal_header) + NEXUS_MSG_MAX <= JOURNAL_HEAD_MAX, "JOURNAL_HEAD_MAX");

static inline uint64_t journal_round(uint64_t bytes)
{
	return (bytes + JOURNAL_BLOCK - 1) & ~(uint64_t)(JOURNAL_BLOCK - 1);
}

/* Bytes of the header and its request, and of the whole record. */
static inline uint64_t journal_head_size(uint32_t request_len)
{
	return journal_round(sizeof(struct journal_header) + request_len);
}

static inline uint64_t journal_extent(uint32_t request_len, uint64_t payload_len)
{
	return journal_head_size(request_len) + journal_round(payload_len) + JOURNAL_BLOCK;
}

uint32_t journal_crc(uint32_t crc, const void *data, size_t len);	/* begins with 0 */

/* Fill in magic, nonce and checksum; the rest is the caller's. */
void journal_seal_segment(struct journal_segment *segment);
void journal_seal_header(struct journal_header *header, const uint8_t *nonce);	/* the request follows it */
void journal_seal_refusal(struct journal_refusal *refusal, const uint8_t *nonce);
void journal_seal_footer(struct journal_footer *footer, const uint8_t *nonce, bool done);

/* Is it one? Bytes that can be read there: at least JOURNAL_BLOCK, of a header JOURNAL_HEAD_MAX or to the file's end. */
bool journal_is_segment(const struct journal_segment *segment, uint64_t number);
bool journal_is_refusal(const struct journal_refusal *refusal, uint64_t number);
bool journal_is_header(const struct journal_header *header, const uint8_t *nonce, size_t available);

enum journal_end { JOURNAL_TORN, JOURNAL_COMMITTED, JOURNAL_DONE };
/* What the footer of this record says. */
enum journal_end journal_end(const struct journal_footer *footer, const struct journal_header *header);

#endif
