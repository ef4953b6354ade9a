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
#include "h2.h"
#include "op.h"
#include "origin.h"
#include "version.h"
#include "worker_core.h"

struct grpc_clients {
	struct grpc_client *first;
};

/* A tenant's way to one endpoint. Gone with its last connection and call. */
struct grpc_client {
	struct grpc_client *next, **prev;
	struct worker *worker;
	struct conn_pool *pool;
	struct conn_waiter waiter;
	bool connecting;
	uint32_t idle_ms;
	struct session *sessions;
	uint32_t nr_sessions, nr_waiting;
	struct stream *waiting, **waiting_tail;	/* for a connection with room */
	uint32_t streams;		/* all of its calls */
	struct loop_timer again;	/* to look at `waiting`, or go */
};

/* A connection. */
struct session {
	struct session *next, **prev;
	struct grpc_client *client;
	struct conn *conn;
	struct h2 *h2;
};

/* A call's other side; lives until the stream is closed, whatever became of the call. */
struct stream {
	struct h2_stream h2;
	struct grpc_client *client;
	struct grpc_call *call;		/* NULL: it has left */
	struct stream *next, **prev;	/* client->waiting; prev NULL: on a connection */
	struct grpc_block *request;	/* until something came back: it may be sent again */
	bool retried;
	bool bad;			/* the answer is none of gRPC's: what it says is not looked at */
	unsigned int http_status;
	bool grpc;			/* the content type says so */
	bool encoded;			/* by something other than identity */
	bool in_trailers;		/* what comes now is behind the initial metadata */
	int grpc_status;		/* -1: none */
	char *message;
	size_t room;			/* for metadata */
	struct grpc_metadata last;	/* of the block that comes now */
};

static void client_pump(struct grpc_client *client);

/* ---- streams ---- */

static void stream_free(struct stream *stream)
{
	struct grpc_client *client = stream->client;

	h2_stream_clear(&stream->h2);
	grpc_metadata_clear(&stream->last);
	free(stream->request);
	free(stream->message);
	free(stream);
	client->streams--;
	loop_timer_start(client->worker->loop, &client->again, 0);
}

static void stream_wait(struct stream *stream)
{
	struct grpc_client *client = stream->client;

	stream->next = NULL;
	stream->prev = client->waiting_tail;
	*client->waiting_tail = stream;
	client->waiting_tail = &stream->next;
	client->nr_waiting++;
}

static void stream_unwait(struct stream *stream)
{
	*stream->prev = stream->next;
	if (stream->next)
		stream->next->prev = stream->prev;
	else
		stream->client->waiting_tail = stream->prev;
	stream->prev = NULL;
	stream->client->nr_waiting--;
}

/* Tell the call; it is not this stream's any more. */
static void stream_over(struct stream *stream, enum grpc_status status, const char *details)
{
	struct grpc_call *call = stream->call;

	stream->call = NULL;
	if (!call)
		return;
	call->far = NULL;
	grpc_call_over(call, status, details);
}

/* The answer breaks the rules, or is too much: end it here. */
static void stream_refuse(struct stream *stream, enum grpc_status status, const char *details)
{
	stream->bad = true;
	h2_reset(&stream->h2, NGHTTP2_CANCEL);
	stream_over(stream, status, details);
}

/* ---- the call's side ---- */

static size_t far_write(struct grpc_call *call, const void *data, size_t len)
{
	struct stream *stream = call->far;

	return h2_write(&stream->h2, data, len);
}

static void far_end(struct grpc_call *call)
{
	struct stream *stream = call->far;

	h2_end(&stream->h2, NULL, 0);
}

static void far_consumed(struct grpc_call *call, size_t len)
{
	struct stream *stream = call->far;

	h2_consume(&stream->h2, len);
}

static void far_leave(struct grpc_call *call)
{
	struct stream *stream = call->far;

	stream->call = NULL;
	if (stream->prev) {
		stream_unwait(stream);
		stream_free(stream);
	} else {
		h2_reset(&stream->h2, NGHTTP2_CANCEL);
	}
}

static const struct grpc_far_type far_type = {
	.write = far_write,
	.end = far_end,
	.consumed = far_consumed,
	.leave = far_leave,
};

/* ---- what comes ---- */

static struct stream *stream_of(struct h2_stream *h2)
{
	return container_of(h2, struct stream, h2);
}

static bool name_is(const char *name, size_t len, const char *want)
{
	return strlen(want) == len && !memcmp(name, want, len);
}

static void on_header(struct h2_stream *h2, const char *name, size_t name_len, const char *value, size_t value_len)
{
	struct stream *stream = stream_of(h2);

	if (stream->bad || !stream->call)
		return;
	if (name_is(name, name_len, ":status")) {
		stream->http_status = atoi(value);
	} else if (name_is(name, name_len, "content-type")) {
		stream->grpc = value_len >= 16 && !memcmp(value, "application/grpc", 16);
	} else if (name_is(name, name_len, "grpc-status")) {
		stream->grpc_status = value_len && value_len < 4 ? atoi(value) : GRPC_UNKNOWN;
	} else if (name_is(name, name_len, "grpc-message")) {
		free(stream->message);
		stream->message = strndup(value, value_len < 3 * GRPC_DETAILS_MAX ? value_len : 3 * GRPC_DETAILS_MAX);
	} else if (name_is(name, name_len, "grpc-encoding")) {
		stream->encoded = !name_is(value, value_len, "identity");
	} else if (!grpc_metadata_add(&stream->last, &stream->room, name, name_len, value, value_len)) {
		stream_refuse(stream, GRPC_RESOURCE_EXHAUSTED, "the server sent more metadata than the limit");
	}
}

static void stream_done(struct stream *stream)
{
	struct grpc_call *call = stream->call;

	grpc_metadata_clear(&call->trailing);
	call->trailing = stream->last;
	stream->last = (struct grpc_metadata){ 0 };
	if (stream->message)
		grpc_message_decode(stream->message);
	if (stream->grpc_status < 0 || stream->grpc_status > GRPC_UNAUTHENTICATED)
		stream_over(stream, GRPC_UNKNOWN, "the server ended the call without a status");
	else
		stream_over(stream, stream->grpc_status, stream->message ? stream->message : "");
	/* What was not sent yet nobody wants any more. */
	if (!stream->h2.ended || stream->h2.out_pos < stream->h2.out_len)
		h2_reset(&stream->h2, NGHTTP2_NO_ERROR);
}

static void on_headers(struct h2_stream *h2, bool end)
{
	struct stream *stream = stream_of(h2);
	struct grpc_call *call = stream->call;
	char text[64];

	if (stream->bad || !call)
		return;
	free(stream->request);
	stream->request = NULL;
	stream->h2.keep = false;
	stream->h2.drained = true;	/* what it kept from now on is room */
	if (stream->http_status / 100 == 1) {
		grpc_metadata_clear(&stream->last);
		return;
	}
	/* An answer of somebody who does not speak gRPC has a status of HTTP's only. */
	if (!stream->in_trailers && stream->grpc_status < 0 && (stream->http_status != 200 || !stream->grpc)) {
		snprintf(text, sizeof(text), stream->http_status != 200 ? "HTTP status %u" : "the answer is not gRPC",
			 stream->http_status);
		stream_refuse(stream, stream->http_status == 200 ? GRPC_UNKNOWN : grpc_status_of_http(stream->http_status),
			      text);
		return;
	}
	if (end) {
		stream_done(stream);
		return;
	}
	if (stream->in_trailers)
		return;
	if (stream->encoded) {
		stream_refuse(stream, GRPC_INTERNAL, "the answer is compressed, which was not agreed upon");
		return;
	}
	stream->in_trailers = true;
	call->initial = stream->last;
	stream->last = (struct grpc_metadata){ 0 };
	grpc_call_initial(call);
}

static void on_data(struct h2_stream *h2, const char *data, size_t len)
{
	struct stream *stream = stream_of(h2);

	if (stream->bad || !stream->call)
		return;
	if (!grpc_call_data(stream->call, data, len))
		stream_refuse(stream, GRPC_RESOURCE_EXHAUSTED, "the server sent more than its window lets, or there is no memory");
}

static void on_end(struct h2_stream *h2)
{
	struct stream *stream = stream_of(h2);

	/* Data ended it: there are no trailers. */
	if (!stream->bad && stream->call)
		stream_done(stream);
}

static void on_room(struct h2_stream *h2)
{
	struct stream *stream = stream_of(h2);

	if (stream->call)
		grpc_call_room(stream->call);
}

/* Nobody has seen it, so that it can be sent once more: gRPC's transparent retry. */
static bool stream_retry(struct stream *stream, uint32_t error)
{
	if (error != NGHTTP2_REFUSED_STREAM || stream->retried || !stream->request || !stream->h2.keep || stream->bad)
		return false;
	stream->retried = true;
	stream->h2.out_pos = 0;
	stream->h2.deferred = stream->h2.reset = stream->h2.remote_ended = false;
	stream_wait(stream);
	loop_timer_start(stream->client->worker->loop, &stream->client->again, 0);
	return true;
}

static void on_closed(struct h2_stream *h2, uint32_t error)
{
	struct stream *stream = stream_of(h2);
	char text[96];

	if (stream->call && stream_retry(stream, error))
		return;
	if (error == NGHTTP2_CONNECT_ERROR)
		snprintf(text, sizeof(text), "the connection to the server was lost");
	else
		snprintf(text, sizeof(text), "the server ended the stream with HTTP/2 error %u (%s)", error,
			 nghttp2_http2_strerror(error));
	stream_over(stream, grpc_status_of_h2(error), text);
	stream_free(stream);
}

/* ---- connections ---- */

static void on_lost(struct h2 *h2)
{
	struct session *session = h2_of(h2);
	struct grpc_client *client = session->client;

	*session->prev = session->next;
	if (session->next)
		session->next->prev = session->prev;
	client->nr_sessions--;
	h2_free(h2);
	conn_put(session->conn, false);
	free(session);
	loop_timer_start(client->worker->loop, &client->again, 0);
}

static const struct h2_events events = {
	.header = on_header,
	.headers = on_headers,
	.data = on_data,
	.end = on_end,
	.room = on_room,
	.closed = on_closed,
	.lost = on_lost,
};

static ssize_t session_send(void *of, const void *data, size_t len)
{
	struct session *session = of;

	return conn_send(session->conn, data, len);
}

static ssize_t session_recv(void *of, void *data, size_t len)
{
	struct session *session = of;

	return conn_recv(session->conn, data, len);
}

static int session_wait(void *of, unsigned int wanted, void (*ready)(void *arg, unsigned int revents), void *arg)
{
	struct session *session = of;

	return conn_wait(session->conn, wanted, ready, arg);
}

static const struct h2_transport transport = { session_send, session_recv, session_wait };

/* NULL: no memory; the connection is given back. */
static struct session *session_new(struct grpc_client *client, struct conn *conn)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session) {
		session->client = client;
		session->conn = conn;
		session->h2 = h2_new(client->worker->loop, false, &transport, &events, session, client->idle_ms);
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
	struct stream *stream;

	while ((stream = client->waiting)) {
		stream_unwait(stream);
		stream_over(stream, status, details);
		stream_free(stream);
	}
}

static void client_granted(struct conn_waiter *waiter, struct conn *conn)
{
	struct grpc_client *client = container_of(waiter, struct grpc_client, waiter);
	char text[360];

	client->connecting = false;
	if (conn && session_new(client, conn)) {
		client_pump(client);
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

static struct session *client_room(struct grpc_client *client)
{
	struct session *session = client->sessions;

	while (session && !h2_has_room(session->h2))
		session = session->next;
	return session;
}

/* Calls that wait go where there is room. */
static void client_pump(struct grpc_client *client)
{
	struct session *session;
	struct stream *stream;

	while ((stream = client->waiting)) {
		session = client_room(client);
		if (!session) {
			client_connect(client);
			session = client_room(client);
		}
		if (!session)
			return;
		stream_unwait(stream);
		if (h2_request(session->h2, &stream->h2, stream->request->nv, stream->request->nr)) {
			stream_over(stream, GRPC_RESOURCE_EXHAUSTED, "the host has not enough memory");
			stream_free(stream);
		}
	}
}

/* ---- clients ---- */

static void client_free(struct grpc_client *client)
{
	struct session *session;

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

static void client_again(struct loop_timer *timer)
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
	client->again.expired = client_again;
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
		struct stream *stream;

		while ((stream = client->waiting)) {
			stream_unwait(stream);
			stream_free(stream);
		}
		client_free(client);
	}
	free(clients);
}

static struct grpc_block *request_new(const struct origin *origin, const struct grpc_metadata *metadata,
				      uint32_t timeout_ms)
{
	struct grpc_block *block = grpc_block_new();

	if (!block)
		return NULL;
	grpc_block_add(block, ":method", "POST");
	grpc_block_add(block, ":scheme", origin->endpoint.tls ? "https" : "http");
	grpc_block_add(block, ":path", origin->target);
	grpc_block_add(block, ":authority", origin->endpoint.authority);
	grpc_block_add(block, "te", "trailers");
	if (timeout_ms)
		grpc_block_timeout(block, timeout_ms);
	grpc_block_add(block, "content-type", "application/grpc");
	grpc_block_add(block, "grpc-encoding", "identity");
	grpc_block_add(block, "grpc-accept-encoding", "identity");
	grpc_block_add(block, "user-agent", "grpc-nexus/" NEXUS_VERSION);
	grpc_block_metadata(block, metadata);
	if (!block->overflow)
		return block;
	free(block);
	return NULL;
}

int grpc_client_open(struct op *op, struct grpc_call *call, const struct origin *origin,
		     const struct grpc_metadata *metadata, uint32_t timeout_ms)
{
	struct grpc_client *client = client_find(op, origin);
	struct stream *stream;

	if (!client)
		return op_error(op, -EBUSY, "NexusLimitExceeded", "too many endpoints are in use, or there is no memory");
	if (client->nr_waiting >= GRPC_WAITING_MAX)
		return op_error(op, -EBUSY, "NexusLimitExceeded", "%u calls wait for a connection to %.200s already",
				client->nr_waiting, origin->endpoint.url);
	stream = calloc(1, sizeof(*stream));
	if (stream)
		stream->request = request_new(origin, metadata, timeout_ms);
	if (!stream || !stream->request) {
		free(stream);
		loop_timer_start(client->worker->loop, &client->again, 0);
		return op_error(op, -ENOMEM, "NexusInternal", "the host has not enough memory");
	}
	stream->client = client;
	stream->call = call;
	stream->room = GRPC_METADATA_MAX;
	stream->grpc_status = -1;
	stream->h2.keep = true;
	client->streams++;
	call->type = &far_type;
	call->far = stream;
	stream_wait(stream);
	/* Later in this turn: what goes wrong is told when the call is in place. */
	loop_timer_start(client->worker->loop, &client->again, 0);
	return 0;
}
