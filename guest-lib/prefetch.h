/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Objects fetched ahead of their GET. One is a stream that nobody reads yet; the
 * GET that it fits takes it over. All with nx->lock held.
 */
#ifndef PREFETCH_H
#define PREFETCH_H

#include "op.h"

/* Lives in the memory of its operation. */
struct prefetch {
	struct prefetch *next;
	struct nexus_op *op;
	const char *bucket, *key;
	const char *range, *if_match, *version_id;	/* "": not asked for */
	int64_t started, expires;	/* monotonic ns; expires FOREVER: with the invocation */
};

/*
 * The operation that brings what req (a GetObject) asks for, now the caller's, with his payload
 * and options; if it fails before any data came, it becomes the request itself. NULL: there is none.
 */
struct nexus_op *prefetch_take(struct nexus *nx, const Nexus__V1__Request *req, const struct op_payload *payload,
			       const struct nexus_options *o);

/* A failed prefetch is with the caller: submit his own request instead. False: it was not one. */
bool prefetch_again(struct nexus_op *op, struct window *w, const struct completion *c);

/* The request writes: what was fetched before is old, now and once more when it ends. */
void prefetch_write_begin(struct nexus_op *op, const Nexus__V1__Request *req);
void prefetch_write_end(struct nexus_op *op);

/* Remember what op brings. The strings are copied. -ENOMEM: not remembered. */
int prefetch_add(struct nexus_op *op, const struct prefetch *what);

/* An invocation has begun, until the deadline at the latest; or ended, and what belonged to it goes. */
void prefetch_invocation(struct nexus *nx, bool inside, int64_t deadline);

#endif
