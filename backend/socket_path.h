/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXUS_SOCKET_PATH_H
#define NEXUS_SOCKET_PATH_H

#include <stdint.h>

/*
 * A listening, non-blocking unix socket at path, with these permissions. A
 * file left by a process that is gone is replaced. Returns the descriptor, or
 * -EADDRINUSE somebody listens there or it is no socket; or another -errno.
 */
int socket_path_bind(const char *path, int type, uint32_t mode);

#endif
