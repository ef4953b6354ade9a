// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caller of a function, who also counts: sends events over one connection that is kept alive,
 * one after the other, and prints what a batch of them cost the machine.
 *
 *	invoke NAME ADDRESS PORT PATH EVENT BATCH...
 *
 * First it waits until the function answers at all. Then a batch to warm up, and one of each length, each
 * back to back; then, for the way to an answer, SPACED invocations with pauses in between, so that
 * what the system does behind an answer is not in the next one's. A line of JSON for each, "COUNT {...}"; the
 * instructions are counted by split.c, between the marks.
 *
 *	invoke --cold NAME ADDRESS PORT PATH EVENT COMMAND
 *
 * Runs the command, which need not end, and counts until the first answer. Then a batch, and what everything occupies.
 *
 *	invoke --memory NAME
 *
 * Only that.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "counters.h"
#include "mark.h"

#define WARM_UP		30
#define SPACED		24
#define PAUSE		50000	/* us: far longer than anything goes on behind an answer */
#define SETTLE		300000	/* us */
#define PATIENCE	3000	/* tries to get a first answer */

static struct sockaddr_in address;
static char request[4096], answer[65536];
static size_t request_len;
static int fd = -1;

static int die(const char *why)
{
	printf("FAILED: %s: %.300s\n", why, answer);
	exit(1);
}

static bool open_connection(void)
{
	int one = 1;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		int error = errno;

		close(fd);
		fd = -1;
		errno = error;
		return false;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return true;
}

/* Returns the status, 0 if the connection was lost; the answer's text is in `answer`. */
static int invoke(void)
{
	size_t have = 0, want = SIZE_MAX;
	char *body, *length;
	ssize_t n;

	if (write(fd, request, request_len) != (ssize_t)request_len)
		return 0;
	while (have < want && have < sizeof(answer) - 1) {
		n = read(fd, answer + have, sizeof(answer) - 1 - have);
		if (n <= 0)
			return 0;
		have += n;
		answer[have] = '\0';
		body = want == SIZE_MAX ? strstr(answer, "\r\n\r\n") : NULL;
		if (!body)
			continue;
		length = strcasestr(answer, "\r\ncontent-length:");
		want = body + 4 - answer + (length && length < body ? strtoul(length + 17, NULL, 10) : 0);
	}
	return atoi(answer + 9);
}

static void must(int status)
{
	if (status != 200)
		die("an invocation failed");
}

static void first(void)
{
	for (int i = 0; i < PATIENCE; i++, usleep(20000)) {
		if (fd >= 0 || open_connection()) {
			int status = invoke();

			if (status == 200)
				return;
			if (status)
				die("the first invocation failed");
			close(fd);
			fd = -1;
		}
	}
	snprintf(answer, sizeof(answer), "%s", strerror(errno));
	die("no answer");
}

static void batch(const char *name, unsigned int count)
{
	static struct counters before, after;

	usleep(SETTLE);
	counters_read(&before);
	MARK(MARK_BEGIN);
	for (unsigned int i = 0; i < count; i++)
		must(invoke());
	MARK(MARK_END);
	counters_read(&after);
	printf("COUNT {\"system\": \"%s\", \"count\": %u, ", name, count);
	counters_print(&before, &after);
	printf("}\n");
}

static void spaced(const char *name)
{
	for (int i = 0; i < SPACED; i++) {
		usleep(PAUSE);
		MARK(MARK_SENT);
		must(invoke());
		MARK(MARK_ANSWERED);
	}
	printf("COUNT {\"system\": \"%s\", \"spaced\": %d}\n", name, SPACED);
}

static void memory(const char *name)
{
	printf("COUNT {\"system\": \"%s\", \"memory\": {", name);
	counters_print_memory();
	printf("}}\n");
}

static void cold(const char *name, const char *command)
{
	pid_t pid;

	usleep(SETTLE);
	MARK(MARK_BEGIN);
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	first();
	MARK(MARK_END);
	printf("COUNT {\"system\": \"%s\", \"cold\": 1}\n", name);
	for (int i = 0; i < WARM_UP; i++)
		must(invoke());
	usleep(SETTLE);
	memory(name);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 && !strncmp(argv[1], "--", 2) ? argv[1] : "";
	char **arg = argv + !!*mode;
	int nr = argc - !!*mode;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (nr == 2 && !strcmp(mode, "--memory")) {
		memory(arg[1]);
		return 0;
	}
	if (nr < 6 || (*mode && (nr != 7 || strcmp(mode, "--cold")))) {
		fprintf(stderr, "usage: invoke [--cold] NAME ADDRESS PORT PATH EVENT BATCH... | COMMAND\n"
			"       invoke --memory NAME\n");
		return 2;
	}
	address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(atoi(arg[3])) };
	inet_pton(AF_INET, arg[2], &address.sin_addr);
	request_len = snprintf(request, sizeof(request), "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
			       "Content-Length: %zu\r\n\r\n%s", arg[4], arg[2], strlen(arg[5]), arg[5]);
	if (*mode) {
		cold(arg[1], arg[6]);
		return 0;
	}
	first();
	for (int i = 0; i < WARM_UP; i++)
		must(invoke());
	for (int i = 6; i < nr; i++)
		batch(arg[1], atoi(arg[i]));
	spaced(arg[1]);
	return 0;
}
