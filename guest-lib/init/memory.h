/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The memory of one arena in the guest: a memfd, mapped here, and pinned piece
 * by piece so that the guest's kernel never moves a page that the host writes.
 */
#ifndef INIT_MEMORY_H
#define INIT_MEMORY_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Pieces: the first, then each at least half of what was there (arena.c of the
 * library), up to NEXUS_SHARE_MAX_PAGES, to NEXUS_ARENA_MAX_PAGES: under 530.
 */
#define MEMORY_PIECES	576

struct memory {
	struct io_uring ring;	/* holds the pins */
	bool pinned;		/* ring is in use; else the pages are only locked */
	int memfd;
	char *base;		/* address space for NEXUS_ARENA_MAX_PAGES */
	size_t size;		/* bytes shared or about to be */
	size_t length;		/* of the memfd: it never shrinks */
	unsigned int nr_pieces;
	size_t pieces[MEMORY_PIECES];	/* offsets of their ends */
};

/* -ENOMEM; -EMFILE. Nothing is left behind after a failure. */
int memory_open(struct memory *m);

/* Add a piece. -ENOMEM: the guest cannot spare it; -ENOSPC too many pieces. */
int memory_add(struct memory *m, size_t bytes);

/* Unpin and give back the last piece. */
void memory_drop(struct memory *m);

/* The host must have let go. */
void memory_close(struct memory *m);

#endif
