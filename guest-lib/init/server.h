/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The socket that processes connect to, and the loop over all of them. */
#ifndef INIT_SERVER_H
#define INIT_SERVER_H

#include "../../uapi/nexus_hypercall.h"
#include "client.h"

/* Beside those with a channel there are some that learn that none is free. */
#define SERVER_CLIENTS	(2 * NEXUS_MAX_CHANNELS)

struct server {
	int sock;
	struct client clients[SERVER_CLIENTS];
};

/*
 * Listen at path; anybody may connect. -EADDRINUSE another nexus-init serves
 * there; or an errno of bind(2).
 */
int server_open(struct server *s, const char *path);

/* Serve once: wait for something to do, or for `wake` to be readable. 1: it is. */
int server_run(struct server *s, int wake);

/* End every client, and wait a little for the host to let go. */
void server_close(struct server *s);

#endif
