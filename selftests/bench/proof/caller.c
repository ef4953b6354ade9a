// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "caller.h"


static struct sockaddr_in address;
static char request[4096], answer[65536];
static size_t request_len;
static const char *device;
unsigned int singles, caller_patience = 4;	/* a nested guest may hang (icount.py) */
int caller_fd = -1;

void caller_open(const char *host, const char *port, const char *path, const char *event, const char *through)
{
	device = through;
	address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	inet_pton(AF_INET, host, &address.sin_addr);
	request_len = snprintf(request, sizeof(request), "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
			       "Content-Length: %zu\r\n\r\n%s", path, host, strlen(event), event);
}

void die(const char *why)
{
	printf("FAILED {\"singles\": %u} %s: %.300s\n", singles, why, answer);
	exit(1);
}

bool caller_connect(void)
{
	struct timeval patience = { .tv_sec = caller_patience };
	int one = 1;

	caller_fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(caller_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(caller_fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if ((device && setsockopt(caller_fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device))) ||
	    connect(caller_fd, (struct sockaddr *)&address, sizeof(address))) {
		int error = errno;

		close(caller_fd);
		caller_fd = -1;
		errno = error;
		return false;
	}
	setsockopt(caller_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return true;
}

bool caller_send(void)
{
	return write(caller_fd, request, request_len) == (ssize_t)request_len;
}

int caller_receive(void)
{
	size_t have = 0, want = SIZE_MAX;
	char *body, *length;
	ssize_t n;

	while (have < want && have < sizeof(answer) - 1) {
		n = read(caller_fd, answer + have, sizeof(answer) - 1 - have);
		if (n <= 0)
			return 0;
		have += n;
		answer[have] = '\0';
		body = want == SIZE_MAX ? strstr(answer, "\r\n\r\n") : NULL;
		if (!body)
			continue;
		length = strcasestr(answer, "\r\ncontent-length:");
		want = body + 4 - answer + (length && length < body ? strtoul(length + 17, NULL, 10) : 0);
	}
	return atoi(answer + 9);
}

int caller_invoke(void)
{
	return caller_send() ? caller_receive() : 0;
}

void caller_must(int status)
{
	if (status != 200)
		die("an invocation failed");
}

void caller_first(void)
{
	time_t end = time(NULL) + caller_patience;

	for (; time(NULL) <= end; usleep(20000)) {
		if (caller_fd >= 0 || caller_connect()) {
			int status = caller_invoke();

			if (status == 200)
				return;
			if (status)
				die("the first invocation failed");
			close(caller_fd);
			caller_fd = -1;
		}
	}
	snprintf(answer, sizeof(answer), "%s", strerror(errno));
	die("no answer");
}

