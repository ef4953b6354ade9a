/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's side of the unix transport, played by a test: to the letter of
 * the ABI with peer_serve(), or against it, by writing to the rings directly.
 */
#ifndef GUEST_PEER_H
#define GUEST_PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "../../guest-lib/nexus.h"
#include "../../uapi/nexus_hypercall.h"
#include "../../uapi/nexus_ring_ops.h"
#include "../../uapi/nexus_unix.h"

#define PEER_WINDOWS	8

struct peer_window {
	uint32_t slot;
	struct nexus_slot copy;
};

/* An open GET or PUT, named by the slot of its request. */
struct peer_stream {
	bool open, put, hang;
	uint64_t size, pos;
	uint64_t fail_at;		/* bytes until an error; UINT64_MAX: none */
	uint32_t crc;
	struct peer_window windows[PEER_WINDOWS];
	unsigned int nr_windows;
};

struct peer {
	char path[64];
	int listener, sock, memfd, bell;
	uint32_t version;		/* answered to HELLO */
	int status;			/* answered to HELLO and ARENA */
	bool attach;			/* set host_state at HELLO */
	struct nexus_ring_header *header;
	struct nexus_ring sq, cq;
	uint32_t sq_head, cq_tail;
	uint32_t pages, max_pages;	/* now, and the largest so far */
	struct peer_stream streams[NEXUS_MAX_SLOTS];
	pthread_t thread;
	bool stop;
	uint32_t last_crc;		/* of the last PUT that ended well */
	uint64_t last_size;
};

/* Listen at a path of the test's own. */
void peer_init(struct peer *p);

/* nexus_open() against the peer, which answers HELLO meanwhile. Its return value. */
int peer_connect(struct peer *p, struct nexus **nx, const struct nexus_open_options *options);

/* Serve until peer_stop(), in a thread of its own. */
void peer_serve(struct peer *p);
void peer_stop(struct peer *p);

/* End the connection, and the socket. */
void peer_fini(struct peer *p);

/* By hand: the next submitted slot; waits for it. Copies it. */
uint32_t peer_take(struct peer *p, struct nexus_slot *copy);

/* By hand: complete a slot, message included (NULL: none). */
void peer_complete(struct peer *p, uint32_t slot, int status, uint32_t flags, uint32_t data, const void *msg,
		   uint32_t msg_len);

/* The byte at pos of every object. */
static inline uint8_t peer_byte(uint64_t pos)
{
	return pos * 7 + (pos >> 8) * 13 + (pos >> 16);
}

#endif
