// SPDX-License-Identifier: GPL-2.0-only
/*
 * The function with a network of its own: events come over HTTP to its own server, objects over libcurl. In a guest over
 * virtio-net; on the host as it is.
 *
 *	function_network STORE PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../../backend/sigv4.h"
#include "function.h"
#include "http_server.h"
#include "store_client.h"

static char *buffer;
static size_t filled, sent;

void *fabric_buffer(enum fabric_object which)
{
	return which == OBJECT_IN ? buffer : buffer + OBJECT_MAX;
}

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	(void)size;
	if (n > OBJECT_MAX - filled)
		return 0;
	memcpy((char *)arg + filled, data, n);
	filled += n;
	return n;
}

size_t fabric_get(const char *bucket, const char *key, void *buf)
{
	filled = 0;
	store_get(bucket, key, take, buf);
	return filled;
}

static size_t give(char *data, size_t size, size_t n, void *arg)
{
	n = n * size > filled - sent ? filled - sent : n * size;
	memcpy(data, (const char *)arg + sent, n);
	sent += n;
	return n;
}

void fabric_put(const char *bucket, const char *key, const void *buf, size_t len)
{
	char hash[SIGV4_HASH_HEX];

	filled = len;
	sent = 0;
	sigv4_hash(buf, len, hash);
	store_put(bucket, key, len, hash, give, (void *)buf);
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
