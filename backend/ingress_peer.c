// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include "ingress_peer.h"
#include "log.h"
#include "loop.h"

#define LOOK_MS		500	/* how late one is found */
#define BYTES_PER_MS	16	/* a body comes at least so fast, or is slow for no longer than idle_ms */

enum peer_state {
	PEER_WAITED_FOR,	/* no request, or a part of one's head */
	PEER_SENDS,		/* its body */
	PEER_WAITS,		/* for its answer: the function's limits hold */
};

struct peer {
	struct peer *next, **prev;
	int fd;
	enum peer_state state;
	uint64_t since_ms;	/* in this state */
	uint64_t received;	/* bytes of the body */
};

static struct {
	struct loop *loop;
	struct loop_timer timer;
	uint64_t idle_ms;
	pthread_mutex_t lock;	/* of the list, and of what is in it */
	struct peer *list;
} peers = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct peer *peer_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void peer_enter(struct MHD_Connection *connection, enum peer_state state)
{
	struct peer *peer = peer_of(connection);

	if (!peer)
		return;
	pthread_mutex_lock(&peers.lock);
	peer->state = state;
	peer->since_ms = clock_ms();
	peer->received = 0;
	pthread_mutex_unlock(&peers.lock);
}

void peer_head(struct MHD_Connection *connection)
{
	peer_enter(connection, PEER_SENDS);
}

void peer_complete(struct MHD_Connection *connection)
{
	peer_enter(connection, PEER_WAITS);
}

void peer_answered(struct MHD_Connection *connection)
{
	peer_enter(connection, PEER_WAITED_FOR);
}

void peer_body(struct MHD_Connection *connection, size_t len)
{
	struct peer *peer = peer_of(connection);

	if (!peer)
		return;
	pthread_mutex_lock(&peers.lock);
	peer->received += len;
	pthread_mutex_unlock(&peers.lock);
}

/* Its descriptor is open until the server said that the connection is closed. */
static void peer_begin(struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct peer *peer = info ? calloc(1, sizeof(*peer)) : NULL;

	*context = peer;
	if (!peer)
		return;
	peer->fd = info->connect_fd;
	peer->since_ms = clock_ms();
	pthread_mutex_lock(&peers.lock);
	peer->next = peers.list;
	peer->prev = &peers.list;
	if (peer->next)
		peer->next->prev = &peer->next;
	peers.list = peer;
	pthread_mutex_unlock(&peers.lock);
}

static void peer_end(struct peer *peer)
{
	if (!peer)
		return;
	pthread_mutex_lock(&peers.lock);
	*peer->prev = peer->next;
	if (peer->next)
		peer->next->prev = peer->prev;
	pthread_mutex_unlock(&peers.lock);
	free(peer);
}

void peer_notify(void *arg, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what)
{
	(void)arg;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		peer_begin(connection, context);
	} else {
		peer_end(*context);
		*context = NULL;
	}
}

/* A head may come as late as the server allows a silent caller, and take as long again. */
static bool peer_is_slow(const struct peer *peer, uint64_t now_ms)
{
	uint64_t took_ms = now_ms - peer->since_ms;

	return (peer->state == PEER_WAITED_FOR && took_ms > 2 * peers.idle_ms) ||
	       (peer->state == PEER_SENDS && took_ms > peers.idle_ms + peer->received / BYTES_PER_MS);
}

static void peers_look(struct loop_timer *timer)
{
	uint64_t now_ms;

	pthread_mutex_lock(&peers.lock);
	now_ms = clock_ms();
	for (struct peer *peer = peers.list; peer; peer = peer->next) {
		if (!peer_is_slow(peer, now_ms))
			continue;
		log_info("ingress: a caller is cut off who takes too long to send %s",
			 peer->state == PEER_SENDS ? "a body" : "a request's head");
		/* The server finds that out, and closes it. */
		shutdown(peer->fd, SHUT_RDWR);
		peer->since_ms = now_ms;
	}
	pthread_mutex_unlock(&peers.lock);
	loop_timer_start(peers.loop, timer, LOOK_MS);
}

void peers_start(struct loop *loop, uint32_t idle_ms)
{
	peers.loop = loop;
	peers.idle_ms = idle_ms;
	peers.timer.expired = peers_look;
	loop_timer_start(loop, &peers.timer, LOOK_MS);
}

void peers_stop(void)
{
	if (peers.loop)
		loop_timer_stop(peers.loop, &peers.timer);
	peers.loop = NULL;
}
