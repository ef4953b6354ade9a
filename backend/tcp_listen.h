/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the daemon's servers listen: ADDRESS:PORT, of IPv4, or of IPv6 in brackets. */
#ifndef NEXUS_TCP_LISTEN_H
#define NEXUS_TCP_LISTEN_H

#include <stdbool.h>

bool tcp_address_valid(const char *text);
bool tcp_address_is_loopback(const char *text);	/* of one that is valid */

/* A listening socket, non-blocking, or -errno; -EINVAL if it is not valid. */
int tcp_listen(const char *text);

#endif
