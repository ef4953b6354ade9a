// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include "log.h"

#define LOG_LINE_MAX	1024	/* a longer message is cut */

/* Protects every site; taken only when there is something to say. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void log_write(struct log_site *site, int priority, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	struct timespec ts;
	uint64_t now;
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;

	pthread_mutex_lock(&log_lock);
	if (now - site->since_ms > LOG_INTERVAL_MS) {
		if (site->count > LOG_BURST)
			fprintf(stderr, "<%d>%u more messages like the next one were dropped\n",
				priority, site->count - LOG_BURST);
		*site = (struct log_site){ .since_ms = now };
	}
	if (site->count++ < LOG_BURST)
		fprintf(stderr, "<%d>%s\n", priority, line);
	pthread_mutex_unlock(&log_lock);
}
