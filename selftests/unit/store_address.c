// SPDX-License-Identifier: GPL-2.0-only
/* Which addresses a guest's URL may lead to. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include "../tap.h"
#include "address.h"

static const struct {
	const char *address;
	const char *kind;	/* how the refusal begins; NULL: allowed */
} cases[] = {
	{ "8.8.8.8", NULL },
	{ "1.1.1.1", NULL },
	{ "9.255.255.255", NULL },
	{ "11.0.0.0", NULL },
	{ "100.63.255.255", NULL },
	{ "100.128.0.0", NULL },
	{ "172.15.255.255", NULL },
	{ "172.32.0.0", NULL },
	{ "192.167.255.255", NULL },
	{ "169.253.255.255", NULL },
	{ "223.255.255.255", NULL },
	{ "0.0.0.0", "unspecified" },
	{ "0.1.2.3", "unspecified" },
	{ "10.0.0.0", "private" },
	{ "10.255.255.255", "private" },
	{ "100.64.0.0", "shared" },
	{ "100.100.100.200", "shared" },	/* metadata of one cloud */
	{ "100.127.255.255", "shared" },
	{ "127.0.0.1", "loopback" },
	{ "127.255.255.254", "loopback" },
	{ "169.254.0.1", "link-local" },
	{ "169.254.169.254", "link-local" },	/* metadata of most clouds */
	{ "169.254.170.2", "link-local" },	/* credentials of containers */
	{ "172.16.0.0", "private" },
	{ "172.31.255.255", "private" },
	{ "192.0.0.192", "reserved" },		/* metadata of one cloud */
	{ "192.0.2.1", "documentation" },
	{ "192.88.99.1", "reserved" },
	{ "192.168.0.1", "private" },
	{ "198.18.0.1", "benchmarking" },
	{ "198.19.255.255", "benchmarking" },
	{ "198.51.100.1", "documentation" },
	{ "203.0.113.1", "documentation" },
	{ "224.0.0.1", "multicast" },
	{ "239.255.255.255", "multicast" },
	{ "240.0.0.1", "reserved" },
	{ "255.255.255.255", "broadcast" },

	{ "2600::1", NULL },
	{ "2a00:1450:4001:81b::200e", NULL },
	{ "::", "unspecified" },
	{ "::1", "loopback" },
	{ "::2", "reserved" },
	{ "::127.0.0.1", "reserved" },		/* IPv4-compatible */
	{ "::8.8.8.8", "reserved" },
	{ "fc00::1", "private" },
	{ "fd00:ec2::254", "private" },		/* metadata of one cloud */
	{ "fe80::1", "link-local" },
	{ "febf::1", "link-local" },
	{ "fec0::1", "private" },
	{ "ff02::1", "multicast" },
	{ "2001:0:7f00:1::", "tunnelled" },
	{ "2001:2::1", "reserved" },
	{ "2001:db8::1", "documentation" },
	{ "3fff::1", "documentation" },
	{ "4000::1", "reserved" },
	{ "100::1", "reserved" },
	{ "64:ff9b:1::7f00:1", "reserved" },

	/* IPv4 in other clothes */
	{ "::ffff:8.8.8.8", NULL },
	{ "::ffff:127.0.0.1", "loopback" },
	{ "::ffff:10.0.0.1", "private" },
	{ "::ffff:169.254.169.254", "link-local" },
	{ "::ffff:0.0.0.0", "unspecified" },
	{ "64:ff9b::8.8.8.8", NULL },
	{ "64:ff9b::127.0.0.1", "loopback" },
	{ "64:ff9b::169.254.169.254", "link-local" },
	{ "64:ff9b::10.1.2.3", "private" },
	{ "2002:808:808::1", NULL },
	{ "2002:7f00:1::1", "loopback" },
	{ "2002:a9fe:a9fe::1", "link-local" },
	{ "2002:c0a8:1::1", "private" },
};

/* With 10.1.0.0/16, 127.0.0.1, ::1 and fd00:1::/32 allowed. */
static const struct {
	const char *address;
	bool allowed;
} listed[] = {
	{ "10.1.2.3", true }, { "10.0.255.255", false }, { "10.2.0.0", false }, { "127.0.0.1", true },
	{ "127.0.0.2", false }, { "::1", true }, { "::2", false }, { "fd00:1:2::3", true }, { "fd00:2::1", false },
	{ "::ffff:10.1.2.3", true }, { "::ffff:10.2.2.3", false }, { "64:ff9b::10.1.0.1", true },
	{ "2002:a01:203::1", true }, { "169.254.169.254", false }, { "8.8.8.8", true },
};

static const char *bad[] = {
	"", "/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/8x", "10.0.0.0/-1", "10.0.0.1/8", "::1/64", "::/129",
	"10.0.0", "host", "::ffff:10.0.0.0/129", "fe80::1%lo",
	"1111:2222:3333:4444:5555:6666:7777:8888/1111111111111111111111111111111111",
};

static const struct sockaddr *address_of(const char *text)
{
	static struct sockaddr_in6 v6;
	static struct sockaddr_in v4;

	v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	v4 = (struct sockaddr_in){ .sin_family = AF_INET };
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return (const struct sockaddr *)&v4;
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
		tap_bail(text);
	return (const struct sockaddr *)&v6;
}

int main(void)
{
	static const char *const allow[] = { "10.1.0.0/16", "127.0.0.1", "::1", "fd00:1::/32" };
	struct network list[4], network;
	struct networks none = { 0 }, some = { list, 4 }, all = { list, 1 };
	struct sockaddr unix_address = { .sa_family = AF_UNIX };
	const char *kind;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kind = address_denied(address_of(cases[i].address), &none);
		tap_ok(cases[i].kind ? kind && !strncmp(kind, cases[i].kind, strlen(cases[i].kind)) : !kind, "%s is %s",
		       cases[i].address, kind ? kind : "public");
	}
	for (size_t i = 0; i < 4; i++)
		tap_is(network_parse(&list[i], allow[i]), 0, allow[i]);
	for (size_t i = 0; i < sizeof(listed) / sizeof(listed[0]); i++) {
		kind = address_denied(address_of(listed[i].address), &some);
		tap_ok(!kind == listed[i].allowed, "with a list %s is %s", listed[i].address, kind ? kind : "allowed");
	}
	network_parse(&list[0], "0.0.0.0/0");
	tap_ok(!address_denied(address_of("169.254.169.254"), &all), "0.0.0.0/0 is all of IPv4");
	tap_ok(address_denied(address_of("::1"), &all) != NULL, "and nothing of IPv6");
	network_parse(&list[0], "::/0");
	tap_ok(!address_denied(address_of("fe80::1"), &all), "::/0 is everything");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(network_parse(&network, bad[i]) == -EINVAL, "\"%s\" is no network", bad[i]);
	tap_ok(address_denied(&unix_address, &all) != NULL, "nor is a unix socket an address");
	return tap_done();
}
