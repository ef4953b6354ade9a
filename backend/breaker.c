// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "breaker.h"
#include "config.h"

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;	/* protects the list */
static struct breaker *all;

void breaker_init(struct breaker *breaker, const char *tenant, const char *url)
{
	*breaker = (struct breaker){ .tenant = tenant, .url = url };
	pthread_mutex_init(&breaker->lock, NULL);
	pthread_mutex_lock(&all_lock);
	breaker->next = all;
	breaker->prev = &all;
	if (all)
		all->prev = &breaker->next;
	all = breaker;
	pthread_mutex_unlock(&all_lock);
}

void breaker_destroy(struct breaker *breaker)
{
	if (!breaker->prev)
		return;
	pthread_mutex_lock(&all_lock);
	*breaker->prev = breaker->next;
	if (breaker->next)
		breaker->next->prev = breaker->prev;
	pthread_mutex_unlock(&all_lock);
	pthread_mutex_destroy(&breaker->lock);
}

static void breaker_describe(const struct breaker *breaker, uint64_t now_ms, char *text, size_t size)
{
	uint64_t left = breaker->retry_ms > now_ms ? breaker->retry_ms - now_ms : 0;
	char when[24] = "";
	struct tm tm;

	if (gmtime_r(&(time_t){ breaker->since }, &tm))
		strftime(when, sizeof(when), "%FT%TZ", &tm);
	snprintf(text, size, "%s failed %u times in a row since %s and is tried again in %" PRIu64 " ms; last: %s",
		 breaker->url, breaker->failures, when, left, breaker->reason);
}

int breaker_enter(struct breaker *breaker, uint64_t now_ms, char *text, size_t size)
{
	int ret = 0;

	pthread_mutex_lock(&breaker->lock);
	if (breaker->state == BREAKER_OPEN && now_ms >= breaker->retry_ms) {
		breaker->state = BREAKER_HALF_OPEN;
		ret = 1;
	} else if (breaker->state != BREAKER_CLOSED) {
		breaker_describe(breaker, now_ms, text, size);
		ret = -EHOSTDOWN;
	}
	pthread_mutex_unlock(&breaker->lock);
	return ret;
}

void breaker_success(struct breaker *breaker)
{
	if (!breaker->failures)		/* nobody else writes it */
		return;
	pthread_mutex_lock(&breaker->lock);
	breaker->state = BREAKER_CLOSED;
	breaker->failures = 0;
	pthread_mutex_unlock(&breaker->lock);
}

void breaker_failure(struct breaker *breaker, const struct endpoint *endpoint, uint64_t now_ms, const char *reason)
{
	if (!endpoint->breaker_failures)
		return;
	pthread_mutex_lock(&breaker->lock);
	if (!breaker->failures++)
		breaker->since = time(NULL);
	snprintf(breaker->reason, sizeof(breaker->reason), "%s", reason);
	if (breaker->state == BREAKER_HALF_OPEN ||
	    (breaker->state == BREAKER_CLOSED && breaker->failures >= endpoint->breaker_failures)) {
		breaker->opens += breaker->state == BREAKER_CLOSED;
		breaker->state = BREAKER_OPEN;
		breaker->retry_ms = now_ms + endpoint->breaker_cooldown_ms;
	}
	pthread_mutex_unlock(&breaker->lock);
}

void breaker_unknown(struct breaker *breaker, uint64_t now_ms)
{
	pthread_mutex_lock(&breaker->lock);
	if (breaker->state == BREAKER_HALF_OPEN) {
		breaker->state = BREAKER_OPEN;
		breaker->retry_ms = now_ms;
	}
	pthread_mutex_unlock(&breaker->lock);
}

void breaker_each(void (*each)(const struct breaker *breaker, void *arg), void *arg)
{
	pthread_mutex_lock(&all_lock);
	for (struct breaker *breaker = all; breaker; breaker = breaker->next) {
		pthread_mutex_lock(&breaker->lock);
		each(breaker, arg);
		pthread_mutex_unlock(&breaker->lock);
	}
	pthread_mutex_unlock(&all_lock);
}

const char *breaker_state_name(const struct breaker *breaker)
{
	static const char *const names[] = {
		[BREAKER_CLOSED] = "closed", [BREAKER_OPEN] = "open", [BREAKER_HALF_OPEN] = "half-open",
	};

	return names[breaker->state];
}
