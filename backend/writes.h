/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a tenant's guests have written and the store has not, over all workers;
 * any thread. One per tenant's name, for the life of the daemon, so that a new
 * configuration finds the books as they were.
 */
#ifndef NEXUS_WRITES_H
#define NEXUS_WRITES_H

#include <stdint.h>

struct tenant_writes {
	struct tenant_writes *next;
	uint64_t unwritten;	/* bytes acknowledged, or about to be, that are not in the store; atomic */
	uint32_t journaled;	/* records of the journal that are not in the store; atomic */
	char name[];
};

/* NULL: no memory. */
struct tenant_writes *writes_of(const char *tenant);

/* bytes more, or (negative) less; returns the sum. */
static inline uint64_t writes_add(struct tenant_writes *writes, int64_t bytes)
{
	return __atomic_add_fetch(&writes->unwritten, (uint64_t)bytes, __ATOMIC_RELAXED);
}

static inline uint64_t writes_unwritten(const struct tenant_writes *writes)
{
	return __atomic_load_n(&writes->unwritten, __ATOMIC_RELAXED);
}

/* Call fn for each tenant that ever wrote. */
void writes_each(void (*fn)(const struct tenant_writes *writes, void *arg), void *arg);

#endif
