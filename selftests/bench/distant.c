// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store at a distance: it answers every GET with the same object, a fixed time
 * after the request came, however many others there are. So what a client's
 * latency grows by beside other clients is not the store's.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS	1024	/* descriptors below that are served, each with one request at a time */
#define HEAD_MAX	8192
#define TURN		64	/* events of a turn */

static const char usage[] = "usage: distant PORT MILLISECONDS BYTES   on 127.0.0.1\n";

/* Answers come due in the order of their requests: a ring, and no heap. */
struct due {
	int fd;
	long long at;		/* CLOCK_MONOTONIC, ns */
};

static struct due queue[CONNECTIONS];
static unsigned int head, tail;
static char requests[CONNECTIONS][HEAD_MAX];
static size_t have[CONNECTIONS];

static long check(const char *what, long ret)
{
	if (ret >= 0)
		return ret;
	perror(what);
	exit(1);
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int serve(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = check("socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	check("bind", bind(fd, (struct sockaddr *)&address, sizeof(address)));
	check("listen", listen(fd, CONNECTIONS));
	return fd;
}

static void welcome(int poll, int listener)
{
	struct epoll_event event = { .events = EPOLLIN };
	int one = 1;

	event.data.fd = check("accept", accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	if (event.data.fd >= CONNECTIONS) {
		fprintf(stderr, "distant: more than %d connections\n", CONNECTIONS);
		exit(1);
	}
	have[event.data.fd] = 0;
	setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	check("epoll_ctl", epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event));
}

/* Who left gets no answer, nor does the next one with that number. */
static void forget(int fd)
{
	for (unsigned int i = head; i != tail; i++)
		if (queue[i % CONNECTIONS].fd == fd)
			queue[i % CONNECTIONS].fd = -1;
}

static void answer_due(const char *answer, size_t length)
{
	for (; head != tail && queue[head % CONNECTIONS].at <= now(); head++)
		if (queue[head % CONNECTIONS].fd >= 0)
			check("answer", send(queue[head % CONNECTIONS].fd, answer, length, MSG_NOSIGNAL));
}

static void take(int fd, long long delay)
{
	ssize_t n = read(fd, requests[fd] + have[fd], HEAD_MAX - 1 - have[fd]);

	if (n <= 0) {
		forget(fd);
		close(fd);
		return;
	}
	have[fd] += n;
	requests[fd][have[fd]] = '\0';
	if (!strstr(requests[fd], "\r\n\r\n"))
		return;
	have[fd] = 0;
	queue[tail++ % CONNECTIONS] = (struct due){ .fd = fd, .at = now() + delay };
}

int main(int argc, char **argv)
{
	struct epoll_event event = { .events = EPOLLIN }, events[TURN];
	size_t size, length;
	struct timespec wait;
	long long delay, left;
	int listener, poll, n;
	char *answer;

	if (argc != 4) {
		fputs(usage, stderr);
		return 2;
	}
	delay = atof(argv[2]) * 1e6;
	size = strtoul(argv[3], NULL, 0);
	answer = calloc(1, size + 256);
	length = size + sprintf(answer, "HTTP/1.1 200 OK\r\nETag: \"distant\"\r\nContent-Type: application/octet-stream\r\n"
				"Content-Length: %zu\r\n\r\n", size);
	listener = serve(atoi(argv[1]));
	poll = check("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
	event.data.fd = listener;
	check("epoll_ctl", epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event));
	for (;;) {
		answer_due(answer, length);
		left = head != tail ? queue[head % CONNECTIONS].at - now() : 0;
		wait = (struct timespec){ .tv_nsec = left > 0 ? left % 1000000000 : 0, .tv_sec = left > 0 ? left / 1000000000 : 0 };
		n = check("epoll_pwait2", epoll_pwait2(poll, events, TURN, head != tail ? &wait : NULL, NULL));
		while (n--) {
			if (events[n].data.fd == listener)
				welcome(poll, listener);
			else
				take(events[n].data.fd, delay);
		}
	}
}
