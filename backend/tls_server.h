/* SPDX-License-Identifier: GPL-2.0-only */
/* TLS of those who connect to the daemon: 1.2 and later, HTTP/2 agreed upon by ALPN. Belongs to one thread. */
#ifndef NEXUS_TLS_SERVER_H
#define NEXUS_TLS_SERVER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_server;

/*
 * Files of PEM: the certificate with its chain, its key, and who signs the certificates that clients may
 * show (NULL: they are not asked for one). All three outlive it. NULL after the fault was logged.
 */
struct tls_server *tls_server_new(const char *certificate, const char *key, const char *client_ca);
void tls_server_free(struct tls_server *server);	/* NULL is fine */

/*
 * The server's side of a new connection, for SSL_accept(). A certificate file that has changed is read again before;
 * if it is wrong, that is logged and the one before stays. NULL: no memory.
 */
SSL *tls_server_connection(struct tls_server *server, int fd);

/* Was HTTP/2 agreed upon? After the handshake. */
bool tls_is_h2(SSL *ssl);

/* Does the client's verified certificate have this name (DNS, URI or e-mail; else the subject's common name)? */
bool tls_client_is(SSL *ssl, const char *name);
/* Has it shown one at all? */
bool tls_client_has_certificate(SSL *ssl);

/* As send(2) and recv(2): bytes, -EAGAIN or -ECONNRESET. */
ssize_t tls_write(SSL *ssl, const void *data, size_t len);
ssize_t tls_read(SSL *ssl, void *data, size_t len);

#endif
