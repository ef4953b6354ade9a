/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Small packets, with file descriptors, over SOCK_SEQPACKET. */
#ifndef SOCKET_H
#define SOCKET_H

#include <stdbool.h>
#include <stddef.h>

/* A connected socket, or a negative errno of socket(2), connect(2); -ENAMETOOLONG. */
int socket_connect(const char *path);

/*
 * Send a request of `size` bytes with nr_fds descriptors, and receive the
 * answer, of the same size, into the same place. *fd (may be NULL) becomes the
 * descriptor that came with it, or -1. Waits at most timeout_ms.
 * -ETIMEDOUT, the connection is then shut down; -EPIPE the peer closed the connection; -EBADMSG an answer of
 * another size; or an errno of sendmsg(2).
 */
int socket_call(int sock, void *msg, size_t size, const int *fds, int nr_fds, int *fd, int timeout_ms);

/* The peer closed the connection. */
bool socket_closed(int sock);

#endif
