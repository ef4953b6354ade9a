// SPDX-License-Identifier: GPL-2.0-only
/*
 * The function with a network of its own: events come over HTTP to its own server, objects over libcurl. In a guest over
 * virtio-net; on the host as it is.
 *
 *	function_network STORE PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include "function.h"
#include "http_server.h"
#include "store_client.h"

static char *buffer;

void *fabric_buffer(enum fabric_object which)
{
	return which == OBJECT_IN ? buffer : buffer + OBJECT_MAX;
}

size_t fabric_get(const char *bucket, const char *key, void *buf)
{
	return store_get(bucket, key, buf, OBJECT_MAX);
}

void fabric_put(const char *bucket, const char *key, const void *buf, size_t len)
{
	store_put(bucket, key, buf, len);
}

size_t fabric_call(const char *function, const char *payload, size_t len, char *answer, size_t cap)
{
	return store_call(function, payload, len, answer, cap);
}

void fabric_respond(const char *answer, size_t len)
{
	http_answer(answer, len);
}

int main(int argc, char **argv)
{
	const char *event;
	size_t len;

	if (argc != 3)
		return 2;
	buffer = malloc(OBJECT_MAX + RESULT_MAX);
	store_open(argv[1]);
	http_listen(atoi(argv[2]));
	puts("listening");
	fflush(stdout);
	for (;;) {
		event = http_next(&len);
		handle(event, len);
	}
}
