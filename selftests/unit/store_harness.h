/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the store's tests: the core's side of op.h over windows from
 * malloc(), with the real loop and real sockets. Each window is an allocation
 * of its own, so that the address sanitizer sees a byte too many.
 */
#ifndef NEXUS_STORE_HARNESS_H
#define NEXUS_STORE_HARNESS_H

#include "config.h"
#include "conn.h"
#include "loop.h"
#include "op_core.h"
#include "s3.h"
#include "share.h"
#include "worker_core.h"

struct harness {
	struct endpoint endpoint;
	const struct endpoint *endpoints[2];
	struct credentials credentials;
	struct usage usage;
	struct tenant tenant;
	const struct tenant *as;	/* whose calls start: &tenant */
	struct worker worker;
	struct worker_core core;	/* its clients only */
	char url[64], authority[32];
};

/* One operation. After harness_run() the results are there until call_free(). */
struct call {
	struct op op;
	struct harness *harness;
	struct call_block *blocks;
	struct op_window **tail;

	/* set by the test before call_start() */
	uint32_t window_size;		/* of each window that is sent on by itself */
	const char *upload;		/* what the windows hold */
	size_t upload_len;
	bool late_fin;			/* FIN comes in an empty window of its own */
	bool manual;			/* no window is sent on by itself */
	char *scratch;			/* every window is this memory, of window_size; nothing is kept */

	/* results */
	bool finished;
	int status;
	unsigned int windows_done;	/* completed with MORE */
	char *received;
	size_t received_len;

	size_t uploaded;		/* bytes put into windows */
	bool fin_sent;
	bool turned;			/* an exchange: what windows hold came back */
	bool refill_posted;
};

/* A worker with one tenant, whose endpoint is port on 127.0.0.1. */
void harness_open(struct harness *harness, uint16_t port);
void harness_close(struct harness *harness);
struct counters harness_counters(const struct harness *harness);

void call_start(struct harness *harness, struct call *call, const struct op_type *type,
		const Nexus__V1__Request *request);
void call_window(struct call *call, uint32_t size);	/* one more window */
void call_abort(struct call *call);
void call_free(struct call *call);
const char *call_code(const struct call *call);		/* of the error, "" if none */
const char *call_message(const struct call *call);

/* Run the loop until the call ended, or for so long; false when it did not end. Aborts a test that hangs. */
bool harness_run(struct harness *harness, struct call *call, unsigned int limit_ms);
void harness_run_ms(struct harness *harness, unsigned int ms);

/* Requests, with the message in static storage: one at a time of each kind. */
const Nexus__V1__Request *request_get(const char *bucket, const char *key, const char *range);
const Nexus__V1__Request *request_put(const char *bucket, const char *key, uint64_t length);
const Nexus__V1__Request *request_head(const char *bucket, const char *key);
const Nexus__V1__Request *request_delete(const char *bucket, const char *key);

#endif
