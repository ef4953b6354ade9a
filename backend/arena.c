// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include "arena.h"
#include "nexus_hypercall.h"

#define ARENA_RESERVED	(NEXUS_ARENA_MAX_PAGES * NEXUS_PAGE_SIZE)

int arena_reserve(struct arena *arena)
{
	void *base = mmap(NULL, ARENA_RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return -errno;
	*arena = (struct arena){ .base = base };
	return 0;
}

int arena_map(struct arena *arena, uint64_t offset, uint64_t length, int fd, uint64_t fd_offset)
{
	if (offset > ARENA_RESERVED || length > ARENA_RESERVED - offset)
		return -ENOSPC;
	if (mmap(arena->base + offset, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, fd_offset) ==
	    MAP_FAILED)
		return -errno;
	if (offset + length > arena->mapped)
		arena->mapped = offset + length;
	return 0;
}

void arena_trim(struct arena *arena)
{
	if (arena->mapped <= arena->size)
		return;
	/* Without memory for it the end stays mapped until the whole goes. */
	if (mmap(arena->base + arena->size, arena->mapped - arena->size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED)
		arena->mapped = arena->size;
}

void arena_release(struct arena *arena)
{
	if (arena->base)
		munmap(arena->base, ARENA_RESERVED);
	*arena = (struct arena){ 0 };
}
