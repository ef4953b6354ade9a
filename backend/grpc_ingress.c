// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "config.h"
#include "grpc_ingress.h"
#include "grpc_session.h"
#include "log.h"
#include "tcp_listen.h"
#include "tls_server.h"

#define MAX_CONNECTIONS	256

static struct {
	pthread_t thread;
	int fd;
	struct loop_poll poll;
	bool stopping;
} listener = { .fd = -1 };

static uint64_t counts[NR_GRPC_INGRESS_COUNTS];

void grpc_ingress_count(enum grpc_ingress_counts which, int n)
{
	__atomic_store_n(&counts[which], counts[which] + n, __ATOMIC_RELAXED);
}

uint64_t grpc_ingress_counted(enum grpc_ingress_counts which)
{
	return __atomic_load_n(&counts[which], __ATOMIC_RELAXED);
}

static void listener_ready(struct loop_poll *poll, unsigned int revents)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int fd;

	(void)revents;
	while ((fd = accept4(listener.fd, (struct sockaddr *)&address, &len, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		len = sizeof(address);
		if (grpc_ingress.nr_sessions < grpc_ingress.max_sessions)
			grpc_session_new(fd, &address);
		else
			close(fd);
	}
	if (!listener.stopping)
		loop_poll_start(grpc_ingress.loop, poll, listener.fd, POLLIN);
}

static void *ingress_main(void *arg)
{
	(void)arg;
	if (loop_run(grpc_ingress.loop)) {
		log_error("the loop of gRPC's callers failed");
		abort();	/* they would hang */
	}
	while (grpc_ingress.sessions)
		grpc_session_free(grpc_ingress.sessions);
	return NULL;
}

static int ingress_open(const struct ingress_config *config)
{
	if (config->grpc_certificate) {
		grpc_ingress.tls = tls_server_new(config->grpc_certificate, config->grpc_key, config->grpc_client_ca);
		if (!grpc_ingress.tls)
			return -EINVAL;
	}
	listener.fd = tcp_listen(config->grpc_listen);
	if (listener.fd >= 0)
		return 0;
	log_error("[ingress] grpc_listen = %s: %s", config->grpc_listen, strerror(-listener.fd));
	return listener.fd;
}

static void ingress_close(void)
{
	loop_free(grpc_ingress.loop);
	grpc_ingress.loop = NULL;
	tls_server_free(grpc_ingress.tls);
	grpc_ingress.tls = NULL;
	if (listener.fd >= 0)
		close(listener.fd);
	listener.fd = -1;
}

int grpc_ingress_start(const struct config *config)
{
	const struct ingress_config *ic = &config->ingress;
	int ret;

	if (!ic->grpc_listen)
		return 0;
	grpc_ingress.config = config;
	grpc_ingress.max_sessions = ic->max_connections ? ic->max_connections : MAX_CONNECTIONS;
	ret = ingress_open(ic);
	if (!ret) {
		if (!config->callers && !ic->grpc_client_ca && !tcp_address_is_loopback(ic->grpc_listen))
			log_warning("[ingress] grpc_listen = %s: whoever reaches this address may call every function that "
				    "serves gRPC: add a [caller NAME] section", ic->grpc_listen);
		grpc_ingress.loop = loop_new();
		listener.poll.ready = listener_ready;
		ret = grpc_ingress.loop ? loop_poll_start(grpc_ingress.loop, &listener.poll, listener.fd, POLLIN) : -ENOMEM;
	}
	if (!ret)
		ret = -pthread_create(&listener.thread, NULL, ingress_main, NULL);
	if (ret)
		ingress_close();
	return ret;
}

static void ingress_quiesce_there(void *arg)
{
	(void)arg;
	listener.stopping = true;
	loop_poll_stop(grpc_ingress.loop, &listener.poll);
	for (struct grpc_session *session = grpc_ingress.sessions; session; session = session->next) {
		if (session->h2)
			h2_shut_down(session->h2);
	}
}

void grpc_ingress_quiesce(void)
{
	if (grpc_ingress.loop)
		loop_post(grpc_ingress.loop, ingress_quiesce_there, NULL);
}

static void ingress_stop_there(void *arg)
{
	(void)arg;
	loop_stop(grpc_ingress.loop);
}

void grpc_ingress_stop(void)
{
	if (!grpc_ingress.loop)
		return;
	if (loop_post(grpc_ingress.loop, ingress_stop_there, NULL))
		abort();
	pthread_join(listener.thread, NULL);
	ingress_close();
}
