/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which IP addresses a guest's URLs may lead to: public ones, and those of the
 * networks that its tenant was given. Asked of the address that is connected
 * to, so whatever a name resolves to, and however often, cannot lead elsewhere.
 */
#ifndef NEXUS_ADDRESS_H
#define NEXUS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

struct network {
	unsigned char prefix[16];	/* of IPv4 as ::ffff:a.b.c.d */
	unsigned int bits;		/* 0 to 128; of IPv4 96 more than written */
};

struct networks {
	struct network *list;		/* from malloc() */
	size_t count;
};

#define ADDRESS_TEXT_MAX	64

/* ADDRESS or ADDRESS/BITS, of either family. 0, or -EINVAL: no such thing, or host bits are set. */
int network_parse(struct network *network, const char *text);

/*
 * NULL: the address is public, or within one of the networks. Else what it is
 * ("loopback", "link-local" ...). IPv4 within IPv6 (mapped, 6to4, NAT64) is
 * looked at as the IPv4 address that it leads to.
 */
const char *address_denied(const struct sockaddr *address, const struct networks *networks);

/* For messages. Returns text. */
const char *address_text(const struct sockaddr *address, char text[ADDRESS_TEXT_MAX]);

#endif
