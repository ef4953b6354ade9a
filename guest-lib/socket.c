// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "cleanup.h"
#include "socket.h"

#define MAX_FDS	2
#define CONNECT_MS	500	/* as long as a listener with a full backlog is waited for; likewise to send */

int socket_connect(const char *path)
{
	const struct timeval limit = { .tv_usec = 1000 * CONNECT_MS };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	autoclose int sock = -1;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return take_fd(&sock);
}

static int socket_send(int sock, const void *msg, size_t size, const int *fds, int nr_fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)msg, size };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nr_fds) {
		struct cmsghdr *c = &control.align;

		hdr.msg_control = control.buf;
		hdr.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr_fds * sizeof(int));
	}
	return sendmsg(sock, &hdr, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int socket_receive(int sock, void *msg, size_t size, int *fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { msg, size };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	autoclose int got = -1;
	struct cmsghdr *c;
	ssize_t n;

	n = recvmsg(sock, &hdr, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	c = CMSG_FIRSTHDR(&hdr);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&got, CMSG_DATA(c), sizeof(int));
	if (!n)
		return -EPIPE;
	if ((size_t)n != size || hdr.msg_flags & MSG_TRUNC)
		return -EBADMSG;
	if (fd)
		*fd = take_fd(&got);
	return 0;
}

int socket_call(int sock, void *msg, size_t size, const int *fds, int nr_fds, int *fd, int timeout_ms)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int ret;

	ret = socket_send(sock, msg, size, fds, nr_fds);
	if (ret)
		return ret;
	do {
		ret = poll(&p, 1, timeout_ms);
	} while (ret < 0 && errno == EINTR);
	if (ret <= 0) {
		/* A late answer would be taken for the next call's. */
		ret = ret ? -errno : -ETIMEDOUT;
		shutdown(sock, SHUT_RDWR);
		return ret;
	}
	return socket_receive(sock, msg, size, fd);
}

bool socket_closed(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLRDHUP | POLLERR);
}
