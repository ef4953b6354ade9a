/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Callers' connections: how long a request may take to come. The HTTP server ends those that are silent; one that
 * sends a byte now and then would keep its place for ever.
 */
#ifndef NEXUS_INGRESS_PEER_H
#define NEXUS_INGRESS_PEER_H

#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

/* For MHD_OPTION_NOTIFY_CONNECTION. */
void peer_notify(void *arg, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what);

/* Of a request: its head is there; bytes of its body came; all of it is there; it was answered. In the server's thread. */
void peer_head(struct MHD_Connection *connection);
void peer_body(struct MHD_Connection *connection, size_t len);
void peer_complete(struct MHD_Connection *connection);
void peer_answered(struct MHD_Connection *connection);

/* Look at all of them, in the loop's thread, until peers_stop(). idle_ms: what the server allows a silent one. */
void peers_start(struct loop *loop, uint32_t idle_ms);
void peers_stop(void);

#endif
