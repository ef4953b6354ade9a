// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <zlib.h>
#include "journal_format.h"

uint32_t journal_crc(uint32_t crc, const void *data, size_t len)
{
	return crc32_z(crc, data, len);
}

/* Of a structure whose last member is its checksum. */
#define JOURNAL_CRC(type, s) ({ \
	struct type copy_ = *(s); \
	copy_.crc = 0; \
	journal_crc(0, &copy_, sizeof(copy_)); })

static uint32_t header_crc(const struct journal_header *header)
{
	return journal_crc(JOURNAL_CRC(journal_header, header), header + 1, header->request_len);
}

void journal_seal_segment(struct journal_segment *segment)
{
	memcpy(segment->magic, JOURNAL_SEGMENT_MAGIC, sizeof(segment->magic));
	segment->crc = JOURNAL_CRC(journal_segment, segment);
}

void journal_seal_header(struct journal_header *header, const uint8_t *nonce)
{
	memcpy(header->magic, JOURNAL_HEADER_MAGIC, sizeof(header->magic));
	memcpy(header->nonce, nonce, JOURNAL_NONCE);
	header->crc = header_crc(header);
}

void journal_seal_footer(struct journal_footer *footer, const uint8_t *nonce, bool done)
{
	memcpy(footer->magic, done ? JOURNAL_DONE_MAGIC : JOURNAL_FOOTER_MAGIC, sizeof(footer->magic));
	memcpy(footer->nonce, nonce, JOURNAL_NONCE);
	footer->crc = JOURNAL_CRC(journal_footer, footer);
}

void journal_seal_refusal(struct journal_refusal *refusal, const uint8_t *nonce)
{
	memcpy(refusal->magic, JOURNAL_REFUSAL_MAGIC, sizeof(refusal->magic));
	memcpy(refusal->nonce, nonce, JOURNAL_NONCE);
	refusal->crc = JOURNAL_CRC(journal_refusal, refusal);
}

bool journal_is_segment(const struct journal_segment *segment, uint64_t number)
{
	return !memcmp(segment->magic, JOURNAL_SEGMENT_MAGIC, sizeof(segment->magic)) &&
	       segment->number == number && segment->crc == JOURNAL_CRC(journal_segment, segment);
}

bool journal_is_header(const struct journal_header *header, const uint8_t *nonce, size_t available)
{
	return !memcmp(header->magic, JOURNAL_HEADER_MAGIC, sizeof(header->magic)) &&
	       !memcmp(header->nonce, nonce, JOURNAL_NONCE) &&
	       header->request_len <= NEXUS_MSG_MAX && header->request_len + sizeof(*header) <= available &&
	       header->crc == header_crc(header) && header->payload_len < INT64_MAX / 2 &&
	       memchr(header->tenant, '\0', sizeof(header->tenant)) &&
	       memchr(header->function, '\0', sizeof(header->function));
}

bool journal_is_refusal(const struct journal_refusal *refusal, uint64_t number)
{
	return !memcmp(refusal->magic, JOURNAL_REFUSAL_MAGIC, sizeof(refusal->magic)) && refusal->number == number &&
	       refusal->crc == JOURNAL_CRC(journal_refusal, refusal) &&
	       memchr(refusal->code, '\0', sizeof(refusal->code)) &&
	       memchr(refusal->message, '\0', sizeof(refusal->message));
}

enum journal_end journal_end(const struct journal_footer *footer, const struct journal_header *header)
{
	if (memcmp(footer->nonce, header->nonce, JOURNAL_NONCE) || footer->seq != header->seq ||
	    footer->payload_len != header->payload_len || footer->crc != JOURNAL_CRC(journal_footer, footer))
		return JOURNAL_TORN;
	if (!memcmp(footer->magic, JOURNAL_DONE_MAGIC, sizeof(footer->magic)))
		return JOURNAL_DONE;
	return memcmp(footer->magic, JOURNAL_FOOTER_MAGIC, sizeof(footer->magic)) ? JOURNAL_TORN : JOURNAL_COMMITTED;
}
