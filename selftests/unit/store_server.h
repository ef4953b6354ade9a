/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A server on a loopback port that follows a script: a function in a thread of
 * its own, which accepts, reads and writes as the test wants it.
 */
#ifndef NEXUS_STORE_SERVER_H
#define NEXUS_STORE_SERVER_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct server {
	int listen_fd;
	uint16_t port;
	pthread_t thread;
	void (*script)(struct server *server);
	void *arg;			/* the script's */
	char head[65536];		/* of the request read last */
	void (*serve)(struct server *server, int fd);	/* server_accept_each() */
	int fd;
};

void server_start(struct server *server, void (*script)(struct server *server), void *arg);
void server_stop(struct server *server);	/* the script has ended, or ends now */

int server_accept(struct server *server);	/* a connection, or -1 when stopped */

/* Accept until stopped; each connection is served in a thread of its own. fd is closed after. */
void server_accept_each(struct server *server, void (*serve)(struct server *server, int fd));

int server_read_head(struct server *server, int fd);	/* one request's head; -1 at the end of the stream */
size_t server_read(int fd, void *data, size_t len);	/* data may be NULL; less than len at the end */
void server_write(int fd, const void *data, size_t len);
void server_puts(int fd, const char *s);
void server_reset(int fd);			/* close with RST */

#endif
