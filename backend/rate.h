/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A token bucket as one number, the generic cell rate algorithm: the time at
 * which the bucket will be full again. Atomic, so that all workers share it.
 */
#ifndef NEXUS_RATE_H
#define NEXUS_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_NEVER UINT64_MAX

struct rate {
	uint64_t full_ns;	/* CLOCK_MONOTONIC */
};

/* What the bucket holds when it is full, and how fast it fills. */
struct rate_limit {
	uint64_t per_second;	/* 0: no limit */
	uint64_t burst;		/* 0: what a second brings */
};

/* How long until n tokens are there; RATE_NEVER: the bucket never holds so many. */
uint64_t rate_wait_ns(const struct rate *rate, const struct rate_limit *limit, uint64_t now_ns, uint64_t n);

/* Take n tokens if they are there. */
bool rate_take(struct rate *rate, const struct rate_limit *limit, uint64_t now_ns, uint64_t n);

/* Take n tokens, there or not: whoever comes next waits for them. */
void rate_charge(struct rate *rate, const struct rate_limit *limit, uint64_t now_ns, uint64_t n);

#endif
