/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a client sends, without RST_STREAM frames of streams that it never opened. RFC 9113 makes them a connection's
 * end, and nghttp2 does; gRPC's own library sends them for calls that were cancelled before they began, and all
 * other calls of the connection would die.
 */
#ifndef NEXUS_H2_SCREEN_H
#define NEXUS_H2_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define H2_HEAD		9	/* bytes before a frame's payload */
#define H2_MAGIC	24	/* bytes before a client's first frame */

struct h2_screen {
	uint32_t left;		/* bytes that belong to what came last: passed on, or dropped */
	bool drops;
	uint8_t head[H2_HEAD];	/* the next frame's */
	uint8_t have;		/* bytes of it that came */
	uint32_t opened;	/* the last stream that the client opened */
};

void h2_screen_init(struct h2_screen *screen);

/* Pass on what is good of these bytes, in order. False: pass() was. */
bool h2_screen_data(struct h2_screen *screen, const uint8_t *data, size_t len,
		    bool (*pass)(void *arg, const uint8_t *data, size_t len), void *arg);

#endif
