/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call that came in, between the thread that serves the caller (grpc_ingress.c) and the worker
 * whose guest answers (grpc_served.c). Each side changes it under the lock, and posts the other one, once until that
 * has looked.
 */
#ifndef NEXUS_GRPC_LINK_H
#define NEXUS_GRPC_LINK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "grpc_wire.h"

struct grpc_call;
struct invocation;
struct loop;
struct op;
struct worker;

struct grpc_bytes {
	char *data;
	uint32_t len, cap;	/* at most H2_WINDOW */
};

struct grpc_link {
	unsigned int refs;	/* atomic: each side's, the invocation's, and each post's */

	/* constant once it is submitted */
	char *method, *authority, *peer;	/* from malloc */
	const char *encoding;		/* of the caller's compressed messages; "": none; constant text */
	char *accept_encoding;		/* from malloc */
	struct grpc_metadata metadata;
	uint64_t timeout_ms;		/* the caller's, when he called; 0: none */
	uint64_t deadline_ms;		/* then: monotonic */

	/* each thread's own */
	struct grpc_call *call;		/* the worker's; NULL: not taken, or left */
	void *stream;			/* the ingress's; NULL: the caller is gone */

	pthread_mutex_t lock;		/* of what follows */
	struct loop *ingress;		/* NULL: it does not look any more */
	struct worker *worker;		/* the same */
	bool ingress_posted, worker_posted;
	struct grpc_bytes rx;		/* from the caller */
	bool half_closed;
	bool gone;			/* so is the caller */
	enum grpc_status gone_status;
	uint32_t consumed;		/* bytes that the guest has taken since the ingress looked */
	struct grpc_bytes tx;		/* to the caller */
	bool wants_room;		/* it did not take all that was written */
	bool has_headers;
	struct grpc_metadata headers;
	const char *tx_encoding;	/* of the guest's compressed messages, as above */
	bool finished;
	bool refused;			/* without a handle: the invocation goes on until its time-out */
	unsigned int status;
	char *details;			/* from malloc */
	struct grpc_metadata trailing;
};

struct grpc_link *grpc_link_new(struct loop *ingress);	/* one reference; NULL: no memory */
struct grpc_link *grpc_link_get(struct grpc_link *link);
void grpc_link_put(struct grpc_link *link);

/* Append; how many bytes, as far as there is room and memory. Lock held, as for the next two. */
uint32_t grpc_bytes_add(struct grpc_bytes *bytes, const void *data, uint32_t len);
void grpc_bytes_drop(struct grpc_bytes *bytes, uint32_t len);

void grpc_link_post_ingress(struct grpc_link *link);
void grpc_link_post_worker(struct grpc_link *link);

/* The sides' own: what a post leads to. */
void grpc_ingress_look(void *link);
void grpc_served_look(void *link);

/* The worker's: an instance takes the invocation with Next, whose answer gets the call. */
Nexus__V1__GrpcIncoming *grpc_served_take(struct op *op, struct invocation *inv);

#endif
