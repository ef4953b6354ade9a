/* SPDX-License-Identifier: GPL-2.0-only */
/* The unix transport (nexus_unix.h): listening sockets and their connections. */
#ifndef NEXUS_TRANSPORT_UNIX_H
#define NEXUS_TRANSPORT_UNIX_H

#include <stdint.h>

struct config;
struct loop;

#define UNIX_CONNECTIONS_MAX	1024	/* of all listening sockets together */

/*
 * Listen on every [listen] socket, from the main thread's loop. 0, or -errno
 * after it logged which socket failed and why.
 */
int unix_listen(struct loop *loop, const struct config *config);

/* Stop listening and remove the socket files. Connections go with their workers. */
void unix_unlisten(void);

uint32_t unix_connections(void);	/* that exist now; any thread */

#endif
