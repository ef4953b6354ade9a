// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a practitioner would build instead: a process on the host that takes events over HTTP, hands them to one guest over
 * virtio-vsock, and does its object I/O. Objects are gathered first: a download's length is told before it, and an
 * upload's hash is part of its signature.
 *
 *	proxy STORE PORT VSOCK_PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>
#include <unistd.h>
#include "function.h"
#include "http_server.h"
#include "store_client.h"
#include "vsock_message.h"

static int guest;
static char **arguments;

static void check(const char *what, long ret)
{
	if (ret >= 0)
		return;
	perror(what);
	exit(1);
}

/* The guest went: everything afresh, for the next one. */
static void gone(void)
{
	execvp(arguments[0], arguments);
	exit(1);
}

static void receive(void *buf, size_t len)
{
	for (ssize_t n; len; len -= n, buf = (char *)buf + n) {
		n = read(guest, buf, len);
		if (n <= 0)
			gone();
	}
}

static void send_all(const void *data, size_t len)
{
	for (ssize_t n; len; len -= n, data = (const char *)data + n) {
		n = write(guest, data, len);
		if (n < 0)
			gone();
	}
}

static void answer(struct vsock_message *message, const void *data, size_t len)
{
	message->len = len;
	send_all(message, sizeof(*message));
	send_all(data, len);
}

/* object: OBJECT_MAX bytes of memory. */
static void serve(char *object)
{
	struct vsock_message message;
	char text[65536];
	const char *event;
	size_t len;

	receive(&message, sizeof(message));
	message.bucket[sizeof(message.bucket) - 1] = '\0';
	message.key[sizeof(message.key) - 1] = '\0';
	switch (message.op) {
	case VSOCK_NEXT:
		event = http_next(&len);
		answer(&message, event, len);
		return;
	case VSOCK_GET:
		answer(&message, object, store_get(message.bucket, message.key, object, OBJECT_MAX));
		return;
	case VSOCK_PUT:
		check("put", message.len <= OBJECT_MAX ? 0 : -1);
		receive(object, message.len);
		store_put(message.bucket, message.key, object, message.len);
		answer(&message, NULL, 0);
		return;
	case VSOCK_CALL:
		check("call", message.len <= sizeof(text) ? 0 : -1);
		receive(text, message.len);
		answer(&message, object, store_call(message.key, text, message.len, object, OBJECT_MAX));
		return;
	case VSOCK_RESPOND:
		check("respond", message.len <= sizeof(text) ? 0 : -1);
		receive(text, message.len);
		http_answer(text, message.len);
		return;
	}
	exit(1);
}

int main(int argc, char **argv)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	char *object = malloc(OBJECT_MAX);
	int listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 4)
		return 2;
	arguments = argv;
	address.svm_port = atoi(argv[3]);
	check("bind", bind(listener, (struct sockaddr *)&address, sizeof(address)));
	check("listen", listen(listener, 1));
	store_open(argv[1]);
	http_listen(atoi(argv[2]));
	guest = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	check("accept", guest);
	for (;;)
		serve(object);
}
