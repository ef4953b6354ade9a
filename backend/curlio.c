// SPDX-License-Identifier: GPL-2.0-only
/*
 * libcurl names sockets and the events it waits for once, and expects to be
 * told for as long as they hold; the loop's polls are one-shot, so each is
 * armed again after libcurl had its turn.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include "container.h"
#include "curlio.h"
#include "loop.h"

struct curlio_socket {
	struct loop_poll poll;
	struct curlio *io;
	curl_socket_t fd;
	unsigned int events;
};

struct curlio {
	struct loop *loop;
	CURLM *multi;
	void (*done)(CURL *easy, CURLcode code);
	struct loop_timer timer;
	struct curlio_socket *current;	/* whose event is being handled; NULL once libcurl dropped it */
};

/* NOSIGNAL leaves SIGPIPE to us: a broken TLS connection would raise it. */
static void curlio_init_once(void)
{
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void curlio_report(struct curlio *io)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(io->multi, &left))) {
		if (msg->msg == CURLMSG_DONE)
			io->done(msg->easy_handle, msg->data.result);
	}
}

static void curlio_timer_expired(struct loop_timer *timer)
{
	struct curlio *io = container_of(timer, struct curlio, timer);
	int running;

	curl_multi_socket_action(io->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	curlio_report(io);
}

static int curlio_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct curlio *io = arg;

	(void)multi;
	if (timeout_ms < 0)
		loop_timer_stop(io->loop, &io->timer);
	else
		loop_timer_start(io->loop, &io->timer, timeout_ms);
	return 0;
}

/* A poll that cannot be armed ends in the connect time-out. */
static void curlio_arm(struct curlio_socket *socket)
{
	loop_poll_start(socket->io->loop, &socket->poll, socket->fd, socket->events);
}

static void curlio_socket_ready(struct loop_poll *poll, unsigned int revents)
{
	struct curlio_socket *socket = container_of(poll, struct curlio_socket, poll);
	struct curlio *io = socket->io;
	int action = 0, running;

	if (revents & (POLLIN | POLLHUP))
		action |= CURL_CSELECT_IN;
	if (revents & POLLOUT)
		action |= CURL_CSELECT_OUT;
	if (revents & (POLLERR | POLLNVAL))
		action |= CURL_CSELECT_ERR;
	io->current = socket;
	curl_multi_socket_action(io->multi, socket->fd, action, &running);
	if (io->current && !socket->poll.watch)
		curlio_arm(socket);
	io->current = NULL;
	curlio_report(io);
}

static int curlio_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct curlio_socket *socket = socket_arg;
	struct curlio *io = arg;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (!socket)
			return 0;
		loop_poll_stop(io->loop, &socket->poll);
		if (io->current == socket)
			io->current = NULL;
		free(socket);
		return 0;
	}
	if (!socket) {
		socket = calloc(1, sizeof(*socket));
		if (!socket)
			return 0;	/* the connect time-out ends it */
		socket->io = io;
		socket->fd = fd;
		socket->poll.ready = curlio_socket_ready;
		curl_multi_assign(io->multi, fd, socket);
	}
	socket->events = (what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0);
	curlio_arm(socket);
	return 0;
}

struct curlio *curlio_new(struct loop *loop, void (*done)(CURL *easy, CURLcode code))
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct curlio *io;

	pthread_once(&once, curlio_init_once);
	io = calloc(1, sizeof(*io));
	if (!io)
		return NULL;
	io->loop = loop;
	io->done = done;
	io->timer.expired = curlio_timer_expired;
	io->multi = curl_multi_init();
	if (!io->multi) {
		free(io);
		return NULL;
	}
	curl_multi_setopt(io->multi, CURLMOPT_SOCKETFUNCTION, curlio_socket);
	curl_multi_setopt(io->multi, CURLMOPT_SOCKETDATA, io);
	curl_multi_setopt(io->multi, CURLMOPT_TIMERFUNCTION, curlio_timer);
	curl_multi_setopt(io->multi, CURLMOPT_TIMERDATA, io);
	return io;
}

void curlio_free(struct curlio *io)
{
	if (!io)
		return;
	curl_multi_cleanup(io->multi);
	loop_timer_stop(io->loop, &io->timer);
	free(io);
}

int curlio_add(struct curlio *io, CURL *easy)
{
	int running;

	if (curl_multi_add_handle(io->multi, easy))
		return -ENOMEM;
	/* Resolve and connect now, not a timer's tick later; the tick brings the news if that failed. */
	curl_multi_socket_action(io->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	loop_timer_start(io->loop, &io->timer, 0);
	return 0;
}

void curlio_remove(struct curlio *io, CURL *easy)
{
	curl_multi_remove_handle(io->multi, easy);
}
