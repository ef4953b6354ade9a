// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdlib.h>
#include "bump.h"

void *bump_alloc(struct bump *b, size_t size)
{
	struct bump_chunk *chunk;
	void *ptr;

	if (size <= sizeof(b->buf) - b->pos) {
		ptr = (char *)b->buf + b->pos;
		b->pos += (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
		if (b->pos > sizeof(b->buf))
			b->pos = sizeof(b->buf);
		return ptr;
	}
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->next = b->chunks;
	b->chunks = chunk;
	return chunk->data;
}

void bump_reset(struct bump *b)
{
	struct bump_chunk *chunk;

	while ((chunk = b->chunks)) {
		b->chunks = chunk->next;
		free(chunk);
	}
	b->pos = 0;
}
