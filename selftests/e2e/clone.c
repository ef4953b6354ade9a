// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function for clones: clone [WINDOW]. For each event {"key": KEY}, get the object and say what it
 * holds (size and a sum), whether it was in memory before it was asked for, and
 * random numbers of the kernel and of this process, the time by its clock, and the event's "mine". One with
 * "pause" takes 0.3 s. WINDOW: bytes lent for one object.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "../../guest-lib/nexus.h"

#define OBJECT_MAX	(16U << 20)

static char object[OBJECT_MAX];

static uint64_t hits(struct nexus *nx)
{
	struct nexus_info i = NEXUS_INFO_INIT;

	nexus_info(nx, &i);
	return i.prefetch_hits;
}

/* The value of the member with this name, its quotes included; "" if there is none. */
static void member_of(const struct nexus_event *event, const char *name, char *key, size_t size)
{
	const char *end = (const char *)event->payload + event->payload_len;
	const char *at = memmem(event->payload, event->payload_len, name, strlen(name));
	size_t n = 0;

	at = at ? memchr(at + strlen(name), '"', end - at - strlen(name)) : NULL;
	while (at && ++at < end && *at != '"' && n + 1 < size)
		key[n++] = *at;
	key[n] = '\0';
}

static uint64_t sum(const char *data, size_t len)
{
	uint64_t h = 14695981039346656037ULL, word;

	for (size_t i = 0; i + 8 <= len; i += 8) {
		memcpy(&word, data + i, 8);
		h = (h ^ word) * 1099511628211ULL;
	}
	return h ^ len;
}

static void answer_event(struct nexus *nx, struct nexus_event *event, uint64_t *generation)
{
	uint64_t kernel = 0, before = hits(nx);
	char answer[1024], key[256], mine[256];
	unsigned int seed;
	struct timespec now;
	ssize_t n;
	int len;

	if (event->restore_generation != *generation) {
		*generation = event->restore_generation;
		memcpy(&seed, event->entropy, sizeof(seed));
		srandom(seed);
	}
	if (getrandom(&kernel, sizeof(kernel), 0) != sizeof(kernel))
		abort();
	clock_gettime(CLOCK_REALTIME, &now);
	member_of(event, "\"key\"", key, sizeof(key));
	member_of(event, "\"mine\"", mine, sizeof(mine));
	n = nexus_get(nx, "nexus-test", key, object, sizeof(object), NULL, NULL);
	len = snprintf(answer, sizeof(answer), "{\"n\":%zd,\"sum\":\"%016llx\",\"hits\":%d,\"kernel\":\"%016llx\","
		       "\"process\":\"%08lx\",\"generation\":\"%llx\",\"clock\":%lld,\"mine\":\"%s\"}", n,
		       n > 0 ? (unsigned long long)sum(object, n) : 0, (int)(hits(nx) - before),
		       (unsigned long long)kernel, random(), (unsigned long long)*generation,
		       now.tv_sec * 1000LL + now.tv_nsec / 1000000, mine);
	/* The next clone gets one of its own; this one is not to take its events, until there is this object. */
	member_of(event, "\"stay\"", key, sizeof(key));
	while (*key && nexus_get(nx, "nexus-test", key, object, sizeof(object), NULL, NULL) < 0)
		sleep(1);
	if (memmem(event->payload, event->payload_len, "\"pause\"", 7))
		usleep(300000);
	if (memmem(event->payload, event->payload_len, "\"hang\"", 6))
		for (;;)
			pause();
	nexus_respond(nx, event->request_id, answer, len, NULL);
}

int main(int argc, char **argv)
{
	struct nexus_next_options next = NEXUS_NEXT_OPTIONS_INIT;
	struct nexus_event *event;
	uint64_t generation = 0;
	struct nexus *nx;

	next.prefetches = 1;
	if (argc > 1)
		next.prefetch_window = atoi(argv[1]);
	if (nexus_open(&nx, NULL)) {
		fprintf(stderr, "%s\n", nexus_open_error());
		return 1;
	}
	while (!nexus_next(nx, &next, &event)) {
		answer_event(nx, event, &generation);
		nexus_event_free(event);
	}
	return 1;
}
