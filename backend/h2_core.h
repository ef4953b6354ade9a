/* SPDX-License-Identifier: GPL-2.0-only */
/* Between h2.c (the connection) and h2_stream.c (what is sent on a stream). */
#ifndef NEXUS_H2_CORE_H
#define NEXUS_H2_CORE_H

#include "h2.h"
#include "h2_screen.h"

#define H2_FRAMES_SIZE	32768U	/* frames are gathered for one system call */
#define H2_READ_SIZE		32768U

struct h2 {
	nghttp2_session *session;
	struct loop *loop;
	const struct h2_transport *transport;
	const struct h2_events *events;
	void *of;
	bool server;
	bool dead;			/* the transport, or the protocol, is at its end */
	bool closing;			/* GOAWAY, ours or theirs */
	bool pinged;
	uint32_t idle_ms;
	struct h2_stream *streams;
	uint32_t nr_streams;
	struct loop_timer later;	/* something is to be sent, or closed */
	struct loop_timer tick;
	struct h2_screen screen;	/* a server's */
	uint64_t heard_ms;		/* bytes came */
	uint64_t used_ms;		/* the last stream closed */
	const uint8_t *piece;		/* nghttp2's, not all of it in `out` yet */
	size_t piece_len;
	uint32_t out_pos, out_len;
	char out[H2_FRAMES_SIZE];
	char in[H2_READ_SIZE];
};

/* Look at the connection later in this turn. */
void h2_later(struct h2 *h2);

void h2_stream_add(struct h2 *h2, struct h2_stream *stream);
void h2_stream_remove(struct h2_stream *stream);

#endif
