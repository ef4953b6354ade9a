// SPDX-License-Identifier: GPL-2.0-only
/* The function in a guest whose I/O a proxy on the host does, over virtio-vsock: proxy.c. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <linux/vm_sockets.h>
#include <unistd.h>
#include "function.h"
#include "vsock_message.h"

static int host, device;
static char *buffer;

static void check(const char *what, long ret)
{
	if (ret >= 0)
		return;
	perror(what);
	exit(1);
}

static bool received(void *buf, size_t len)
{
	for (ssize_t n; len; len -= n, buf = (char *)buf + n) {
		n = read(host, buf, len);
		if (n <= 0)
			return false;
	}
	return true;
}

static void receive(void *buf, size_t len)
{
	check("read", received(buf, len) ? 0 : -1);
}

static bool sent_message(uint32_t op, const char *bucket, const char *key, const void *data, size_t len)
{
	struct vsock_message message = { .op = op, .len = len };
	struct iovec iov[] = { { &message, sizeof(message) }, { (void *)data, len } };
	struct iovec *at = iov;
	int left = len ? 2 : 1;

	snprintf(message.bucket, sizeof(message.bucket), "%s", bucket);
	snprintf(message.key, sizeof(message.key), "%s", key);
	while (left) {
		ssize_t n = writev(host, at, left);

		if (n < 0)
			return false;
		while (left && (size_t)n >= at->iov_len) {
			n -= at->iov_len;
			at++;
			left--;
		}
		if (left) {
			at->iov_base = (char *)at->iov_base + n;
			at->iov_len -= n;
		}
	}
	return true;
}

static void send_message(uint32_t op, const char *bucket, const char *key, const void *data, size_t len)
{
	check("write", sent_message(op, bucket, key, data, len) ? 0 : -1);
}

static size_t receive_answer(void *buf, size_t cap)
{
	struct vsock_message message;

	receive(&message, sizeof(message));
	check("answer", message.len <= cap ? 0 : -1);
	receive(buf, message.len);
	return message.len;
}

void *fabric_buffer(enum fabric_object which)
{
	return which == OBJECT_IN ? buffer : buffer + OBJECT_MAX;
}

size_t fabric_get(const char *bucket, const char *key, void *buf)
{
	send_message(VSOCK_GET, bucket, key, NULL, 0);
	return receive_answer(buf, OBJECT_MAX);
}

void fabric_put(const char *bucket, const char *key, const void *buf, size_t len)
{
	send_message(VSOCK_PUT, bucket, key, buf, len);
	receive_answer(NULL, 0);
}

size_t fabric_call(const char *function, const char *payload, size_t len, char *answer, size_t cap)
{
	send_message(VSOCK_CALL, "", function, payload, len);
	return receive_answer(answer, cap);
}

void fabric_respond(const char *answer, size_t len)
{
	send_message(VSOCK_RESPOND, "", "", answer, len);
}

/* Again and again until the proxy listens: a clone may be here before its proxy begins afresh. */
static void connect_host(void)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST };
	unsigned int cid;

	for (;; usleep(1000)) {
		check("CID", ioctl(device, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid));
		address.svm_port = VSOCK_PORT + cid - VSOCK_CID;
		host = socket(AF_VSOCK, SOCK_STREAM, 0);
		check("socket", host);
		if (!connect(host, (struct sockaddr *)&address, sizeof(address)))
			return;
		close(host);
	}
}

int main(void)
{
	struct vsock_message message;
	char event[4096];

	buffer = malloc(OBJECT_MAX + RESULT_MAX);
	device = open("/dev/vsock", O_RDONLY | O_CLOEXEC);
	check("/dev/vsock", device);
	connect_host();
	puts("listening");
	fflush(stdout);
	for (;;) {
		/* A clone's connections are reset: it waited here when its snapshot was taken. */
		if (!sent_message(VSOCK_NEXT, "", "", NULL, 0) || !received(&message, sizeof(message))) {
			close(host);
			connect_host();
			continue;
		}
		check("event", message.len <= sizeof(event) ? 0 : -1);
		receive(event, message.len);
		handle(event, message.len);
	}
}
