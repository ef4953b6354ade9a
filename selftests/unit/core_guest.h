/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that may lie: the arena, the rings and the handshake of the unix
 * transport, each step open to abuse. Starts a real nexus-backend around it.
 */
#ifndef NEXUS_CORE_GUEST_H
#define NEXUS_CORE_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "nexus.pb-c.h"
#include "nexus_ring_ops.h"
#include "nexus_unix.h"

#define GUEST_SLOTS	16
#define GUEST_PAGES	64
#define GUEST_SIZE	(GUEST_PAGES * 4096UL)
#define GUEST_BUFFERS	NEXUS_CONTROL_SIZE(GUEST_SLOTS)	/* where the buffers begin */
#define GUEST_MSG_CAP	1024

struct guest_channel {
	int fd;			/* socket */
	int memfd;
	int kick_fd;
	char *arena;
	struct nexus_ring_header *header;
	uint32_t sq_tail, cq_head;
};

/* ---- the daemon ---- */

/*
 * A directory with a configuration; tenant t may use bucket "data" of a server that never answers. Callers reach its
 * function "liar".
 */
void backend_start(void);
/* Ends it; true if it exited with status 0. */
bool backend_stop(void);
bool backend_alive(void);
/* A number out of `nexusctl stats`, by way of the control socket. */
long long backend_stat(const char *name);
const char *backend_socket(void);
unsigned int backend_ingress(void);	/* port of the loopback for callers */

/* ---- the guest ---- */

/* Whoever connects from now on is an instance of this function; before: of one that is not configured. */
void guest_function(const char *name);
/* Arena with a good header, and an eventfd; nothing is sent yet. */
void guest_open(struct guest_channel *guest);
/* Send HELLO as given with these descriptors (-1: none); returns the answer's status, 1: hung up. */
int guest_hello(struct guest_channel *guest, const void *msg, size_t len, int memfd, int kick_fd);
/* open and a good HELLO. */
void guest_connect(struct guest_channel *guest);
int guest_resize(struct guest_channel *guest, uint32_t pages);	/* the answer's status */
void guest_close(struct guest_channel *guest);			/* the socket only */
void guest_free(struct guest_channel *guest);
/* Wait for host_state; false after 30 s. */
bool guest_state(struct guest_channel *guest, uint32_t state);

/* A slot with a message buffer of its own, and the request packed into it (NULL: none). */
struct nexus_slot *guest_slot(struct guest_channel *guest, uint32_t slot, const Nexus__V1__Request *request);
/* Put any number into the ring, and kick. */
void guest_push(struct guest_channel *guest, uint32_t slot);
/* Next completion's slot number, or -1 after 30 s. */
int guest_wait(struct guest_channel *guest);
/* push, wait; the slot's status, or 1 if nothing or another slot came back. */
int guest_run(struct guest_channel *guest, uint32_t slot);
/* The code of the error in the slot's response; "" if there is none. Static memory. */
const char *guest_error(struct guest_channel *guest, uint32_t slot);

#endif
