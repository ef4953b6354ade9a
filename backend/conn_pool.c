// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "breaker.h"
#include "cleanup.h"
#include "config.h"
#include "conn_pool.h"
#include "container.h"
#include "curlio.h"
#include "retry.h"
#include "sigv4.h"
#include "worker.h"

#define POOL_BUCKETS	64	/* hash by tenant */

struct conn_pool {
	struct conn_pool *next;
	struct conn_pools *pools;
	uint32_t users;			/* conn_pool_find() without conn_pool_put() */
	uint64_t used;			/* the pools' clock, when it was found last */
	char *url;			/* the endpoint's, as configured */
	struct conn_target target;
	uint32_t max_connections, idle_timeout_ms;
	uint32_t open;			/* connections, whatever they do */
	uint32_t connecting;
	struct conn *conns;		/* all of them */
	struct conn *idle;		/* the one used last comes first */
	struct conn_waiter *waiters, **waiters_tail;
	struct loop_timer idle_timer;
	struct sigv4_signer *signer;
	struct breaker breaker;
	struct retry_quota quota;
	struct conn_answer answers[CONN_HEAD_KINDS];
};

struct conn_pools {
	struct worker *worker;
	struct curlio *io;
	uint64_t clock;			/* counts conn_pool_find() */
	struct conn_pool *buckets[POOL_BUCKETS];
};

struct curlio *conn_pool_curlio(struct conn_pool *pool)
{
	return pool->pools->io;
}

struct loop *conn_pool_loop(struct conn_pool *pool)
{
	return pool->pools->worker->loop;
}

const char *conn_pool_url(const struct conn_pool *pool)
{
	return pool->url;
}

struct sigv4_signer *conn_pool_signer(struct conn_pool *pool)
{
	return pool->signer;
}

struct breaker *conn_pool_breaker(struct conn_pool *pool)
{
	return &pool->breaker;
}

struct retry_quota *conn_pool_quota(struct conn_pool *pool)
{
	return &pool->quota;
}

struct conn_answer *conn_pool_answer(struct conn_pool *pool, unsigned int kind)
{
	return &pool->answers[kind];
}

/* ---- connections of a pool ---- */

static void pool_close(struct conn *conn)
{
	struct conn_pool *pool = conn->pool;

	if (conn->next)
		conn->next->prev = conn->prev;
	if (conn->prev)
		conn->prev->next = conn->next;
	else
		pool->conns = conn->next;
	pool->open--;
	conn_close(conn);
}

static int pool_open(struct conn_pool *pool)
{
	struct conn *conn = conn_open(pool, &pool->target);

	if (!conn)
		return -ENOMEM;
	conn->next = pool->conns;
	if (conn->next)
		conn->next->prev = conn;
	pool->conns = conn;
	pool->open++;
	pool->connecting++;
	counter_add(&pool->pools->worker->counters.store_connections, 1);
	return 0;
}

/* ---- idle connections ---- */

static struct conn *idle_pop(struct conn_pool *pool)
{
	struct conn *conn = pool->idle;

	if (conn)
		pool->idle = conn->next_idle;
	return conn;
}

static void idle_push(struct conn_pool *pool, struct conn *conn)
{
	struct loop *loop = conn_pool_loop(pool);

	conn->idle_since_ms = loop_now_ms(loop);
	conn->next_idle = pool->idle;
	pool->idle = conn;
	if (!pool->idle_timer.deadline_ms)
		loop_timer_start(loop, &pool->idle_timer, pool->idle_timeout_ms);
}

/* Close the idle connections that nobody used since. */
static void idle_drop(struct conn_pool *pool, uint64_t since_ms)
{
	struct conn **p = &pool->idle, *conn;

	while ((conn = *p)) {
		if (conn->idle_since_ms <= since_ms) {
			*p = conn->next_idle;
			pool_close(conn);
		} else {
			p = &conn->next_idle;
		}
	}
}

/* ---- waiters ---- */

static void waiter_queue(struct conn_pool *pool, struct conn_waiter *waiter)
{
	waiter->pool = pool;
	waiter->next = NULL;
	waiter->link = pool->waiters_tail;
	*pool->waiters_tail = waiter;
	pool->waiters_tail = &waiter->next;
}

static void waiter_unlink(struct conn_waiter *waiter)
{
	*waiter->link = waiter->next;
	if (waiter->next)
		waiter->next->link = waiter->link;
	else
		waiter->pool->waiters_tail = waiter->link;
	waiter->link = NULL;
}

static void waiter_fail(struct conn_waiter *waiter, int status, bool denied, const char *reason)
{
	waiter_unlink(waiter);
	waiter->denied = denied;
	waiter->status = status;
	snprintf(waiter->reason, sizeof(waiter->reason), "%s", reason);
	waiter->granted(waiter, NULL);
}

/* One connection on its way for each waiter, as far as the limit lets. */
static int pool_connect(struct conn_pool *pool)
{
	uint32_t wanted = 0;
	int ret = 0;

	for (struct conn_waiter *waiter = pool->waiters; waiter && wanted <= pool->connecting; waiter = waiter->next)
		wanted++;
	if (wanted <= pool->connecting)
		return 0;
	if (pool->open >= pool->max_connections && pool->idle) {
		/* Only whoever wants a fresh connection waits while one idles. */
		pool_close(idle_pop(pool));
	}
	if (pool->open < pool->max_connections)
		ret = pool_open(pool);
	return ret;
}

/* Without memory the timer tries again, so that no caller meets granted() here. */
static void pool_refill(struct conn_pool *pool)
{
	if (pool_connect(pool) && !pool->open)
		loop_timer_start(conn_pool_loop(pool), &pool->idle_timer, 0);
}

static void idle_expired(struct loop_timer *timer)
{
	struct conn_pool *pool = container_of(timer, struct conn_pool, idle_timer);
	uint64_t now = loop_now_ms(conn_pool_loop(pool)), oldest = now;

	if (now >= pool->idle_timeout_ms)
		idle_drop(pool, now - pool->idle_timeout_ms);
	for (struct conn *conn = pool->idle; conn; conn = conn->next_idle)
		oldest = conn->idle_since_ms;
	if (pool->idle)
		loop_timer_start(conn_pool_loop(pool), timer, oldest + pool->idle_timeout_ms - now);
	pool->users++;		/* whoever is told may let go */
	if (pool_connect(pool) && !pool->open) {
		waiter_fail(pool->waiters, -ENOMEM, false, "out of memory");
		pool_refill(pool);
	}
	pool->users--;
}

static int pool_status(const struct conn *conn, CURLcode code)
{
	long os_errno = 0;

	curl_easy_getinfo(conn->easy, CURLINFO_OS_ERRNO, &os_errno);
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return os_errno ? -(int)os_errno : -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}

/* Hand a connection that is ready to the next in the queue, or let it idle. */
static void pool_grant(struct conn_pool *pool, struct conn *conn)
{
	struct conn_waiter *waiter = pool->waiters;

	if (!waiter) {
		idle_push(pool, conn);
		return;
	}
	waiter_unlink(waiter);
	waiter->granted(waiter, conn);
}

void conn_pool_connected(struct conn *conn, CURLcode code)
{
	struct conn_pool *pool = conn->pool;
	bool denied = conn->denied[0] && !conn->attempted;
	char reason[CURL_ERROR_SIZE];
	int status;

	pool->connecting--;
	if (!code) {
		pool_grant(pool, conn);
		return;
	}
	status = denied ? -EACCES : pool_status(conn, code);
	snprintf(reason, sizeof(reason), "%s", denied ? conn->denied :
		 conn->curl_error[0] ? conn->curl_error : curl_easy_strerror(code));
	pool_close(conn);
	pool->users++;		/* whoever is told may let go */
	if (pool->waiters)
		waiter_fail(pool->waiters, status, denied, reason);
	pool_refill(pool);
	pool->users--;
}

struct conn *conn_get(struct conn_pool *pool, struct conn_waiter *waiter)
{
	struct conn *conn;

	while (!waiter->fresh && (conn = idle_pop(pool))) {
		if (conn_is_allowed(conn) && conn_is_quiet(conn))
			return conn;
		pool_close(conn);
	}
	waiter_queue(pool, waiter);
	pool_refill(pool);
	return NULL;
}

void conn_get_abort(struct conn_waiter *waiter)
{
	if (waiter->link)
		waiter_unlink(waiter);
}

void conn_put(struct conn *conn, bool keep)
{
	struct conn_pool *pool = conn->pool;

	conn_wait(conn, 0, NULL, NULL);
	conn->used = true;
	if (keep && !conn->surplus && conn_is_allowed(conn) && !(pool->waiters && pool->waiters->fresh)) {
		pool_grant(pool, conn);
		return;
	}
	pool_close(conn);
	pool_refill(pool);
}

/* ---- pools ---- */

static void pool_free(struct conn_pool *pool)
{
	while (pool->conns)
		pool_close(pool->conns);
	loop_timer_stop(conn_pool_loop(pool), &pool->idle_timer);
	curl_share_cleanup(pool->target.share);
	sigv4_free(pool->signer);
	breaker_destroy(&pool->breaker);
	free(pool->target.url);
	free(pool->target.ca_file);
	free(pool->url);
	free(pool);
}

/* The certificates that an endpoint's is checked against; NULL: the system's. */
static const char *pool_ca_file(const struct tenant *tenant, const struct endpoint *endpoint)
{
	return tenant->ca_file ? tenant->ca_file : endpoint->ca_file;
}

/* TLS sessions are as little shared between tenants as connections are. */
static CURLSH *pool_share(void)
{
	CURLSH *share = curl_share_init();

	if (share && curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION)) {
		curl_share_cleanup(share);
		share = NULL;
	}
	return share;
}

static struct conn_pool *pool_new(struct conn_pools *pools, const struct tenant *tenant,
				  const struct endpoint *endpoint)
{
	const char *ca_file = pool_ca_file(tenant, endpoint);
	bool brackets = strchr(endpoint->host, ':');
	struct conn_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->pools = pools;
	pool->waiters_tail = &pool->waiters;
	pool->idle_timer.expired = idle_expired;
	pool->url = strdup(endpoint->url);
	pool->target.tenant = tenant;
	pool->target.filtered = endpoint->filtered;
	pool->target.h2 = endpoint->h2;
	pool->target.ca_file = ca_file ? strdup(ca_file) : NULL;
	pool->target.share = endpoint->tls ? pool_share() : NULL;
	pool->target.tls = endpoint->tls;
	pool->signer = sigv4_new();
	if (asprintf(&pool->target.url, "%s://%s%s%s:%u/", endpoint->tls ? "https" : "http", brackets ? "[" : "",
		     endpoint->host, brackets ? "]" : "", endpoint->port) < 0)
		pool->target.url = NULL;
	if (!pool->url || !pool->target.url || !pool->signer || (ca_file && !pool->target.ca_file) ||
	    (endpoint->tls && !pool->target.share)) {
		pool_free(pool);
		return NULL;
	}
	breaker_init(&pool->breaker, tenant->name, pool->url);
	return pool;
}

/* A connection that was made without a look at its address is no guest's to choose. */
static bool pool_is(const struct conn_pool *pool, const struct tenant *tenant, const struct endpoint *endpoint)
{
	const char *ca_file = pool_ca_file(tenant, endpoint);

	return pool->target.tenant == tenant && pool->target.filtered == endpoint->filtered &&
	       pool->target.h2 == endpoint->h2 &&
	       !strcmp(pool->url, endpoint->url) &&
	       !strcmp(pool->target.ca_file ? pool->target.ca_file : "", ca_file ? ca_file : "");
}

/* Room for one more pool of a tenant's guests. -EBUSY: all are in use. */
static int pool_make_room(struct conn_pool **bucket, const struct tenant *tenant)
{
	struct conn_pool **oldest = NULL, *pool;
	unsigned int count = 0;

	for (struct conn_pool **p = bucket; *p; p = &(*p)->next) {
		if (!(*p)->target.filtered || (*p)->target.tenant != tenant)
			continue;
		count++;
		if (!(*p)->users && (!oldest || (*p)->used < (*oldest)->used))
			oldest = p;
	}
	if (count < CONN_ORIGINS_MAX)
		return 0;
	if (!oldest)
		return -EBUSY;
	pool = *oldest;
	*oldest = pool->next;
	pool_free(pool);
	return 0;
}

static struct conn_pool **tenant_bucket(struct conn_pools *pools, const struct tenant *tenant)
{
	return &pools->buckets[((uintptr_t)tenant >> 6) % POOL_BUCKETS];
}

struct conn_pool *conn_pool_find(struct conn_pools *pools, const struct tenant *tenant,
				 const struct endpoint *endpoint)
{
	struct conn_pool **bucket = tenant_bucket(pools, tenant), *pool;

	for (pool = *bucket; pool && !pool_is(pool, tenant, endpoint); pool = pool->next)
		;
	if (!pool) {
		if (endpoint->filtered && pool_make_room(bucket, tenant)) {
			errno = EBUSY;
			return NULL;
		}
		pool = pool_new(pools, tenant, endpoint);
		if (!pool) {
			errno = ENOMEM;
			return NULL;
		}
		pool->max_connections = endpoint->max_connections;
		pool->idle_timeout_ms = endpoint->idle_timeout_ms;
		pool->target.connect_timeout_ms = endpoint->connect_timeout_ms;
		pool->target.stall_timeout_ms = endpoint->stall_timeout_ms;
		pool->next = *bucket;
		*bucket = pool;
	}
	pool->used = ++pools->clock;
	pool->users++;
	return pool;
}

void conn_pool_put(struct conn_pool *pool)
{
	pool->users--;
}

struct conn_pools *conn_pools_new(struct worker *worker)
{
	struct conn_pools *pools = calloc(1, sizeof(*pools));

	if (!pools)
		return NULL;
	pools->worker = worker;
	pools->io = curlio_new(worker->loop, conn_done);
	if (!pools->io) {
		free(pools);
		errno = ENOMEM;
		return NULL;
	}
	return pools;
}

void conn_pools_free(struct conn_pools *pools)
{
	struct conn_pool *pool;

	if (!pools)
		return;
	for (int i = 0; i < POOL_BUCKETS; i++) {
		while ((pool = pools->buckets[i])) {
			pools->buckets[i] = pool->next;
			pool_free(pool);
		}
	}
	curlio_free(pools->io);
	free(pools);
}
