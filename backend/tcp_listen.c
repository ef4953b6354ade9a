// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "cleanup.h"
#include "tcp_listen.h"

#define BACKLOG	1024

union tcp_address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static int tcp_address_parse(const char *text, union tcp_address *to)
{
	const char *colon = strrchr(text, ':');
	auto_free char *address = NULL;
	char *end;
	long port;

	if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
		return -EINVAL;
	port = strtol(colon + 1, &end, 10);
	if (*end || port < 1 || port > 65535)
		return -EINVAL;
	if (*text == '[' && colon[-1] == ']') {
		address = strndup(text + 1, colon - text - 2);
		to->six = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		return address && inet_pton(AF_INET6, address, &to->six.sin6_addr) == 1 ? 0 : -EINVAL;
	}
	address = strndup(text, colon - text);
	to->four = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	return address && inet_pton(AF_INET, address, &to->four.sin_addr) == 1 ? 0 : -EINVAL;
}

bool tcp_address_valid(const char *text)
{
	union tcp_address address;

	return !tcp_address_parse(text, &address);
}

bool tcp_address_is_loopback(const char *text)
{
	union tcp_address address;

	if (tcp_address_parse(text, &address))
		return false;
	return address.any.sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&address.six.sin6_addr) :
						   ntohl(address.four.sin_addr.s_addr) >> 24 == 127;
}

int tcp_listen(const char *text)
{
	union tcp_address address;
	auto_close int fd = -1;
	int one = 1, ret;

	ret = tcp_address_parse(text, &address);
	if (ret)
		return ret;
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, &address.any, address.any.sa_family == AF_INET6 ? sizeof(address.six) : sizeof(address.four)) ||
	    listen(fd, BACKLOG))
		return -errno;
	return take_fd(&fd);
}
