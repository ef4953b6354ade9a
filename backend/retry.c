// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include "retry.h"

#define COST		5	/* of the quota */
#define COST_TIMEOUT	10
#define REFILL		1	/* by a success at the first try */

static bool is_one_of(const char *code, const char *const codes[])
{
	for (; *codes; codes++) {
		if (!strcmp(code, *codes))
			return true;
	}
	return false;
}

enum retry_class retry_classify(unsigned int http_status, const char *code)
{
	static const char *const throttled[] = {
		"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
		"RequestThrottled", "TooManyRequestsException", "ProvisionedThroughputExceededException",
		"TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded",
		"LimitExceededException", "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException", NULL
	};
	static const char *const transient[] = {
		"RequestTimeout", "RequestTimeoutException", "InternalError", "InternalServerError",
		"ServiceUnavailable", NULL
	};

	if (http_status == 429 || is_one_of(code, throttled))
		return RETRY_THROTTLED;
	if (http_status == 408 || !strncmp(code, "RequestTimeout", strlen("RequestTimeout")))
		return RETRY_TIMEOUT;
	if (http_status == 500 || (http_status >= 502 && http_status <= 504) || is_one_of(code, transient))
		return RETRY_TRANSIENT;
	return RETRY_NEVER;
}

uint64_t retry_delay_ms(unsigned int attempt, uint32_t backoff_ms, uint64_t after_ms)
{
	uint64_t delay = backoff_ms;
	uint32_t random = 0;

	while (--attempt && delay < RETRY_DELAY_MAX_MS)
		delay *= 2;
	if (delay > RETRY_DELAY_MAX_MS)
		delay = RETRY_DELAY_MAX_MS;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = UINT32_MAX / 2;
	delay = delay * random >> 32;
	return delay > after_ms ? delay : after_ms;
}

bool retry_quota_take(struct retry_quota *quota, enum retry_class class, uint32_t *cost)
{
	uint32_t price = class == RETRY_TIMEOUT ? COST_TIMEOUT : COST;

	if (quota->spent + price > RETRY_QUOTA)
		return false;
	quota->spent += price;
	*cost = price;
	return true;
}

void retry_quota_refill(struct retry_quota *quota, uint32_t cost)
{
	if (!cost)
		cost = REFILL;
	quota->spent -= cost < quota->spent ? cost : quota->spent;
}
