// SPDX-License-Identifier: GPL-2.0-only
/*
 * What zero copy saves, by its opposite: preloaded into nexus-backend, this makes
 * every byte between a socket and its place stop over in a buffer, as the I/O loop
 * of most clients has it. At the end it says how many did.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BOUNCE	(256U << 10)	/* bytes a call moves at most */

static char bounce[BOUNCE];	/* the daemon has one worker here */
static uint64_t copied;

ssize_t recv(int fd, void *data, size_t len, int flags)
{
	ssize_t n = recvfrom(fd, bounce, len < BOUNCE ? len : BOUNCE, flags, NULL, NULL);

	if (n > 0) {
		memcpy(data, bounce, n);
		copied += n;
	}
	return n;
}

ssize_t readv(int fd, const struct iovec *iov, int count)
{
	size_t room = iov[0].iov_len < BOUNCE ? iov[0].iov_len : BOUNCE;

	(void)count;
	return recv(fd, iov[0].iov_base, room, 0);
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	ssize_t n;

	if (len > BOUNCE)
		len = BOUNCE;
	memcpy(bounce, data, len);
	n = sendto(fd, bounce, len, flags, NULL, 0);
	if (n > 0)
		copied += n;
	return n;
}

static void __attribute__((destructor)) copying_end(void)
{
	fprintf(stderr, "copying: %llu bytes\n", (unsigned long long)copied);
}
