// SPDX-License-Identifier: GPL-2.0-only
/* The function in a guest without a network device, over libnexus-guest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../../guest-lib/nexus.h"
#include "function.h"

#define WINDOW	(256U << 10)

static struct nexus *nx;
static struct nexus_event *event;
static void *buffer;
static size_t buffer_size;

static void check(const char *what, long ret)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-ret));
	exit(1);
}

/* As large as the largest object so far: an arena keeps what it once had. */
void *fabric_buffer(void)
{
	return buffer;
}

size_t fabric_get(const char *bucket, const char *key, void *buf)
{
	ssize_t n = nexus_get(nx, bucket, key, buf, buffer_size, NULL, NULL);

	check(key, n);
	return n;
}

void fabric_put(const char *bucket, const char *key, const void *buf, size_t len)
{
	check(key, nexus_put(nx, bucket, key, buf, len, NULL, NULL));
}

void fabric_respond(const char *answer, size_t len)
{
	check("respond", nexus_respond(nx, event->request_id, answer, len, NULL));
}

int main(int argc, char **argv)
{
	struct nexus_next_options next = NEXUS_NEXT_OPTIONS_INIT;

	/* Two arguments: the objects' bytes at most, and how many windows are lent for what the host fetches ahead. */
	buffer_size = argc > 1 ? strtoul(argv[1], NULL, 0) : WINDOW;
	next.prefetches = argc > 2 ? atoi(argv[2]) : 0;
	next.window = 4096;
	if (nexus_open(&nx, NULL)) {
		fprintf(stderr, "%s\n", nexus_open_error());
		return 1;
	}
	buffer = nexus_alloc(nx, buffer_size);
	check("nexus_alloc", buffer ? 0 : -12);
	for (;;) {
		check("next", nexus_next(nx, &next, &event));
		handle(event->payload, event->payload_len);
		nexus_event_free(event);
	}
}
