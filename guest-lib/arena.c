// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdlib.h>
#include "../uapi/nexus_hypercall.h"
#include "arena.h"

#define PIECE_MAX	(NEXUS_SHARE_MAX_PAGES * NEXUS_PAGE_SIZE)

static size_t align_up(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

/* A new block behind b (NULL: the list is empty). */
static struct arena_block *arena_insert(struct arena *a, struct arena_block *b, size_t off, size_t len)
{
	struct arena_block *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->off = off;
	n->len = len;
	n->prev = b;
	n->next = b ? b->next : NULL;
	if (n->next)
		n->next->prev = n;
	else
		a->last = n;
	if (b)
		b->next = n;
	else
		a->first = n;
	return n;
}

/* Join b with the free block behind it. */
static void arena_merge(struct arena *a, struct arena_block *b)
{
	struct arena_block *n = b->next;

	b->len += n->len;
	b->next = n->next;
	if (n->next)
		n->next->prev = b;
	else
		a->last = b;
	free(n);
}

int arena_init(struct arena *a, size_t reserved, size_t size, size_t max)
{
	struct arena_block *b;

	*a = (struct arena){ .size = size, .max = max, .used = reserved };
	b = arena_insert(a, NULL, 0, reserved);
	if (!b)
		return -ENOMEM;
	b->used = true;
	if (reserved < size && !arena_insert(a, b, reserved, size - reserved)) {
		arena_fini(a);
		return -ENOMEM;
	}
	return 0;
}

void arena_fini(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->first; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a->cuts);
	*a = (struct arena){ 0 };
}

/* First fit from the bottom, so that the tail falls free and can be given back. */
ssize_t arena_alloc(struct arena *a, size_t size)
{
	size_t align = size >= NEXUS_PAGE_SIZE ? NEXUS_PAGE_SIZE : ARENA_ALIGN;
	struct arena_block *b;
	size_t off;

	if (!size)
		return -EINVAL;
	if (size > a->max)
		return -ENOSPC;
	size = align_up(size, ARENA_ALIGN);
	for (b = a->first; b; b = b->next) {
		off = align_up(b->off, align);
		if (!b->used && off - b->off <= b->len && b->len - (off - b->off) >= size)
			break;
	}
	if (!b)
		return -ENOSPC;
	if (off > b->off) {
		struct arena_block *n = arena_insert(a, b, off, b->off + b->len - off);

		if (!n)
			return -ENOMEM;
		b->len = off - b->off;
		b = n;
	}
	if (b->len > size) {
		/* On failure the block in front stays split off: two free neighbours, no harm. */
		if (!arena_insert(a, b, off + size, b->len - size))
			return -ENOMEM;
		b->len = size;
	}
	b->used = true;
	a->used += size;
	return off;
}

static void arena_release(struct arena *a, struct arena_block *b)
{
	b->used = false;
	b->doomed = false;
	a->used -= b->len;
	while (b->next && !b->next->used)
		arena_merge(a, b);
	while (b->prev && !b->prev->used) {
		b = b->prev;
		arena_merge(a, b);
	}
}

int arena_free(struct arena *a, size_t off)
{
	struct arena_block *b = arena_find(a, off, 1);

	if (!b || b->off != off || b->doomed || b == a->first)
		return -EINVAL;
	if (b->pins)
		b->doomed = true;
	else
		arena_release(a, b);
	return 0;
}

struct arena_block *arena_find(const struct arena *a, size_t off, size_t len)
{
	struct arena_block *b;

	for (b = a->first; b && b->off <= off; b = b->next)
		if (off - b->off < b->len)
			return b->used && len <= b->len - (off - b->off) ? b : NULL;
	return NULL;
}

void arena_pin(struct arena_block *b)
{
	b->pins++;
}

void arena_unpin(struct arena *a, struct arena_block *b)
{
	if (!--b->pins && b->doomed)
		arena_release(a, b);
}

/*
 * By half of what is there at least: the number of pieces stays logarithmic,
 * then one each PIECE_MAX bytes.
 */
size_t arena_grow_to(const struct arena *a, size_t size)
{
	size_t tail = a->last->used ? 0 : a->last->len;
	size_t grow, need;

	if (size > a->max)
		return 0;
	/* The tail may start off a page boundary; large allocations want one. */
	need = align_up(size, NEXUS_PAGE_SIZE);
	tail &= ~(NEXUS_PAGE_SIZE - 1);
	need -= tail < need ? tail : need;
	if (!need)
		need = NEXUS_PAGE_SIZE;
	if (need > a->max - a->size)
		return 0;
	grow = align_up(a->size / 2, NEXUS_PAGE_SIZE);
	if (grow < need)
		grow = need;
	if (grow > PIECE_MAX)
		grow = PIECE_MAX;
	if (grow > a->max - a->size)
		grow = a->max - a->size;
	return a->size + grow;
}

int arena_extend(struct arena *a, size_t size)
{
	if (a->nr_cuts == a->cap_cuts) {
		size_t cap = a->cap_cuts ? 2 * a->cap_cuts : 16;
		size_t *cuts = reallocarray(a->cuts, cap, sizeof(*cuts));

		if (!cuts)
			return -ENOMEM;
		a->cuts = cuts;
		a->cap_cuts = cap;
	}
	if (!a->last->used)
		a->last->len += size - a->size;
	else if (!arena_insert(a, a->last, a->size, size - a->size))
		return -ENOMEM;
	a->cuts[a->nr_cuts++] = a->size;
	a->size = size;
	return 0;
}

size_t arena_shrink_to(const struct arena *a)
{
	size_t tail = a->last->used ? a->size : a->last->off;
	size_t size = a->size;

	for (size_t i = a->nr_cuts; i-- && a->cuts[i] >= tail; )
		size = a->cuts[i];
	return size;
}

void arena_truncate(struct arena *a, size_t size)
{
	struct arena_block *b = a->last;

	while (a->nr_cuts && a->cuts[a->nr_cuts - 1] >= size)
		a->nr_cuts--;
	a->size = size;
	b->len = size - b->off;
	if (!b->len) {
		a->last = b->prev;
		a->last->next = NULL;
		free(b);
	}
}
