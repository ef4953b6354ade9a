// SPDX-License-Identifier: GPL-2.0-only
/* The allocator of arena memory: no overlap, alignment, growth, exhaustion, pins. */
#include <errno.h>
#include <string.h>
#include "../tap.h"
#include "../../guest-lib/arena.h"

#define PAGE		4096UL
#define RESERVED	(2 * PAGE)
#define FIRST		(16 * PAGE)
#define MAX		(256 * PAGE)
#define PIECE		(512 * PAGE)
#define BLOCKS		200
#define STEPS		200000

static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* The list is in order, without gaps, without two free neighbours, and sums up. */
static bool sound(const struct arena *a)
{
	size_t off = 0, used = 0;
	bool was_free = false;

	for (const struct arena_block *b = a->first; b; b = b->next) {
		if (b->off != off || !b->len || (was_free && !b->used) || (b->next ? b->next->prev != b : b != a->last))
			return false;
		off += b->len;
		used += b->used ? b->len : 0;
		was_free = !b->used;
	}
	return off == a->size && used == a->used;
}

static ssize_t alloc(struct arena *a, size_t size)
{
	ssize_t off;

	while ((off = arena_alloc(a, size)) == -ENOSPC) {
		size_t to = arena_grow_to(a, size);

		if (!to || to > a->max || to - a->size > PIECE || arena_extend(a, to))
			return -ENOSPC;
	}
	return off;
}

static void test_random(void)
{
	static struct { size_t off, len; } blocks[BLOCKS];
	static unsigned char owner[MAX / ARENA_ALIGN];
	bool overlap = false, aligned = true, fine = true;
	unsigned int full = 0, shrunk = 0;
	struct arena a;

	arena_init(&a, RESERVED, FIRST, MAX);
	for (unsigned int i = 0; i < STEPS; i++) {
		unsigned int n = random_below(BLOCKS);
		size_t len, lines;
		ssize_t off;

		if (blocks[n].len) {
			lines = (blocks[n].len + ARENA_ALIGN - 1) / ARENA_ALIGN;
			memset(owner + blocks[n].off / ARENA_ALIGN, 0, lines);
			fine &= !arena_free(&a, blocks[n].off);
			blocks[n].len = 0;
		} else {
			len = 1 + random_below(random_below(8) ? 3000 : 60000);
			off = alloc(&a, len);
			if (off < 0) {
				full++;
				continue;
			}
			aligned &= !(off % (len >= PAGE ? PAGE : ARENA_ALIGN));
			lines = (len + ARENA_ALIGN - 1) / ARENA_ALIGN;
			for (size_t l = 0; l < lines; l++) {
				overlap |= owner[off / ARENA_ALIGN + l];
				owner[off / ARENA_ALIGN + l] = 1;
			}
			overlap |= (size_t)off < RESERVED || off + len > a.size;
			blocks[n].off = off;
			blocks[n].len = len;
		}
		if (!(i % 512)) {
			size_t to = arena_shrink_to(&a);

			if (to < a.size) {
				arena_truncate(&a, to);
				shrunk++;
			}
		}
		if (!(i % 64))
			fine &= sound(&a);
	}
	tap_ok(!overlap, "no two allocations overlap, none touches the control pages or the end");
	tap_ok(aligned, "alignment to cache lines, and to pages from a page on");
	tap_ok(fine, "the books are sound all the time");
	tap_ok(full, "%u times it was full", full);
	tap_ok(shrunk, "%u times it shrank", shrunk);
	for (unsigned int n = 0; n < BLOCKS; n++)
		if (blocks[n].len)
			arena_free(&a, blocks[n].off);
	tap_is(a.used, RESERVED, "all is free in the end");
	tap_is(arena_shrink_to(&a), FIRST, "and can shrink to its first size");
	arena_fini(&a);
}

static void test_growth(void)
{
	unsigned int pieces = 0;
	struct arena a;
	ssize_t off;

	arena_init(&a, RESERVED, FIRST, 64 * PIECE);
	tap_is(arena_alloc(&a, FIRST - RESERVED), RESERVED, "all of the first size can be had");
	tap_is(arena_alloc(&a, 1), -ENOSPC, "and no more");
	while (a.size < 64 * PIECE) {
		arena_extend(&a, arena_grow_to(&a, 1));
		pieces++;
	}
	tap_ok(pieces < 64 + 16, "growth by single bytes takes %u pieces", pieces);
	off = arena_alloc(&a, 64 * PIECE - FIRST);
	tap_is(off, FIRST, "pieces join to one allocation");
	tap_is(arena_grow_to(&a, 1), 0, "not beyond the maximum");
	tap_is(arena_shrink_to(&a), 64 * PIECE, "nothing to give back while it is in use");
	tap_is(arena_alloc(&a, SIZE_MAX), -ENOSPC, "an absurd size");
	tap_is(arena_grow_to(&a, SIZE_MAX), 0, "does not make it grow");
	tap_is(arena_alloc(&a, 0), -EINVAL, "no bytes");
	arena_fini(&a);
}

static void test_pins(void)
{
	struct arena_block *b;
	struct arena a;
	ssize_t off;

	arena_init(&a, RESERVED, FIRST, FIRST);
	off = arena_alloc(&a, 1000);
	b = arena_find(&a, off + 500, 500);
	tap_ok(b && b->off == (size_t)off, "a piece of an allocation is found");
	tap_ok(!arena_find(&a, off + 500, 1000) && !arena_find(&a, off + 5000, 1) && !arena_find(&a, SIZE_MAX, 1),
	       "what leaves it is not, nor free memory, nor nonsense");
	arena_pin(b);
	arena_pin(b);
	tap_is(arena_free(&a, off), 0, "free while requests use it");
	tap_is(arena_free(&a, off), -EINVAL, "twice is refused");
	arena_unpin(&a, b);
	tap_ok(a.used > RESERVED, "one request ended, one uses it still");
	arena_unpin(&a, b);
	tap_is(a.used, RESERVED, "free with the last one");
	tap_is(arena_free(&a, off), -EINVAL, "memory that is free");
	tap_is(arena_free(&a, 0), -EINVAL, "the control pages");
	arena_fini(&a);
}

int main(void)
{
	test_random();
	test_growth();
	test_pins();
	return tap_done();
}
