// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "tcp_listen.h"

#define SCRAPERS_MAX	16	/* connections at once */
#define IDLE_S		30
#define MEMORY_LIMIT	8192	/* of a connection: there is no body to read */

static struct {
	const struct config *config;
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct loop_poll poll;
	struct loop_timer timer;
} metrics;

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status, const char *type, char *text)
{
	struct MHD_Response *response;
	enum MHD_Result ret;

	response = text ? MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE) : NULL;
	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", type);
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
			       const char *version, const char *body, size_t *len, void **state)
{
	(void)arg;
	(void)version;
	(void)body;
	/* Called for the head, then for each piece of a body, then once more. */
	if (!*state || *len) {
		*state = &metrics;
		*len = 0;
		return MHD_YES;
	}
	if (strcmp(url, "/metrics"))
		return answer(connection, 404, "text/plain", strdup("the metrics are at /metrics\n"));
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return answer(connection, 405, "text/plain", strdup("the metrics are for GET\n"));
	return answer(connection, 200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(metrics.config));
}

/* libmicrohttpd keeps all of its sockets in one epoll, which is watched here. */
static void metrics_watch(void)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(metrics.daemon, MHD_DAEMON_INFO_EPOLL_FD);
	MHD_UNSIGNED_LONG_LONG timeout;

	if (loop_poll_start(metrics.loop, &metrics.poll, info->epoll_fd, POLLIN))
		loop_timer_start(metrics.loop, &metrics.timer, 1000);
	else if (MHD_get_timeout(metrics.daemon, &timeout) == MHD_YES)
		loop_timer_start(metrics.loop, &metrics.timer, timeout);
	else
		loop_timer_stop(metrics.loop, &metrics.timer);
}

static void metrics_ready(struct loop_poll *poll, unsigned int revents)
{
	(void)poll;
	(void)revents;
	MHD_run(metrics.daemon);
	metrics_watch();
}

static void metrics_expired(struct loop_timer *timer)
{
	(void)timer;
	metrics_ready(NULL, 0);
}

int metrics_start(struct loop *loop, const struct config *config)
{
	auto_close int fd = -1;

	if (!config->metrics_listen)
		return 0;
	fd = tcp_listen(config->metrics_listen);
	if (fd < 0) {
		log_error("[backend] metrics_listen = %s: %s", config->metrics_listen, strerror(-fd));
		return fd;
	}
	metrics.config = config;
	metrics.loop = loop;
	metrics.poll.ready = metrics_ready;
	metrics.timer.expired = metrics_expired;
	metrics.daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, request, NULL,
					  MHD_OPTION_LISTEN_SOCKET, fd,
					  MHD_OPTION_CONNECTION_LIMIT, SCRAPERS_MAX,
					  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
					  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_LIMIT,
					  MHD_OPTION_END);
	if (!metrics.daemon) {
		log_error("[backend] metrics_listen = %s: the HTTP server does not start", config->metrics_listen);
		return -EIO;
	}
	take_fd(&fd);
	metrics_watch();
	return 0;
}

void metrics_stop(void)
{
	if (!metrics.daemon)
		return;
	loop_poll_stop(metrics.loop, &metrics.poll);
	loop_timer_stop(metrics.loop, &metrics.timer);
	MHD_stop_daemon(metrics.daemon);
	metrics.daemon = NULL;
}
