/* SPDX-License-Identifier: GPL-2.0-only */
/* A gRPC caller's connection: in the clear, or by TLS. Everything belongs to the ingress's thread. */
#ifndef NEXUS_GRPC_SESSION_H
#define NEXUS_GRPC_SESSION_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include "h2.h"
#include "loop.h"

struct caller;
struct config;
struct tls_server;

struct grpc_session {
	struct grpc_session *next, **prev;
	struct h2 *h2;			/* NULL: the handshake goes on */
	int fd;
	SSL *ssl;			/* NULL: no TLS */
	struct loop_timer handshake;	/* ends one that takes too long */
	struct loop_poll poll;
	unsigned int events;
	void (*ready)(void *arg, unsigned int revents);
	void *arg;
	char peer[64];			/* as gRPC writes it */
	const struct caller *caller;	/* whom its certificate names; NULL: nobody */
	bool certified;			/* it has shown one that is good */
};

/* What the thread has. */
struct grpc_ingress {
	const struct config *config;
	struct loop *loop;
	struct tls_server *tls;		/* NULL: callers speak in the clear */
	struct grpc_session *sessions;
	uint32_t nr_sessions, max_sessions;
};
extern struct grpc_ingress grpc_ingress;

/* A connection that was accepted; takes fd. */
void grpc_session_new(int fd, const struct sockaddr_storage *address);
/* Its calls end. */
void grpc_session_free(struct grpc_session *session);

/* For the connection's calls: grpc_caller.c. */
extern const struct h2_events grpc_caller_events;

#endif
