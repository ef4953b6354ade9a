/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The allocator of arena memory. It works on offsets only and keeps its books
 * in private memory, out of the host's reach. Not thread-safe: the channel's
 * lock protects it.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARENA_ALIGN	64UL	/* one cache line */

struct arena_block {
	struct arena_block *prev, *next;	/* in order of offset, without gaps */
	size_t off, len;			/* bytes */
	unsigned int pins;			/* requests in flight that use it */
	bool used;
	bool doomed;				/* freed while pinned */
};

struct arena {
	struct arena_block *first, *last;
	size_t size, max;	/* bytes; max: it never grows beyond */
	size_t used;		/* bytes in used blocks, reserved ones included */
	size_t *cuts;		/* sizes it had before it grew, oldest first */
	size_t nr_cuts, cap_cuts;
};

/* The first `reserved` bytes are never given out. 0 or -ENOMEM. */
int arena_init(struct arena *a, size_t reserved, size_t size, size_t max);
void arena_fini(struct arena *a);

/*
 * Returns an offset: a multiple of 4096 for 4096 bytes and more, else of
 * ARENA_ALIGN. -ENOSPC no gap is large enough; -ENOMEM; -EINVAL size 0.
 */
ssize_t arena_alloc(struct arena *a, size_t size);

/* Free the block that starts at off; one that is pinned, later. -EINVAL no such block. */
int arena_free(struct arena *a, size_t off);

/* The used block that holds all of [off, off + len), or NULL. */
struct arena_block *arena_find(const struct arena *a, size_t off, size_t len);
void arena_pin(struct arena_block *b);
void arena_unpin(struct arena *a, struct arena_block *b);

/*
 * The size to grow to, in one piece, towards an allocation of `size` bytes
 * that just failed. 0 if that would exceed the maximum.
 */
size_t arena_grow_to(const struct arena *a, size_t size);

/* It grew to `size` bytes. -ENOMEM. */
int arena_extend(struct arena *a, size_t size);

/* The smallest earlier size with nothing in use beyond it; the present size if there is none. */
size_t arena_shrink_to(const struct arena *a);

/* It is going to shrink to `size` bytes, an answer of arena_shrink_to(). */
void arena_truncate(struct arena *a, size_t size);

#endif
