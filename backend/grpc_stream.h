/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call that a guest makes, as a stream of HTTP/2 (grpc_stream.c), on a connection or waiting for one
 * (grpc_client.c). Everything belongs to the worker's thread.
 */
#ifndef NEXUS_GRPC_STREAM_H
#define NEXUS_GRPC_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "conn.h"
#include "grpc_wire.h"
#include "h2.h"

struct grpc_call;
struct origin;
struct worker;

/* A tenant's way to one endpoint. Gone with its last connection and call. */
struct grpc_client {
	struct grpc_client *next, **prev;
	struct worker *worker;
	struct conn_pool *pool;
	struct conn_waiter waiter;
	bool connecting;
	uint32_t idle_ms;
	struct grpc_connection *sessions;
	uint32_t nr_sessions, nr_waiting;
	struct grpc_stream *waiting, **waiting_tail;	/* for a connection with room */
	uint32_t streams;		/* all of its calls */
	struct loop_timer again;	/* to look at `waiting`, or go */
};

/* A call's other side; lives until the stream is closed, whatever became of the call. */
struct grpc_stream {
	struct h2_stream h2;
	struct grpc_client *client;
	struct grpc_call *call;		/* NULL: it has left */
	struct grpc_stream *next, **prev;	/* client->waiting; prev NULL: on a connection */
	struct grpc_block *request;	/* until something came back: it may be sent again */
	bool retried;
	bool bad;			/* the answer is none of gRPC's: what it says is not looked at */
	unsigned int http_status;
	bool grpc;			/* the content type says so */
	const char *encoding;		/* of its messages; "": none; NULL: one that nobody asked for */
	bool in_trailers;		/* what comes now is behind the initial metadata */
	int grpc_status;		/* -1: none */
	char *message;
	size_t room;			/* for metadata */
	struct grpc_metadata last;	/* of the block that comes now */
};

/* The call's other side from now on, which waits for a connection. NULL: no memory. */
struct grpc_stream *grpc_stream_new(struct grpc_client *client, struct grpc_call *call, const Nexus__V1__GrpcStart *start,
				    const struct origin *origin, const struct grpc_metadata *metadata);
void grpc_stream_free(struct grpc_stream *stream);
/* Tell the call; it is not this stream's any more. */
void grpc_stream_over(struct grpc_stream *stream, enum grpc_status status, const char *details);

/* What a connection tells of its streams. */
extern const struct h2_events grpc_stream_events;

/* ---- grpc_client.c ---- */

/* To the end of those that wait for a connection with room; and out of them. */
void grpc_client_wait(struct grpc_stream *stream);
void grpc_client_unwait(struct grpc_stream *stream);
/* Look at them, later in this turn. */
void grpc_client_again(struct grpc_client *client);
/* The connection is at its end. */
void grpc_client_lost(struct h2 *h2);

#endif
