// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "config.h"
#include "conn.h"
#include "container.h"
#include "grpc_call.h"
#include "grpc_client.h"
#include "grpc_stream.h"
#include "op.h"
#include "origin.h"
#include "worker_core.h"

struct grpc_clients {
	struct grpc_client *first;
};

/* A connection. */
struct grpc_connection {
	struct grpc_connection *next, **prev;
	struct grpc_client *client;
	struct conn *conn;
	struct h2 *h2;
};

void grpc_client_again(struct grpc_client *client)
{
	loop_timer_start(client->worker->loop, &client->again, 0);
}

/* ---- calls that wait ---- */

void grpc_client_wait(struct grpc_stream *stream)
{
	struct grpc_client *client = stream->client;

	stream->next = NULL;
	stream->prev = client->waiting_tail;
	*client->waiting_tail = stream;
	client->waiting_tail = &stream->next;
	client->nr_waiting++;
}

void grpc_client_unwait(struct grpc_stream *stream)
{
	*stream->prev = stream->next;
	if (stream->next)
		stream->next->prev = stream->prev;
	else
		stream->client->waiting_tail = stream->prev;
	stream->prev = NULL;
	stream->client->nr_waiting--;
}

/* ---- connections ---- */

static ssize_t session_send(void *of, const void *data, size_t len)
{
	struct grpc_connection *session = of;

	return conn_send(session->conn, data, len);
}

static ssize_t session_recv(void *of, void *data, size_t len)
{
	struct grpc_connection *session = of;

	return conn_recv(session->conn, data, len);
}

static int session_wait(void *of, unsigned int wanted, void (*ready)(void *arg, unsigned int revents), void *arg)
{
	struct grpc_connection *session = of;

	return conn_wait(session->conn, wanted, ready, arg);
}

void grpc_client_lost(struct h2 *h2)
{
	struct grpc_connection *session = h2_of(h2);
	struct grpc_client *client = session->client;

	*session->prev = session->next;
	if (session->next)
		session->next->prev = session->prev;
	client->nr_sessions--;
	h2_free(h2);
	conn_put(session->conn, false);
	free(session);
	grpc_client_again(client);
}

static const struct h2_transport transport = { session_send, session_recv, session_wait };

/* NULL: no memory; the connection is given back. */
static struct grpc_connection *session_new(struct grpc_client *client, struct conn *conn)
{
	struct grpc_connection *session = calloc(1, sizeof(*session));

	if (session) {
		session->client = client;
		session->conn = conn;
		session->h2 = h2_new(client->worker->loop, false, &transport, &grpc_stream_events, session, client->idle_ms);
	}
	if (!session || !session->h2) {
		free(session);
		conn_put(conn, false);
		return NULL;
	}
	session->next = client->sessions;
	session->prev = &client->sessions;
	if (session->next)
		session->next->prev = &session->next;
	client->sessions = session;
	client->nr_sessions++;
	return session;
}

/* All that wait hear why. */
static void client_fail(struct grpc_client *client, enum grpc_status status, const char *details)
{
	struct grpc_stream *stream;

	while ((stream = client->waiting)) {
		grpc_client_unwait(stream);
		grpc_stream_over(stream, status, details);
		grpc_stream_free(stream);
	}
}

static void client_granted(struct conn_waiter *waiter, struct conn *conn)
{
	struct grpc_client *client = container_of(waiter, struct grpc_client, waiter);
	char text[360];

	client->connecting = false;
	if (conn && session_new(client, conn)) {
		grpc_client_again(client);
		return;
	}
	snprintf(text, sizeof(text), "failed to connect to %.60s: %.240s", conn_pool_url(client->pool),
		 conn ? "out of memory" : waiter->reason);
	client_fail(client, !conn && waiter->denied ? GRPC_PERMISSION_DENIED : GRPC_UNAVAILABLE, text);
}

static void client_connect(struct grpc_client *client)
{
	struct conn *conn;

	if (client->connecting || client->nr_sessions >= GRPC_CONNECTIONS_MAX)
		return;
	client->waiter = (struct conn_waiter){ .granted = client_granted, .fresh = true };
	client->connecting = true;
	conn = conn_get(client->pool, &client->waiter);
	if (!conn)
		return;
	client->connecting = false;
	session_new(client, conn);
}

static struct grpc_connection *client_room(struct grpc_client *client)
{
	struct grpc_connection *session = client->sessions;

	while (session && !(h2_has_room(session->h2) && conn_is_allowed(session->conn)))
		session = session->next;
	return session;
}

/* Calls that wait go where there is room. */
static void client_pump(struct grpc_client *client)
{
	struct grpc_connection *session;
	struct grpc_stream *stream;

	while ((stream = client->waiting)) {
		session = client_room(client);
		if (!session) {
			client_connect(client);
			session = client_room(client);
		}
		if (!session)
			return;
		grpc_client_unwait(stream);
		if (h2_request(session->h2, &stream->h2, stream->request->nv, stream->request->nr)) {
			grpc_stream_over(stream, GRPC_RESOURCE_EXHAUSTED, "the host has not enough memory");
			grpc_stream_free(stream);
		}
	}
}

/* ---- clients ---- */

static void client_free(struct grpc_client *client)
{
	struct grpc_connection *session;

	while ((session = client->sessions)) {
		client->sessions = session->next;
		h2_free(session->h2);
		conn_put(session->conn, false);
		free(session);
	}
	conn_get_abort(&client->waiter);
	loop_timer_stop(client->worker->loop, &client->again);
	conn_pool_put(client->pool);
	*client->prev = client->next;
	if (client->next)
		client->next->prev = client->prev;
	free(client);
}

static void again_expired(struct loop_timer *timer)
{
	struct grpc_client *client = container_of(timer, struct grpc_client, again);

	client_pump(client);
	if (!client->streams && !client->sessions && !client->connecting)
		client_free(client);
}

static struct grpc_client *client_find(struct op *op, const struct origin *origin)
{
	struct worker *worker = op->worker;
	struct grpc_client *client;
	struct conn_pool *pool;

	if (!worker->grpc)
		worker->grpc = calloc(1, sizeof(*worker->grpc));
	pool = worker->grpc ? conn_pool_find(worker->pools, op->tenant, &origin->endpoint) : NULL;
	if (!pool)
		return NULL;
	for (client = worker->grpc->first; client; client = client->next) {
		if (client->pool == pool) {
			conn_pool_put(pool);
			return client;
		}
	}
	client = calloc(1, sizeof(*client));
	if (!client) {
		conn_pool_put(pool);
		return NULL;
	}
	client->worker = worker;
	client->pool = pool;
	client->idle_ms = origin->endpoint.idle_timeout_ms;
	client->waiting_tail = &client->waiting;
	client->again.expired = again_expired;
	client->next = worker->grpc->first;
	client->prev = &worker->grpc->first;
	if (client->next)
		client->next->prev = &client->next;
	worker->grpc->first = client;
	return client;
}

void grpc_clients_free(struct grpc_clients *clients)
{
	while (clients && clients->first) {
		struct grpc_client *client = clients->first;
		struct grpc_stream *stream;

		while ((stream = client->waiting)) {
			grpc_client_unwait(stream);
			grpc_stream_free(stream);
		}
		client_free(client);
	}
	free(clients);
}

int grpc_client_open(struct op *op, struct grpc_call *call, const Nexus__V1__GrpcStart *start,
		     const struct origin *origin, const struct grpc_metadata *metadata)
{
	struct grpc_client *client = client_find(op, origin);

	if (!client)
		return op_error(op, -EBUSY, "NexusLimitExceeded", "too many endpoints are in use, or there is no memory");
	if (client->nr_waiting >= GRPC_WAITING_MAX)
		return op_error(op, -EBUSY, "NexusLimitExceeded", "%u calls wait for a connection to %.200s already",
				client->nr_waiting, origin->endpoint.url);
	if (!grpc_stream_new(client, call, start, origin, metadata)) {
		grpc_client_again(client);
		return op_error(op, -ENOMEM, "NexusInternal", "the host has not enough memory");
	}
	/* Later in this turn: what goes wrong is told when the call is in place. */
	grpc_client_again(client);
	return 0;
}
