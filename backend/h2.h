/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One HTTP/2 connection, either side of it: nghttp2 over whatever moves bytes. Belongs to the
 * thread of its loop.
 *
 * No function here calls back: what they bring about happens later in the loop's turn. Callbacks may
 * call all of them but h2_free(), which calls closed().
 *
 * Memory is bounded: of a stream, H2_WINDOW bytes that came and were not consumed (the owner's),
 * and H2_OUT_MAX bytes to be sent.
 */
#ifndef NEXUS_H2_H
#define NEXUS_H2_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "loop.h"

#define H2_WINDOW		65535		/* bytes of a stream that may come ahead of h2_consume() */
#define H2_CONNECTION_WINDOW	(1 << 20)
#define H2_OUT_MAX		65536U		/* bytes of a stream that wait to be sent */
#define H2_STREAMS_MAX		100		/* that a peer may open at a time */
#define H2_HEADER_LIST_MAX	16384		/* bytes, told to the peer */

struct h2;

/* What moves the bytes; as conn_send(), conn_recv() and conn_wait() do. */
struct h2_transport {
	ssize_t (*send)(void *of, const void *data, size_t len);
	ssize_t (*recv)(void *of, void *data, size_t len);
	int (*wait)(void *of, unsigned int events, void (*ready)(void *arg, unsigned int revents), void *arg);
};

/* A stream; part of its owner's struct, zeroed. */
struct h2_stream {
	struct h2 *h2;			/* NULL: closed, or not opened */
	int32_t id;
	struct h2_stream *next, **prev;
	char *out;			/* to be sent: bytes out_pos to out_len */
	uint32_t out_pos, out_len, out_cap;
	bool keep;			/* what was sent stays in `out`, so that it can be sent on another connection */
	bool ended;			/* nothing will follow what is in `out` ... */
	bool reset;
	nghttp2_nv *trailers;		/* ... but these; server. From malloc, with their text */
	size_t nr_trailers;
	bool deferred;			/* nghttp2 waits for data */
	bool drained;			/* room() is due */
	bool remote_ended;
	uint64_t opened_ms;
	bool headers_done;
};

struct h2_events {
	/* Server: a request begins. Its stream, or NULL: no memory, refused. */
	struct h2_stream *(*open)(struct h2 *h2);
	void (*header)(struct h2_stream *stream, const char *name, size_t name_len, const char *value,
		       size_t value_len);
	/* A block of headers is complete: the response's, a 1xx one, or trailers (end). */
	void (*headers)(struct h2_stream *stream, bool end);
	void (*data)(struct h2_stream *stream, const char *data, size_t len);
	void (*end)(struct h2_stream *stream);		/* the peer sends no more */
	void (*room)(struct h2_stream *stream);		/* there is room in `out` again */
	/* The last of a stream, whose h2 is NULL from now on. error: NGHTTP2_NO_ERROR ... */
	void (*closed)(struct h2_stream *stream, uint32_t error);
	/* The connection is at its end; no stream is left. The owner frees it. */
	void (*lost)(struct h2 *h2);
};

/* Begin; NULL: no memory. of: transport's and owner's, see h2_of(). */
struct h2 *h2_new(struct loop *loop, bool server, const struct h2_transport *transport, const struct h2_events *events,
		  void *of, uint32_t idle_ms);
/* Those of its streams that are left are closed. */
void h2_free(struct h2 *h2);
void *h2_of(struct h2 *h2);

/* Take no new streams, end when those that are open have. */
void h2_shut_down(struct h2 *h2);

/* Client: may one more be opened now? */
bool h2_has_room(struct h2 *h2);
bool h2_is_closing(struct h2 *h2);
uint32_t h2_streams(const struct h2 *h2);

/* Client: open a stream. What is in `out` already is sent. 0 or -ENOMEM. */
int h2_request(struct h2 *h2, struct h2_stream *stream, const nghttp2_nv *headers, size_t nr);
/* Server: the response's headers. last: there is nothing else, these are the trailers too. */
int h2_respond(struct h2_stream *stream, const nghttp2_nv *headers, size_t nr, bool last);

/* Queue bytes; how many, as far as there is room: else room() will be called. Also before h2_request(). */
size_t h2_write(struct h2_stream *stream, const void *data, size_t len);
/* No more bytes; a server's trailers are from malloc, as is what they point to, in one piece. */
void h2_end(struct h2_stream *stream, nghttp2_nv *trailers, size_t nr);
/* The owner has taken bytes that data() brought: as many may come. */
void h2_consume(struct h2_stream *stream, size_t len);
/* End it now. closed() follows. */
void h2_reset(struct h2_stream *stream, uint32_t error);

/* Let go of `out`; after closed(), or of a stream never opened. */
void h2_stream_clear(struct h2_stream *stream);

#endif
