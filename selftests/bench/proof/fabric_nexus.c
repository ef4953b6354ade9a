// SPDX-License-Identifier: GPL-2.0-only
/* The function in a guest without a network device, over libnexus-guest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../../guest-lib/nexus.h"
#include "function.h"

#define WINDOW	(256U << 10)

static struct nexus *nx;
static struct nexus_event *event;
static void *buffers[2];
static size_t buffer_size;

static void check(const char *what, long ret)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-ret));
	exit(1);
}

void *fabric_buffer(enum fabric_object which)
{
	size_t size = which == OBJECT_IN ? buffer_size : RESULT_MAX;

	if (!buffers[which])
		buffers[which] = nexus_alloc(nx, size);
	check("nexus_alloc", buffers[which] ? 0 : -ENOMEM);
	return buffers[which];
}

/* An arena keeps what it once had: there is room for the largest object only when there was one. */
size_t fabric_get(const char *bucket, const char *key, void *buf)
{
	ssize_t n = nexus_get(nx, bucket, key, buf, buffer_size, NULL, NULL);

	if (n == -EFBIG && buffer_size < OBJECT_MAX) {
		nexus_free(nx, buffers[OBJECT_IN]);
		buffers[OBJECT_IN] = NULL;
		buffer_size = OBJECT_MAX;
		n = nexus_get(nx, bucket, key, fabric_buffer(OBJECT_IN), buffer_size, NULL, NULL);
	}
	check(key, n);
	return n;
}

void fabric_put(const char *bucket, const char *key, const void *buf, size_t len)
{
	check(key, nexus_put(nx, bucket, key, buf, len, NULL, NULL));
}

size_t fabric_call(const char *function, const char *payload, size_t len, char *answer, size_t cap)
{
	struct nexus_aws request = NEXUS_AWS_INIT;
	char path[NAME_SIZE];
	ssize_t n;

	snprintf(path, sizeof(path), "/2015-03-31/functions/%s/invocations", function);
	request.service = "lambda";
	request.path = path;
	n = nexus_aws(nx, &request, payload, len, answer, cap, NULL, NULL);
	check(function, n);
	return n;
}

void fabric_respond(const char *answer, size_t len)
{
	const struct nexus_respond_options options = { .size = sizeof(options), .flags = NEXUS_RESPOND_NEXT };

	check("respond", nexus_respond(nx, event->request_id, answer, len, &options));
}

int main(int argc, char **argv)
{
	struct nexus_next_options next = NEXUS_NEXT_OPTIONS_INIT;

	/* Two arguments: the objects' bytes at first, and how many windows are lent for what the host fetches ahead. */
	buffer_size = argc > 1 ? strtoul(argv[1], NULL, 0) : WINDOW;
	next.prefetches = argc > 2 ? atoi(argv[2]) : 0;
	next.window = 4096;
	if (nexus_open(&nx, NULL)) {
		fprintf(stderr, "%s\n", nexus_open_error());
		return 1;
	}
	fabric_buffer(OBJECT_IN);
	for (;;) {
		check("next", nexus_next(nx, &next, &event));
		handle(event->payload, event->payload_len);
		nexus_event_free(event);
	}
}
