// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function in C: for each event get an object and say what that cost, or (an event with
 * "write") put it, in the mode that it names, if there is none (an event with "conditional"), of 9 MiB
 * (one with "large"); or (one with "idle") do nothing. One with "chain" writes as well, and has the function "reader" get
 * what was written, by lambda.invoke or (with "http") at NEXUS_CHAIN_URL. One with "slow" takes 20 s. The event is {"key": KEY ...}: the
 * object's key follows the first "key".
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../../guest-lib/nexus.h"

#define LARGE	(9U << 20)

static struct nexus_info info(struct nexus *nx)
{
	struct nexus_info i = NEXUS_INFO_INIT;

	nexus_info(nx, &i);
	return i;
}

static void key_of(const struct nexus_event *event, char *key, size_t size)
{
	const char *text = memmem(event->payload, event->payload_len, "\"key\"", 5);
	size_t left = text ? event->payload_len - (text - (const char *)event->payload) : 0, n = 0;
	const char *start = left > 6 ? memchr(text + 6, '"', left - 6) : NULL;

	while (start && n + 1 < size && start + 1 + n < (const char *)event->payload + event->payload_len &&
	       start[1 + n] != '"') {
		key[n] = start[1 + n];
		n++;
	}
	key[n] = '\0';
}

static bool event_has(const struct nexus_event *event, const char *word)
{
	return memmem(event->payload, event->payload_len, word, strlen(word));
}

static enum nexus_write_mode mode_of(const struct nexus_event *event)
{
	return event_has(event, "\"deferred\"") ? NEXUS_WRITE_DEFERRED : event_has(event, "\"through\"") ? NEXUS_WRITE_THROUGH :
	       NEXUS_WRITE_DEFAULT;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static ssize_t write_object(struct nexus *nx, const struct nexus_event *event, const char *key)
{
	static const struct nexus_field only_new = { "if-none-match", "*" };
	static char data[LARGE];
	struct nexus_options o = NEXUS_OPTIONS_INIT;

	o.write_mode = mode_of(event);
	o.headers = &only_new;
	o.nr_headers = event_has(event, "\"conditional\"");
	return nexus_put(nx, "nexus-test", key, data, event_has(event, "\"large\"") ? LARGE : 64, &o, NULL);
}

static ssize_t chain(struct nexus *nx, const struct nexus_event *event, const char *key, char *answer, size_t size)
{
	struct nexus_http http = NEXUS_HTTP_INIT;
	struct nexus_aws aws = NEXUS_AWS_INIT;
	char text[300];
	int len = snprintf(text, sizeof(text), "{\"key\":\"%s\"}", key);
	ssize_t n = write_object(nx, event, key);

	http.method = "POST";
	http.url = getenv("NEXUS_CHAIN_URL");
	aws.service = "lambda";
	aws.path = "/2015-03-31/functions/reader/invocations";
	if (n < 0)
		return n;
	return event_has(event, "\"http\"") ? nexus_http(nx, &http, text, len, answer, size, NULL, NULL) :
					       nexus_aws(nx, &aws, text, len, answer, size, NULL, NULL);
}

int main(void)
{
	struct nexus_next_options next = NEXUS_NEXT_OPTIONS_INIT;
	struct nexus *nx;

	next.prefetches = 2;
	if (nexus_open(&nx, NULL)) {
		fprintf(stderr, "%s\n", nexus_open_error());
		return 1;
	}
	for (;;) {
		char answer[1024], key[256], text[65] = "", entropy[65];
		struct nexus_info before, after;
		struct nexus_event *event;
		double taken;
		ssize_t n;
		int len;

		if (nexus_next(nx, &next, &event))
			return 0;
		taken = now();
		key_of(event, key, sizeof(key));
		if (event_has(event, "\"chain\"")) {
			n = chain(nx, event, key, answer, sizeof(answer));
			len = n < 0 ? snprintf(answer, sizeof(answer), "{\"n\":%zd}", n) : n;
			nexus_respond(nx, event->request_id, answer, len, NULL);
			nexus_event_free(event);
			continue;
		}
		if (event_has(event, "\"write\"") || event_has(event, "\"idle\"")) {
			n = event_has(event, "\"write\"") ? write_object(nx, event, key) : 0;
			len = snprintf(answer, sizeof(answer), "{\"n\":%zd,\"taken\":%.6f,\"acknowledged\":%.6f}", n, taken,
				       now());
			nexus_respond(nx, event->request_id, answer, len, NULL);
			nexus_event_free(event);
			continue;
		}
		/* The object arrives meanwhile; or somebody ends us. */
		usleep(event_has(event, "\"slow\"") ? 20000000 : 300000);
		before = info(nx);
		n = nexus_get(nx, "nexus-test", key, text, sizeof(text) - 1, NULL, NULL);
		after = info(nx);
		for (int i = 0; i < 32; i++)
			sprintf(entropy + 2 * i, "%02x", event->entropy[i]);
		len = snprintf(answer, sizeof(answer),
			       "{\"n\":%zd,\"taken\":%.3f,\"text\":\"%s\",\"requests\":%d,\"kicks\":%d,\"waits\":%d,\"hits\":%d,"
			       "\"entropy\":\"%s\",\"generation\":%d,\"remaining\":%u}",
			       n, taken, n > 0 ? text : "", (int)(after.requests - before.requests),
			       (int)(after.kicks - before.kicks), (int)(after.waits - before.waits),
			       (int)(after.prefetch_hits - before.prefetch_hits), entropy,
			       (int)event->restore_generation, event->remaining_ms);
		nexus_respond(nx, event->request_id, answer, len, NULL);
		nexus_event_free(event);
	}
}
