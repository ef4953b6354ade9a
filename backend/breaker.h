/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A circuit breaker, one per connection pool (tenant, endpoint and worker).
 * After so many failures in a row of the endpoint itself (no connection, no
 * answer, 5xx that is no throttling) requests fail at once, without I/O, for
 * a while; then one request probes, and its success closes the circuit again.
 * The worker's thread moves it; any thread may describe all.
 */
#ifndef NEXUS_BREAKER_H
#define NEXUS_BREAKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint;

enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,
	BREAKER_HALF_OPEN,	/* a probe is on its way */
};

struct breaker {
	/* constant: the pool's */
	const char *tenant, *url;
	struct breaker *next, **prev;	/* of all */
	pthread_mutex_t lock;		/* protects the rest; uncontended but for describing */
	enum breaker_state state;
	uint32_t failures;		/* in a row */
	uint64_t opens;			/* times it opened */
	int64_t since;			/* unix time of the first of them */
	uint64_t retry_ms;		/* OPEN: when a probe may go, by the loop's clock */
	char reason[160];		/* of the last failure */
};

void breaker_init(struct breaker *breaker, const char *tenant, const char *url);
void breaker_destroy(struct breaker *breaker);

/*
 * May a request go? 0; 1 it goes as the probe; -EHOSTDOWN: no, and text says
 * since when, why, and when it is tried again.
 */
int breaker_enter(struct breaker *breaker, uint64_t now_ms, char *text, size_t size);

/* What came of a request that was let go. */
void breaker_success(struct breaker *breaker);
void breaker_failure(struct breaker *breaker, const struct endpoint *endpoint, uint64_t now_ms, const char *reason);
void breaker_unknown(struct breaker *breaker, uint64_t now_ms);	/* a probe that was given up */

/* Call each() for every breaker, which is locked meanwhile. */
void breaker_each(void (*each)(const struct breaker *breaker, void *arg), void *arg);
const char *breaker_state_name(const struct breaker *breaker);

#endif
