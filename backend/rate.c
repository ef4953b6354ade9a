// SPDX-License-Identifier: GPL-2.0-only
#include "rate.h"

#define NS_PER_S	1000000000ULL

static uint64_t tokens_ns(const struct rate_limit *limit, uint64_t n)
{
	return (unsigned __int128)n * NS_PER_S / limit->per_second;
}

static uint64_t limit_burst(const struct rate_limit *limit)
{
	return limit->burst ? limit->burst : limit->per_second;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The bucket that will be full at full_ns. */
static uint64_t wait_ns(uint64_t full_ns, const struct rate_limit *limit, uint64_t now_ns, uint64_t n)
{
	uint64_t fits_ns;

	if (n > limit_burst(limit))
		return RATE_NEVER;
	fits_ns = tokens_ns(limit, limit_burst(limit) - n);
	full_ns = later(full_ns, now_ns);
	return full_ns - now_ns > fits_ns ? full_ns - now_ns - fits_ns : 0;
}

uint64_t rate_wait_ns(const struct rate *rate, const struct rate_limit *limit, uint64_t now_ns, uint64_t n)
{
	if (!limit->per_second)
		return 0;
	return wait_ns(__atomic_load_n(&rate->full_ns, __ATOMIC_RELAXED), limit, now_ns, n);
}

bool rate_take(struct rate *rate, const struct rate_limit *limit, uint64_t now_ns, uint64_t n)
{
	uint64_t full_ns = __atomic_load_n(&rate->full_ns, __ATOMIC_RELAXED);

	if (!limit->per_second)
		return true;
	do {
		if (wait_ns(full_ns, limit, now_ns, n))
			return false;
	} while (!__atomic_compare_exchange_n(&rate->full_ns, &full_ns, later(full_ns, now_ns) + tokens_ns(limit, n),
					      true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

void rate_charge(struct rate *rate, const struct rate_limit *limit, uint64_t now_ns, uint64_t n)
{
	uint64_t full_ns = __atomic_load_n(&rate->full_ns, __ATOMIC_RELAXED);

	if (!limit->per_second)
		return;
	while (!__atomic_compare_exchange_n(&rate->full_ns, &full_ns, later(full_ns, now_ns) + tokens_ns(limit, n),
					    true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}
