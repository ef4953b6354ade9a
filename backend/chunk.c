// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include "chunk.h"

#define CHUNK_FRAME_MAX	8192	/* bytes of extensions and trailers in one body */

size_t chunk_need(struct chunk *chunk)
{
	static const unsigned char need[] = {
		[CHUNK_FIRST_DIGIT] = 3,	/* digit CR LF */
		[CHUNK_SIZE] = 2,
		[CHUNK_EXTENSION] = 2,
		[CHUNK_SIZE_LF] = 1,
		[CHUNK_DATA] = 0,
		[CHUNK_DATA_CR] = 5,		/* CR LF digit CR LF */
		[CHUNK_DATA_LF] = 4,
		[CHUNK_TRAILER] = 2,
		[CHUNK_TRAILER_LINE] = 4,
		[CHUNK_TRAILER_LF] = 3,
		[CHUNK_END_LF] = 1,
		[CHUNK_END] = 0,
	};

	if (chunk->state == CHUNK_DATA && !chunk->size)
		chunk->state = CHUNK_DATA_CR;
	return need[chunk->state];
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int chunk_size_byte(struct chunk *chunk, char c)
{
	int digit = hex_digit(c);

	if (digit >= 0) {
		if (chunk->size >> 56)
			return -EBADMSG;
		chunk->size = chunk->size * 16 + digit;
		chunk->state = CHUNK_SIZE;
		return 0;
	}
	if (chunk->state == CHUNK_FIRST_DIGIT)
		return -EBADMSG;
	if (c == '\r')
		chunk->state = CHUNK_SIZE_LF;
	else if (c == ';' || c == ' ' || c == '\t')
		chunk->state = CHUNK_EXTENSION;
	else
		return -EBADMSG;
	return 0;
}

/* c must be a line feed. */
static int chunk_line_end(struct chunk *chunk, char c, enum chunk_state next)
{
	if (c != '\n')
		return -EBADMSG;
	chunk->state = next;
	return 0;
}

/* A byte of an extension or a trailer line, whose text nobody wants. */
static int chunk_skip_byte(struct chunk *chunk, char c, enum chunk_state at_cr)
{
	if (++chunk->frame_len > CHUNK_FRAME_MAX || c == '\n' || c == '\0')
		return -EBADMSG;
	if (c == '\r')
		chunk->state = at_cr;
	return 0;
}

static int chunk_byte(struct chunk *chunk, char c)
{
	switch (chunk->state) {
	case CHUNK_FIRST_DIGIT:
	case CHUNK_SIZE:
		return chunk_size_byte(chunk, c);
	case CHUNK_EXTENSION:
		return chunk_skip_byte(chunk, c, CHUNK_SIZE_LF);
	case CHUNK_SIZE_LF:
		return chunk_line_end(chunk, c, chunk->size ? CHUNK_DATA : CHUNK_TRAILER);
	case CHUNK_DATA_CR:
		chunk->state = CHUNK_DATA_LF;
		return c == '\r' ? 0 : -EBADMSG;
	case CHUNK_DATA_LF:
		return chunk_line_end(chunk, c, CHUNK_FIRST_DIGIT);
	case CHUNK_TRAILER:
		chunk->state = CHUNK_TRAILER_LINE;
		return chunk_skip_byte(chunk, c, CHUNK_END_LF);
	case CHUNK_TRAILER_LINE:
		return chunk_skip_byte(chunk, c, CHUNK_TRAILER_LF);
	case CHUNK_TRAILER_LF:
		return chunk_line_end(chunk, c, CHUNK_TRAILER);
	case CHUNK_END_LF:
		return chunk_line_end(chunk, c, CHUNK_END);
	default:
		return -EBADMSG;
	}
}

int chunk_feed(struct chunk *chunk, const char *data, size_t len)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < len; i++)
		ret = chunk_byte(chunk, data[i]);
	return ret;
}
