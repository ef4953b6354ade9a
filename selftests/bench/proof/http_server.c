// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "http_server.h"

static int listener, connection = -1;
static char request[65536];

static void check(const char *what, long ret)
{
	if (ret >= 0)
		return;
	perror(what);
	exit(1);
}

void http_listen(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	check("bind", bind(listener, (struct sockaddr *)&address, sizeof(address)));
	check("listen", listen(listener, 8));
}

const char *http_next(size_t *len)
{
	size_t have = 0, want = SIZE_MAX;
	char *body = NULL, *length;
	int one = 1;
	ssize_t n;

	while (have < want) {
		if (connection < 0) {
			connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			check("accept", connection);
			setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		}
		n = read(connection, request + have, sizeof(request) - 1 - have);
		if (n <= 0) {
			close(connection);
			connection = -1;
			have = 0;
			continue;
		}
		have += n;
		request[have] = '\0';
		if (!body)
			body = strstr(request, "\r\n\r\n");
		if (!body || want != SIZE_MAX)
			continue;
		length = strcasestr(request, "\r\ncontent-length:");
		*len = length ? strtoul(length + 17, NULL, 10) : 0;
		want = body + 4 - request + *len;
	}
	return body + 4;
}

void http_answer(const char *body, size_t len)
{
	char head[128];
	struct iovec iov[] = {
		{ head, snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
						     "Content-Length: %zu\r\n\r\n", len) },
		{ (void *)body, len },
	};

	check("answer", writev(connection, iov, 2));
}
