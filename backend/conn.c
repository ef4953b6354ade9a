// SPDX-License-Identifier: GPL-2.0-only
/*
 * One connection: an easy handle with CONNECT_ONLY. libcurl's own transfers
 * copy every byte through a buffer; send and recv on a connected handle do not.
 *
 * Who waits for an answer costs no system call: one poll for edges lasts as long
 * as the connection. `news` remembers an edge that came while nobody waited, and
 * that the last receive may have left something.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "config.h"
#include "conn_pool.h"
#include "container.h"
#include "curlio.h"
#include "tenant.h"

#define KEEPALIVE_IDLE_S	30	/* an idle connection is probed after this time ... */
#define KEEPALIVE_INTERVAL_S	10	/* ... and so often */

static void socket_option(int fd, int option, unsigned int value)
{
	setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

/*
 * The one place where a connection's address is known: each one that libcurl
 * is about to try, whatever the name resolved to this time.
 */
static curl_socket_t conn_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct conn *conn = arg;
	char text[ADDRESS_TEXT_MAX];
	const struct rules *rules;
	const char *kind = NULL;
	int fd;

	(void)purpose;
	if (conn->target->filtered) {
		rules = tenant_rules(conn->target->tenant);
		conn->rules = rules->serial;
		kind = address_denied(&address->addr, &rules->http_networks);
	}
	if (kind) {
		snprintf(conn->denied, sizeof(conn->denied), "its address %s is %s: allow it in `http_networks` of [tenant %s]",
			 address_text(&address->addr, text), kind, conn->target->tenant->name);
		return CURL_SOCKET_BAD;
	}
	conn->attempted = true;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	/* A peer that is gone without a word: as long as one that is silent. */
	socket_option(fd, TCP_USER_TIMEOUT, conn->target->stall_timeout_ms);
	return fd;
}

/* Asked by its own option libcurl would speak HTTP/2 itself, even on a connection that it only opens. */
static CURLcode conn_alpn(CURL *easy, void *context, void *arg)
{
	static const unsigned char h2[] = { 2, 'h', '2' };

	(void)easy;
	(void)arg;
	return SSL_CTX_set_alpn_protos(context, h2, sizeof(h2)) ? CURLE_OUT_OF_MEMORY : CURLE_OK;
}

static CURLcode conn_setup(struct conn *conn, const struct conn_target *target)
{
	CURL *easy = conn->easy;
	CURLcode code = CURLE_OK;

#define SET(option, value) (code = code ? code : curl_easy_setopt(easy, CURLOPT_##option, value))
	SET(URL, target->url);
	SET(CONNECT_ONLY, 1L);
	SET(PRIVATE, conn);
	SET(ERRORBUFFER, conn->curl_error);
	SET(NOSIGNAL, 1L);
	SET(PROTOCOLS_STR, "http,https");
	SET(PROXY, "");			/* the environment's would see every tenant's traffic */
	SET(FRESH_CONNECT, 1L);
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);	/* or ALPN would agree on HTTP/2 */
	if (target->h2 && target->tls) {
		SET(SSL_ENABLE_ALPN, 0L);
		SET(SSL_CTX_FUNCTION, conn_alpn);
	}
	SET(BUFFERSIZE, 524288L);	/* the most that one curl_easy_recv() moves; its pages stay untouched */
	SET(OPENSOCKETFUNCTION, conn_socket);
	SET(OPENSOCKETDATA, conn);
	SET(TCP_KEEPALIVE, 1L);
	SET(TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	SET(TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
	SET(QUICK_EXIT, 1L);		/* a resolver that hangs must not hold up the worker when its time is over */
	SET(CONNECTTIMEOUT_MS, (long)target->connect_timeout_ms);
	if (target->share)
		SET(SHARE, target->share);
	if (target->ca_file)
		SET(CAINFO, target->ca_file);
#undef SET
	return code;
}

static void conn_tell(struct conn *conn, unsigned int revents)
{
	loop_poll_stop(conn_pool_loop(conn->pool), &conn->poll);
	conn->events = 0;
	conn->ready(conn->arg, revents);
}

static void conn_poll_ready(struct loop_poll *poll, unsigned int revents)
{
	struct conn *conn = container_of(poll, struct conn, poll);

	conn_tell(conn, revents);
}

static void conn_edge(struct loop_poll *poll, unsigned int revents)
{
	struct conn *conn = container_of(poll, struct conn, edges);

	if (!poll->watch)
		loop_poll_start_edges(conn_pool_loop(conn->pool), poll, conn->fd, POLLIN | POLLRDHUP);
	conn->news = true;
	conn->closed |= (revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
	if (conn->events)
		conn_tell(conn, revents);
}

struct conn *conn_open(struct conn_pool *pool, const struct conn_target *target)
{
	struct conn *conn = malloc(sizeof(*conn));

	if (!conn)
		return NULL;
	memset(conn, 0, offsetof(struct conn, out));
	conn->pool = pool;
	conn->target = target;
	conn->fd = CURL_SOCKET_BAD;
	conn->tls = target->tls;
	conn->poll.ready = conn_poll_ready;
	conn->edges.ready = conn_edge;
	conn->easy = curl_easy_init();
	if (!conn->easy || conn_setup(conn, target) || curlio_add(conn_pool_curlio(pool), conn->easy)) {
		curl_easy_cleanup(conn->easy);
		free(conn);
		return NULL;
	}
	return conn;
}

void conn_close(struct conn *conn)
{
	loop_poll_stop(conn_pool_loop(conn->pool), &conn->poll);
	loop_poll_stop(conn_pool_loop(conn->pool), &conn->edges);
	curlio_remove(conn_pool_curlio(conn->pool), conn->easy);
	curl_easy_cleanup(conn->easy);
	if (conn->fd != CURL_SOCKET_BAD)
		close(conn->fd);
	free(conn);
}

/*
 * A descriptor of our own: libcurl closes its one when it finds the connection dead, which it looks for
 * when another one is opened, and that one may get the number.
 */
static CURLcode conn_own(struct conn *conn)
{
	curl_socket_t fd;
	CURLcode code = curl_easy_getinfo(conn->easy, CURLINFO_ACTIVESOCKET, &fd);

	if (code)
		return code;
	conn->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return conn->fd < 0 ? CURLE_COULDNT_CONNECT : CURLE_OK;
}

void conn_done(CURL *easy, CURLcode code)
{
	struct conn *conn;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &conn);
	if (!code)
		code = conn_own(conn);
	if (!code && loop_poll_start_edges(conn_pool_loop(conn->pool), &conn->edges, conn->fd, POLLIN | POLLRDHUP))
		code = CURLE_OUT_OF_MEMORY;
	conn_pool_connected(conn, code);
}

bool conn_is_allowed(struct conn *conn)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	const struct rules *rules;

	if (!conn->target->filtered)
		return true;
	rules = tenant_rules(conn->target->tenant);
	if (conn->rules == rules->serial)
		return true;
	if (getpeername(conn->fd, (struct sockaddr *)&address, &len) ||
	    address_denied((struct sockaddr *)&address, &rules->http_networks))
		return false;
	conn->rules = rules->serial;
	return true;
}

bool conn_was_used(const struct conn *conn)
{
	return conn->used;
}

char *conn_out(struct conn *conn)
{
	return conn->out;
}

char *conn_in(struct conn *conn)
{
	return conn->in;
}

/* Without TLS there is nothing that libcurl would add to the system call. */
static ssize_t plain_result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? -EAGAIN : -ECONNRESET;
}

static ssize_t tls_send(struct conn *conn, const void *data, size_t len)
{
	size_t n = 0;

	switch (curl_easy_send(conn->easy, data, len, &n)) {
	case CURLE_OK:
		return n ? (ssize_t)n : -EAGAIN;
	case CURLE_AGAIN:
		return -EAGAIN;
	default:
		return -ECONNRESET;
	}
}

ssize_t conn_send(struct conn *conn, const void *data, size_t len)
{
	if (conn->tls)
		return tls_send(conn, data, len);
	return plain_result(send(conn->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static ssize_t tls_recv(struct conn *conn, void *data, size_t len)
{
	size_t n = 0;

	switch (curl_easy_recv(conn->easy, data, len, &n)) {
	case CURLE_OK:
		return n;
	case CURLE_AGAIN:
		return -EAGAIN;
	default:
		return -ECONNRESET;
	}
}

ssize_t conn_recv(struct conn *conn, void *data, size_t len)
{
	ssize_t n;

	if (conn->tls)
		return tls_recv(conn, data, len);
	n = plain_result(recv(conn->fd, data, len, MSG_DONTWAIT));
	/* Less than was asked for: the socket is empty, until the next edge. */
	conn->news = n == (ssize_t)len;
	return n;
}

ssize_t conn_recv_last(struct conn *conn, void *data, size_t len)
{
	char beyond;
	struct iovec iov[] = { { data, len }, { &beyond, 1 } };
	ssize_t n;

	if (conn->tls)
		return tls_recv(conn, data, len);
	n = plain_result(readv(conn->fd, iov, 2));	/* libcurl has made it non-blocking */
	conn->surplus = n > (ssize_t)len;
	conn->news = conn->surplus;
	return conn->surplus ? (ssize_t)len : n;
}

bool conn_can_scatter(const struct conn *conn)
{
	return !conn->tls;
}

ssize_t conn_recv_scatter(struct conn *conn, const struct iovec *places, int count, size_t len)
{
	ssize_t n = plain_result(readv(conn->fd, places, count));

	conn->news = n == (ssize_t)len;
	return n;
}

bool conn_is_quiet(struct conn *conn)
{
	char byte;

	/* What TLS has decrypted raises no edge. */
	if (!conn->news && !conn->tls)
		return !conn->closed;
	return conn_recv(conn, &byte, 1) == -EAGAIN;
}

int conn_wait(struct conn *conn, unsigned int events,
	      void (*ready)(void *arg, unsigned int revents), void *arg)
{
	struct loop *loop = conn_pool_loop(conn->pool);

	conn->ready = ready;
	conn->arg = arg;
	if (conn->poll.watch && (!ready || conn->events != events))
		loop_poll_stop(loop, &conn->poll);
	conn->events = ready ? events : 0;
	/* The edges suffice for one who has received all that there was. */
	if (!ready || conn->poll.watch || (events == POLLIN && !conn->news))
		return 0;
	return loop_poll_start(loop, &conn->poll, conn->fd, events);
}
