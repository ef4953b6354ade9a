/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's view of an arena (nexus_ring.h): a reserved range of addresses,
 * as large as an arena may get, over which the guest's pages are mapped. So
 * the base never moves while the arena grows and shrinks.
 */
#ifndef NEXUS_ARENA_H
#define NEXUS_ARENA_H

#include <stdbool.h>
#include <stdint.h>

struct arena {
	char *base;
	uint64_t size;		/* bytes that new requests may name */
	uint64_t mapped;	/* bytes mapped; more than size while requests hold a cut-off end */
};

int arena_reserve(struct arena *arena);		/* 0 or -errno */
/* Map length bytes of fd at offset, over whatever is there. 0 or -errno. */
int arena_map(struct arena *arena, uint64_t offset, uint64_t length, int fd, uint64_t fd_offset);
/* Let go of everything past arena->size. */
void arena_trim(struct arena *arena);
void arena_release(struct arena *arena);

/* Does [offset, offset + length) lie within the arena and past the first `control` bytes? */
static inline bool arena_holds(const struct arena *arena, uint64_t control, uint64_t offset, uint64_t length)
{
	return offset >= control && offset <= arena->size && length <= arena->size - offset;
}

#endif
