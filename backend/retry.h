/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a failed request is sent again: AWS's standard retry mode. What is
 * transient or throttled is tried up to the endpoint's max_attempts, after a
 * random part (full jitter) of a delay that doubles each time, up to
 * RETRY_DELAY_MAX_MS. Each try is paid from the pool's quota, which successes
 * refill: a store that fails for long is not asked several times for each
 * request.
 */
#ifndef NEXUS_RETRY_H
#define NEXUS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_DELAY_MAX_MS	20000U

enum retry_class {
	RETRY_NEVER,		/* it would fail again */
	RETRY_TRANSIENT,	/* the store or the way to it is ill */
	RETRY_TIMEOUT,		/* so, and it took its time: costs more of the quota */
	RETRY_THROTTLED,	/* refused unprocessed, for now */
};

/* Of an answer: its HTTP status, and the error code in its body. */
enum retry_class retry_classify(unsigned int http_status, const char *code);

/* Before attempt number `attempt` + 1, from 1. after_ms: Retry-After's, or 0. */
uint64_t retry_delay_ms(unsigned int attempt, uint32_t backoff_ms, uint64_t after_ms);

#define RETRY_QUOTA	500
struct retry_quota {
	uint32_t spent;		/* of RETRY_QUOTA */
};

/* Pay for one more try. *cost is what refill() gives back when it succeeds. False: used up. */
bool retry_quota_take(struct retry_quota *quota, enum retry_class class, uint32_t *cost);
void retry_quota_refill(struct retry_quota *quota, uint32_t cost);	/* cost 0: a first try succeeded */

#endif
