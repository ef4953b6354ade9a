// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "store_server.h"

static void *server_run(void *arg)
{
	struct server *server = arg;

	server->script(server);
	return NULL;
}

void server_start(struct server *server, void (*script)(struct server *server), void *arg)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	server->script = script;
	server->arg = arg;
	server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->listen_fd < 0 || bind(server->listen_fd, (struct sockaddr *)&address, len) ||
	    listen(server->listen_fd, 64) ||
	    getsockname(server->listen_fd, (struct sockaddr *)&address, &len) ||
	    pthread_create(&server->thread, NULL, server_run, server)) {
		perror("server");
		exit(1);
	}
	server->port = ntohs(address.sin_port);
}

void server_stop(struct server *server)
{
	shutdown(server->listen_fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listen_fd);
}

int server_accept(struct server *server)
{
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC), one = 1;

	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void *server_serve(void *arg)
{
	struct server *server = arg;

	server->serve(server, server->fd);
	close(server->fd);
	return NULL;
}

void server_accept_each(struct server *server, void (*serve)(struct server *server, int fd))
{
	enum { MOST = 512 };
	struct server *each[MOST];
	int count = 0, fd;

	while (count < MOST && (fd = server_accept(server)) >= 0) {
		each[count] = calloc(1, sizeof(*server));
		each[count]->serve = serve;
		each[count]->fd = fd;
		if (pthread_create(&each[count]->thread, NULL, server_serve, each[count]))
			abort();
		count++;
	}
	while (count--) {
		pthread_join(each[count]->thread, NULL);
		free(each[count]);
	}
}

int server_read_head(struct server *server, int fd)
{
	size_t len = 0;

	/* A byte at a time leaves the body in the socket. */
	while (len < sizeof(server->head) - 1 && recv(fd, server->head + len, 1, 0) == 1) {
		server->head[++len] = '\0';
		if (len >= 4 && !memcmp(server->head + len - 4, "\r\n\r\n", 4))
			return 0;
	}
	return -1;
}

size_t server_read(int fd, void *data, size_t len)
{
	static __thread char sink[1 << 18];
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		size_t want = len - done;

		if (!data && want > sizeof(sink))
			want = sizeof(sink);
		n = recv(fd, data ? (char *)data + done : sink, want, 0);
		if (n <= 0)
			break;
		done += n;
	}
	return done;
}

void server_write(int fd, const void *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = send(fd, (const char *)data + done, len - done, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		done += n;
	}
}

void server_puts(int fd, const char *s)
{
	server_write(fd, s, strlen(s));
}

void server_reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}
