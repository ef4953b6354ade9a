/* SPDX-License-Identifier: GPL-2.0-only */
/* What a worker counts. Numbers for the operator; only its own thread adds, any thread may read. */
#ifndef NEXUS_COUNTERS_H
#define NEXUS_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

/* X(name, what it counts) */
#define COUNTERS(X) \
	X(requests, "operations started") \
	X(failures, "operations ended with an error") \
	X(denied, "operations refused by policy before any I/O") \
	X(throttled, "operations that had to wait for their tenant's turn or quota") \
	X(store_requests, "HTTP requests sent") \
	X(store_connections, "connections opened") \
	X(bytes_from_store, "payload received") \
	X(bytes_to_store, "payload sent") \
	X(bytes_copied, "payload moved by a memcpy of the daemon's, not by the socket") \
	X(prefetches, "GETs ahead of need") \
	X(prefetch_bytes, "payload that they brought") \
	X(prefetch_hits, "those among them, by the guests' own account, that were asked for later") \
	X(prefetch_useless, "those that never were") \
	X(writes_deferred, "uploads that the guest does not wait for") \
	X(writes_journaled, "uploads acknowledged by the journal") \
	X(writes_degraded, "deferred or journaled uploads that were waited for after all: too much was unwritten") \
	X(retries, "store requests sent again after a failure") \
	X(resumed, "those among them that asked for the rest of a download only") \
	X(grpc_calls, "gRPC calls that guests made") \
	X(grpc_failures, "those among them that ended with another status than OK") \
	X(grpc_retries, "those that were sent again, as the server had not looked at them") \
	X(grpc_served, "gRPC calls that guests took") \
	X(kicks, "wake-ups by a guest") \
	X(notifies, "guests woken")

struct counters {
#define COUNTER(name, help) uint64_t name;
	COUNTERS(COUNTER)
#undef COUNTER
};

#define NR_COUNTERS	(sizeof(struct counters) / sizeof(uint64_t))

/* The fields in order. */
extern const struct counter_field {
	const char *name, *help;
} counter_fields[NR_COUNTERS];

static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t counter_read(const struct counters *counters, size_t field)
{
	return __atomic_load_n((const uint64_t *)counters + field, __ATOMIC_RELAXED);
}

#endif
