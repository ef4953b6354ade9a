// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "config.h"
#include "container.h"
#include "grpc_ingress.h"
#include "grpc_session.h"
#include "tls_server.h"

#define IDLE_MS		300000	/* a connection without a call; callers keep theirs for a while */
#define HANDSHAKE_MS	20000

struct grpc_ingress grpc_ingress;

static ssize_t socket_result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? -EAGAIN : -ECONNRESET;
}

static ssize_t session_send(void *of, const void *data, size_t len)
{
	struct grpc_session *session = of;

	if (session->ssl)
		return tls_write(session->ssl, data, len);
	return socket_result(send(session->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static ssize_t session_recv(void *of, void *data, size_t len)
{
	struct grpc_session *session = of;

	if (session->ssl)
		return tls_read(session->ssl, data, len);
	return socket_result(recv(session->fd, data, len, MSG_DONTWAIT));
}

static void session_ready(struct loop_poll *poll, unsigned int revents)
{
	struct grpc_session *session = container_of(poll, struct grpc_session, poll);

	session->ready(session->arg, revents);
}

static int session_wait(void *of, unsigned int wanted, void (*ready)(void *arg, unsigned int revents), void *arg)
{
	struct grpc_session *session = of;

	session->ready = ready;
	session->arg = arg;
	if (session->poll.watch && ready && session->events == wanted)
		return 0;
	loop_poll_stop(grpc_ingress.loop, &session->poll);
	session->events = wanted;
	return ready ? loop_poll_start(grpc_ingress.loop, &session->poll, session->fd, wanted) : 0;
}

static const struct h2_transport transport = { session_send, session_recv, session_wait };

void grpc_session_free(struct grpc_session *session)
{
	*session->prev = session->next;
	if (session->next)
		session->next->prev = session->prev;
	grpc_ingress.nr_sessions--;
	grpc_ingress_count(GRPC_INGRESS_CONNECTIONS, -1);
	h2_free(session->h2);
	loop_timer_stop(grpc_ingress.loop, &session->handshake);
	loop_poll_stop(grpc_ingress.loop, &session->poll);
	if (session->ssl) {
		ERR_clear_error();
		SSL_shutdown(session->ssl);	/* as far as it goes at once */
		SSL_free(session->ssl);
	}
	close(session->fd);
	free(session);
}

/* ---- TLS ---- */

static void session_identify(struct grpc_session *session)
{
	const struct caller *caller = grpc_ingress.config->callers;

	session->certified = tls_client_has_certificate(session->ssl);
	while (caller && !(caller->certificate && tls_client_is(session->ssl, caller->certificate)))
		caller = caller->next;
	session->caller = caller;
}

/* HTTP/2 begins. False: no memory. */
static bool session_begin(struct grpc_session *session)
{
	session->h2 = h2_new(grpc_ingress.loop, true, &transport, &grpc_caller_events, session, IDLE_MS);
	return session->h2;
}

static void handshake_ready(void *arg, unsigned int revents)
{
	struct grpc_session *session = arg;
	bool good = false;
	int ret;

	(void)revents;
	ERR_clear_error();
	ret = SSL_accept(session->ssl);
	if (ret == 1) {
		loop_timer_stop(grpc_ingress.loop, &session->handshake);
		session_identify(session);
		good = tls_is_h2(session->ssl) && session_begin(session);
	} else if (SSL_get_error(session->ssl, ret) == SSL_ERROR_WANT_READ) {
		good = !session_wait(session, POLLIN, handshake_ready, session);
	} else if (SSL_get_error(session->ssl, ret) == SSL_ERROR_WANT_WRITE) {
		good = !session_wait(session, POLLOUT, handshake_ready, session);
	}
	if (!good)
		grpc_session_free(session);
}

static void handshake_expired(struct loop_timer *timer)
{
	grpc_session_free(container_of(timer, struct grpc_session, handshake));
}

static bool session_handshake(struct grpc_session *session)
{
	session->ssl = tls_server_connection(grpc_ingress.tls, session->fd);
	if (!session->ssl || session_wait(session, POLLIN, handshake_ready, session))
		return false;
	session->handshake.expired = handshake_expired;
	loop_timer_start(grpc_ingress.loop, &session->handshake, HANDSHAKE_MS);
	return true;
}

/* ---- a new one ---- */

static void session_name(struct grpc_session *session, const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;
	char text[INET6_ADDRSTRLEN] = "";

	if (address->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
		snprintf(session->peer, sizeof(session->peer), "ipv6:[%s]:%u", text, ntohs(six->sin6_port));
	} else {
		inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
		snprintf(session->peer, sizeof(session->peer), "ipv4:%s:%u", text, ntohs(four->sin_port));
	}
}

void grpc_session_new(int fd, const struct sockaddr_storage *address)
{
	struct grpc_session *session = calloc(1, sizeof(*session));
	int one = 1;

	if (!session) {
		close(fd);
		return;
	}
	session->fd = fd;
	session->poll.ready = session_ready;
	session_name(session, address);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	session->next = grpc_ingress.sessions;
	session->prev = &grpc_ingress.sessions;
	if (session->next)
		session->next->prev = &session->next;
	grpc_ingress.sessions = session;
	grpc_ingress.nr_sessions++;
	grpc_ingress_count(GRPC_INGRESS_CONNECTIONS, 1);
	if (!(grpc_ingress.tls ? session_handshake(session) : session_begin(session)))
		grpc_session_free(session);
}
