// SPDX-License-Identifier: GPL-2.0-only
/* The function in a guest whose I/O a proxy on the host does, over virtio-vsock: proxy.c. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <linux/vm_sockets.h>
#include <unistd.h>
#include "function.h"
#include "vsock_message.h"

static int host;
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

static void send_message(uint32_t op, const char *bucket, const char *key, const void *data, size_t len)
{
	struct vsock_message message = { .op = op, .len = len };
	struct iovec iov[] = { { &message, sizeof(message) }, { (void *)data, len } };
	struct iovec *at = iov;
	int left = len ? 2 : 1;

	snprintf(message.bucket, sizeof(message.bucket), "%s", bucket);
	snprintf(message.key, sizeof(message.key), "%s", key);
	while (left) {
		ssize_t n = writev(host, at, left);

		check("write", n);
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

void fabric_respond(const char *answer, size_t len)
{
	send_message(VSOCK_RESPOND, "", "", answer, len);
}

static void connect_host(void)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = VSOCK_PORT };

	host = socket(AF_VSOCK, SOCK_STREAM, 0);
	check("connect", connect(host, (struct sockaddr *)&address, sizeof(address)));
}

int main(void)
{
	struct vsock_message message;
	char event[4096];

	buffer = malloc(OBJECT_MAX + RESULT_MAX);
	connect_host();
	puts("listening");
	fflush(stdout);
	for (;;) {
		send_message(VSOCK_NEXT, "", "", NULL, 0);
		/* A clone's connections are reset: it waited here when its snapshot was taken. */
		if (!received(&message, sizeof(message))) {
			close(host);
			connect_host();
			continue;
		}
		check("event", message.len <= sizeof(event) ? 0 : -1);
		receive(event, message.len);
		handle(event, message.len);
	}
}
