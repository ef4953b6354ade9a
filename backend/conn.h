/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections to stores, pooled by tenant and endpoint and worker; no tenant
 * ever gets a connection that another one used. libcurl resolves, connects and
 * does TLS; bytes then go through curl_easy_send() and curl_easy_recv()
 * straight from and to the memory that the caller names; without TLS, send(2) and recv(2).
 * Everything here belongs to the worker's thread.
 */
#ifndef NEXUS_CONN_H
#define NEXUS_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct breaker;
struct conn;
struct conn_pool;
struct conn_pools;
struct endpoint;
struct retry_quota;
struct sigv4_signer;
struct tenant;
struct worker;

/* All pools of a worker; the worker's loop exists already. NULL with errno set. */
struct conn_pools *conn_pools_new(struct worker *worker);

/* Closes every connection. Operations that hold or await one were aborted before. */
void conn_pools_free(struct conn_pools *pools);

/*
 * The tenant's pool for an endpoint, created on first use; the endpoint is
 * copied. The caller holds it until conn_pool_put(). NULL with errno set:
 * ENOMEM; EBUSY: all CONN_ORIGINS_MAX pools of endpoints that guests named
 * (endpoint.filtered) are in use; else the one used least recently makes room.
 */
struct conn_pool *conn_pool_find(struct conn_pools *pools, const struct tenant *tenant,
				 const struct endpoint *endpoint);
void conn_pool_put(struct conn_pool *pool);
#define CONN_ORIGINS_MAX 64	/* per tenant and worker */
const char *conn_pool_url(const struct conn_pool *pool);	/* of the endpoint, for messages */
struct sigv4_signer *conn_pool_signer(struct conn_pool *pool);
struct breaker *conn_pool_breaker(struct conn_pool *pool);
struct retry_quota *conn_pool_quota(struct conn_pool *pool);

/*
 * The answer with payload that came last, by kind of request. http.c keeps it,
 * to know how much to read before the payload, or along with it.
 */
struct conn_answer {
	uint32_t head;		/* bytes; 0: none came yet */
	uint32_t same;		/* so many heads in a row had this length */
	uint32_t caution;	/* so many more of them are wanted, for others came by surprise */
	uint64_t body;		/* bytes as announced; UINT64_MAX: not announced */
};
#define CONN_HEAD_KINDS	8
struct conn_answer *conn_pool_answer(struct conn_pool *pool, unsigned int kind);

/* Somebody who wants a connection. The caller owns the struct. */
struct conn_waiter {
	/*
	 * Called once, never from within conn_get(): conn, or NULL after a
	 * failed connect; status and reason then say why.
	 */
	void (*granted)(struct conn_waiter *waiter, struct conn *conn);
	bool fresh;		/* refuse a connection that was used before */
	bool denied;		/* the tenant may not reach the address; status is -EACCES */
	int status;		/* -ECONNREFUSED, -EHOSTUNREACH, -ETIMEDOUT, -EPROTO (TLS), -ENOMEM */
	char reason[256];
	struct conn_waiter *next, **link;	/* the pool's; link NULL: not queued */
	struct conn_pool *pool;
};

/* A connection that is idle now, or NULL: the waiter is queued, first come first served. */
struct conn *conn_get(struct conn_pool *pool, struct conn_waiter *waiter);

/* Leave the queue. A no-op when not in it. */
void conn_get_abort(struct conn_waiter *waiter);

/* Give a connection back: for the next one (keep), or to be closed. May call granted() of a waiter. */
void conn_put(struct conn *conn, bool keep);

bool conn_was_used(const struct conn *conn);	/* not its first request */

/* Does it lead where the tenant's rules let guests go now? A reload may have changed them since it was opened. */
bool conn_is_allowed(struct conn *conn);

/*
 * Move bytes; never blocks. Bytes moved; -EAGAIN not now (conn_wait()); recv: 0
 * at the end of the stream; -ECONNRESET the connection broke.
 */
ssize_t conn_send(struct conn *conn, const void *data, size_t len);
ssize_t conn_recv(struct conn *conn, void *data, size_t len);

/* For the last len bytes of an answer: should more come along, the connection is not used again. */
ssize_t conn_recv_last(struct conn *conn, void *data, size_t len);

/*
 * To several places, one after the other, of len bytes in all; what lies behind the last byte
 * received is not touched. Not over TLS.
 */
bool conn_can_scatter(const struct conn *conn);
ssize_t conn_recv_scatter(struct conn *conn, const struct iovec *places, int count, size_t len);

/*
 * Call ready() once when one of events (POLLIN, POLLOUT) holds; a later call
 * replaces an earlier one. ready is NULL to stop. Receivers of TLS call
 * conn_recv() until -EAGAIN before they wait: bytes may be decrypted already.
 */
int conn_wait(struct conn *conn, unsigned int events,
	      void (*ready)(void *arg, unsigned int revents), void *arg);

/*
 * Buffers that the connection lends to whoever holds it; only pages that were
 * touched cost memory.
 */
#define CONN_OUT_SIZE	65536U		/* a request's head */
#define CONN_IN_SIZE	65536U		/* a response's head, then a body that is not payload */
char *conn_out(struct conn *conn);
char *conn_in(struct conn *conn);

#endif
