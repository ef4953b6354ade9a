// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "address.h"

#define V4_BITS	96	/* of ::ffff:0:0/96 */

/* IANA's special-purpose registries, and what else is not a host of the Internet. The first match counts. */
static const struct {
	const char *network;
	const char *kind;	/* NULL: public */
} kinds[] = {
	{ "0.0.0.0/8", "unspecified" },
	{ "10.0.0.0/8", "private" },
	{ "100.64.0.0/10", "shared (carrier-grade NAT)" },
	{ "127.0.0.0/8", "loopback" },
	{ "169.254.0.0/16", "link-local" },
	{ "172.16.0.0/12", "private" },
	{ "192.0.0.0/24", "reserved" },
	{ "192.0.2.0/24", "documentation" },
	{ "192.88.99.0/24", "reserved" },
	{ "192.168.0.0/16", "private" },
	{ "198.18.0.0/15", "benchmarking" },
	{ "198.51.100.0/24", "documentation" },
	{ "203.0.113.0/24", "documentation" },
	{ "224.0.0.0/4", "multicast" },
	{ "255.255.255.255", "broadcast" },
	{ "240.0.0.0/4", "reserved" },
	{ "0.0.0.0/0", NULL },

	{ "::", "unspecified" },
	{ "::1", "loopback" },
	{ "fc00::/7", "private" },
	{ "fe80::/10", "link-local" },
	{ "fec0::/10", "private" },
	{ "ff00::/8", "multicast" },
	{ "2001::/32", "tunnelled (Teredo)" },
	{ "2001::/23", "reserved" },
	{ "2001:db8::/32", "documentation" },
	{ "3fff::/20", "documentation" },
	{ "2000::/3", NULL },
	{ "::/0", "reserved" },
};

static void v4_map(unsigned char out[16], const void *v4)
{
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	memcpy(out + 12, v4, 4);
}

static bool network_holds(const struct network *network, const unsigned char address[16])
{
	unsigned int bytes = network->bits / 8, rest = network->bits % 8;

	if (memcmp(network->prefix, address, bytes))
		return false;
	return !rest || !((network->prefix[bytes] ^ address[bytes]) >> (8 - rest));
}

int network_parse(struct network *network, const char *text)
{
	char copy[ADDRESS_TEXT_MAX], *slash, *end;
	unsigned char v4[4];
	unsigned long bits;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, copy, v4) == 1) {
		v4_map(network->prefix, v4);
		network->bits = V4_BITS;
	} else if (inet_pton(AF_INET6, copy, network->prefix) == 1) {
		network->bits = 0;
	} else {
		return -EINVAL;
	}
	bits = 128 - network->bits;
	if (slash) {
		if (*slash < '0' || *slash > '9' || strtoul(slash, &end, 10) > bits || *end)
			return -EINVAL;
		bits = strtoul(slash, NULL, 10);
	}
	network->bits += bits;
	for (unsigned int i = network->bits; i < 128; i++) {
		if (network->prefix[i / 8] & 0x80 >> i % 8)
			return -EINVAL;
	}
	return 0;
}

/* An address that only wraps an IPv4 one is that. */
static void address_unwrap(unsigned char address[16])
{
	static const unsigned char nat64[12] = { 0, 0x64, 0xff, 0x9b };
	unsigned char v4[4];

	if (!memcmp(address, nat64, sizeof(nat64)))
		memcpy(v4, address + 12, 4);
	else if (address[0] == 0x20 && address[1] == 0x02)	/* 6to4 */
		memcpy(v4, address + 2, 4);
	else
		return;
	v4_map(address, v4);
}

const char *address_denied(const struct sockaddr *sockaddr, const struct networks *networks)
{
	unsigned char address[16];
	struct network network;

	if (sockaddr->sa_family == AF_INET)
		v4_map(address, &((const struct sockaddr_in *)sockaddr)->sin_addr);
	else if (sockaddr->sa_family == AF_INET6)
		memcpy(address, &((const struct sockaddr_in6 *)sockaddr)->sin6_addr, 16);
	else
		return "no IP address";
	address_unwrap(address);
	for (size_t i = 0; i < networks->count; i++) {
		if (network_holds(&networks->list[i], address))
			return NULL;
	}
	for (size_t i = 0;; i++) {
		network_parse(&network, kinds[i].network);
		if (network_holds(&network, address))
			return kinds[i].kind;	/* the last holds all */
	}
}

const char *address_text(const struct sockaddr *address, char text[ADDRESS_TEXT_MAX])
{
	const void *bytes = address->sa_family == AF_INET6 ?
			    (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr :
			    (const void *)&((const struct sockaddr_in *)address)->sin_addr;

	if (!inet_ntop(address->sa_family, bytes, text, ADDRESS_TEXT_MAX))
		snprintf(text, ADDRESS_TEXT_MAX, "of family %d", address->sa_family);
	return text;
}
