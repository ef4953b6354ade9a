/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Memory for one operation's answer: given out piece by piece, freed at once. */
#ifndef BUMP_H
#define BUMP_H

#include <stddef.h>

#define BUMP_SIZE	1536	/* holds the copy and the fields of a usual answer */

struct bump_chunk {
	struct bump_chunk *next;
	max_align_t data[];
};

struct bump {
	size_t pos;			/* bytes given out of buf */
	struct bump_chunk *chunks;	/* what did not fit, from malloc */
	max_align_t buf[BUMP_SIZE / sizeof(max_align_t)];
};

/* NULL: out of memory. */
void *bump_alloc(struct bump *b, size_t size);
void bump_reset(struct bump *b);

#endif
