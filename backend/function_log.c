// SPDX-License-Identifier: GPL-2.0-only
/* The journal's fields carry their own names: the source's are of no use to anybody. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>
#include "config.h"
#include "function.h"
#include "function_log.h"
#include "log.h"

#define LINE_MAX	2048	/* a longer line is cut */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool to_journal;

static void find_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	to_journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && !fstat(STDERR_FILENO, &st) &&
		     st.st_dev == device && st.st_ino == inode;
}

static void line_write(const struct function *function, int priority, const char *id, const char *line)
{
	const struct function_config *config = function->config;

	pthread_once(&once, find_journal);
	if (to_journal && !sd_journal_send("MESSAGE=%s", line, "PRIORITY=%d", priority, "NEXUS_FUNCTION=%s", config->name,
					   "NEXUS_TENANT=%s", config->tenant->name, *id ? "NEXUS_REQUEST_ID=%s" : NULL, id,
					   NULL))
		return;
	fprintf(stderr, "<%d>function %s: %s%s%s\n", priority, config->name, id, *id ? " " : "", line);
}

/* May one more line be written? What the answer changes is said at once. */
static bool line_allowed(struct function *function)
{
	unsigned int dropped = 0;
	bool allowed, first;
	struct timespec ts;
	char text[128];
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	pthread_mutex_lock(&function->lock);
	if (now - function->log_since_ms > FUNCTION_LOG_MS) {
		dropped = function->log_dropped;
		function->log_since_ms = now;
		function->log_lines = function->log_dropped = 0;
	}
	allowed = function->log_lines < FUNCTION_LOG_LINES;
	function->log_lines += allowed;
	function->log_dropped += !allowed;
	function->counters.log_dropped += !allowed;
	first = function->log_dropped == 1;
	pthread_mutex_unlock(&function->lock);
	if (dropped) {
		snprintf(text, sizeof(text), "%u lines were dropped", dropped);
		line_write(function, LOG_WARNING, "", text);
	}
	if (!allowed && first) {
		snprintf(text, sizeof(text), "more than %d lines in %d s: the next ones are dropped", FUNCTION_LOG_LINES,
			 FUNCTION_LOG_MS / 1000);
		line_write(function, LOG_WARNING, "", text);
	}
	return allowed;
}

void function_log(struct function *function, const char *id, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		char line[LINE_MAX];
		size_t out = 0;

		/* Control characters could forge lines, or drive a terminal. */
		for (size_t i = 0; i < n && out < sizeof(line) - 1; i++)
			line[out++] = ((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f ? '?' : text[i];
		line[out] = '\0';
		if (n && line_allowed(function))
			line_write(function, LOG_INFO, id, line);
		text += end ? n + 1 : n;
		len -= end ? n + 1 : n;
	}
}
