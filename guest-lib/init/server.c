// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "../cleanup.h"
#include "../hypercall.h"
#include "../init_protocol.h"
#include "server.h"

#define STEP_MS		10
#define CLOSE_MS	2000

/*
 * A nexus-init that was killed left channels open, and the host would go on
 * writing to their pages, which are others' now. Nobody else opens channels.
 */
static void server_close_stale(void)
{
	if (hypercall_probe() < 0)
		return;
	for (unsigned long channel = 0; channel < NEXUS_MAX_CHANNELS; channel++)
		hypercall(NEXUS_HC_CLOSE, channel, 0, 0, 0);
}

int server_open(struct server *s, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	autoclose int sock = -1;

	*s = (struct server){ .sock = -1 };
	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -errno;
	/* Only what nobody listens to any more is ours to replace. */
	if (!connect(sock, (struct sockaddr *)&addr, sizeof(addr)) || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno == ECONNREFUSED)
		unlink(path);
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) || chmod(path, 0666) ||
	    listen(sock, NEXUS_MAX_CHANNELS))
		return -errno;
	server_close_stale();
	s->sock = take_fd(&sock);
	return 0;
}

/* A client that is free, or NULL: then further processes wait in the socket's queue. */
static struct client *server_free(struct server *s)
{
	for (struct client *c = s->clients; c < s->clients + SERVER_CLIENTS; c++)
		if (c->state == CLIENT_FREE)
			return c;
	return NULL;
}

static void server_accept(struct server *s)
{
	struct client *c = server_free(s);
	int sock = c ? accept4(s->sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;

	if (sock >= 0)
		client_accept(c, sock);
}

int server_run(struct server *s, int wake)
{
	struct pollfd p[SERVER_CLIENTS + 2];
	int timeout = -1;

	p[0] = (struct pollfd){ .fd = server_free(s) ? s->sock : -1, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = wake, .events = POLLIN };
	for (int i = 0; i < SERVER_CLIENTS; i++) {
		const struct client *c = &s->clients[i];
		bool connected = c->state == CLIENT_CONNECTED || c->state == CLIENT_OPEN;
		int in = client_reap_in(c);

		p[i + 2] = (struct pollfd){ .fd = connected ? c->sock : -1, .events = POLLIN };
		if (in >= 0 && (timeout < 0 || in < timeout))
			timeout = in;
	}
	if (poll(p, SERVER_CLIENTS + 2, timeout) < 0)
		return 0;
	for (int i = 0; i < SERVER_CLIENTS; i++) {
		if (p[i + 2].revents)
			client_serve(&s->clients[i]);
		client_reap(&s->clients[i]);
	}
	if (p[0].revents)
		server_accept(s);
	return p[1].revents != 0;
}

void server_close(struct server *s)
{
	const struct timespec step = { 0, STEP_MS * 1000000L };
	bool closing = true;

	close(s->sock);
	for (struct client *c = s->clients; c < s->clients + SERVER_CLIENTS; c++)
		if (c->state == CLIENT_CONNECTED || c->state == CLIENT_OPEN)
			client_close(c);
	for (int ms = 0; closing && ms < CLOSE_MS; ms += STEP_MS) {
		closing = false;
		for (struct client *c = s->clients; c < s->clients + SERVER_CLIENTS; c++) {
			client_reap(c);
			closing |= c->state == CLIENT_CLOSING;
		}
		if (closing)
			nanosleep(&step, NULL);
	}
}
