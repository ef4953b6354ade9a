/* SPDX-License-Identifier: GPL-2.0-only */
/* Between conn.c (a connection) and conn_pool.c (who gets it). */
#ifndef NEXUS_CONN_POOL_H
#define NEXUS_CONN_POOL_H

#include <curl/curl.h>
#include "conn.h"
#include "loop.h"

struct conn_pools;

struct conn {
	struct conn_pool *pool;
	const struct conn_target *target;	/* the pool's */
	CURL *easy;		/* stays in the multi: libcurl finds the connection through it */
	curl_socket_t fd;	/* once connected */
	struct loop_poll edges;	/* tells of each arrival, as long as the connection lives */
	struct loop_poll poll;	/* asks once: for room to send, or whether `news` is true */
	unsigned int events;	/* that the holder waits for; 0: none */
	bool tls;
	bool news;		/* there may be something to receive */
	bool closed;		/* by the peer; its end came with an edge, after which none may follow */
	bool surplus;		/* there was more than the answer */
	void (*ready)(void *arg, unsigned int revents);
	void *arg;
	struct conn *next, *prev;	/* in its pool's list of all */
	struct conn *next_idle;
	uint64_t idle_since_ms;
	bool used;		/* carried a request before */
	bool attempted;		/* an address could be tried */
	uint64_t rules;		/* serial of those that the address was held against */
	char denied[160];	/* why the last one could not; "": it could */
	char curl_error[CURL_ERROR_SIZE];
	/* Last, and never cleared: untouched pages cost nothing. */
	char out[CONN_OUT_SIZE];
	char in[CONN_IN_SIZE];
};

/* What a connection needs to know of where it leads; copies, but for the tenant, which stays. */
struct conn_target {
	const struct tenant *tenant;
	char *url;		/* scheme://host:port/ for libcurl */
	bool tls;
	char *ca_file;		/* NULL: the system's */
	CURLSH *share;		/* of TLS sessions; NULL: no TLS */
	bool h2;		/* agree on HTTP/2 by ALPN */
	bool filtered;		/* addresses by the tenant's rules */
	uint32_t connect_timeout_ms;
	uint32_t stall_timeout_ms;
};

/* Begin to connect; conn_pool_connected() follows from the loop. NULL: no memory. */
struct conn *conn_open(struct conn_pool *pool, const struct conn_target *target);
void conn_close(struct conn *conn);

/* An idle connection that has nothing to say; one that has was closed, or broke the protocol. */
bool conn_is_quiet(struct conn *conn);

void conn_pool_connected(struct conn *conn, CURLcode code);	/* called by conn.c */

/* The worker's, for conn.c. */
struct curlio *conn_pool_curlio(struct conn_pool *pool);
struct loop *conn_pool_loop(struct conn_pool *pool);

/* The multi's callback; conn.c's. */
void conn_done(CURL *easy, CURLcode code);

#endif
