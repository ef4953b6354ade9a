/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A process that uses Nexus: its connection, its channel, its arena. The
 * arena outlives the process until the host has let go of it.
 */
#ifndef INIT_CLIENT_H
#define INIT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include "memory.h"

enum client_state {
	CLIENT_FREE,
	CLIENT_CONNECTED,	/* no HELLO yet */
	CLIENT_OPEN,		/* has a channel */
	CLIENT_CLOSING,		/* the process is gone, the host is not */
};

struct client {
	enum client_state state;
	int sock;
	uint32_t channel;
	bool severed;		/* the host did not know the channel at CLOSE */
	int64_t since;		/* in this state: monotonic ms */
	struct memory memory;
};

/* sock is the connection of a new process, and the client's from now on. */
void client_accept(struct client *c, int sock);

/* A message is there, or the end of the connection. */
void client_serve(struct client *c);

/* End the connection, and close the channel if there is one. */
void client_close(struct client *c);

/* CLOSING: look whether the host is done; CONNECTED: whether time is up. Then it is FREE. */
void client_reap(struct client *c);

/* When client_reap() should be called next: milliseconds, -1 never. */
int client_reap_in(const struct client *c);

#endif
