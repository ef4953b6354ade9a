// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "caller.h"
#include "counters.h"
#include "mark.h"
#include "trace.h"

#define FUNCTIONS	64
#define SAMPLE_MS	2000	/* between looks at the memory */

struct function {
	int fd;			/* of its caller; -1 */
	int64_t ends;		/* ms; 0: it has no instance */
};

static struct function functions[FUNCTIONS];
static int64_t begun, keep_alive, samples, sampled, used;
static int managed;

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void command(const char *verb, unsigned int number, bool wait)
{
	char text[16];
	pid_t pid;

	snprintf(text, sizeof(text), "%u", number);
	pid = fork();
	if (!pid) {
		execl("/init", "/init", verb, text, NULL);
		_exit(127);
	}
	if (wait)
		waitpid(pid, NULL, 0);
}

static void end_idle(void)
{
	for (unsigned int i = 1; managed && i < FUNCTIONS; i++) {
		if (!functions[i].ends || functions[i].ends > now())
			continue;
		functions[i].ends = 0;
		close(functions[i].fd);
		functions[i].fd = -1;
		command("end", i, true);
	}
}

static void sleep_until(int64_t time)
{
	for (int64_t left; (left = time - now()) > 0;) {
		end_idle();
		left = time - now();
		usleep((left < 100 ? left < 0 ? 0 : left : 100) * 1000);
		if (now() - sampled < SAMPLE_MS)
			continue;
		sampled = now();
		used += begun - counters_available();
		samples++;
	}
}

static void event(unsigned int number, char **arguments)
{
	struct function *function = &functions[number];
	char path[256], device[32];

	snprintf(path, sizeof(path), "%s%u", arguments[3], number);
	snprintf(device, sizeof(device), "vrf%u", number);
	caller_open(arguments[1], arguments[2], managed ? arguments[3] : path, arguments[4], managed ? device : NULL);
	caller_fd = function->fd;
	MARK(MARK_SENT);
	if (managed && !function->ends)
		command("clone", number, false);
	/* The daemon may have closed a connection that was idle, as any server does. */
	caller_first();
	MARK(MARK_ANSWERED);
	singles++;
	function->fd = caller_fd;
	function->ends = now() + keep_alive;
}

int trace_run(const char *path, char **arguments)
{
	static struct counters before, after;
	FILE *file = fopen(path, "r");
	unsigned int number, count = 0;
	long long at, alive;
	int64_t start, own;

	if (!file || fscanf(file, "%lld %d", &alive, &managed) != 2)
		die(path);
	keep_alive = alive;
	for (unsigned int i = 0; i < FUNCTIONS; i++)
		functions[i].fd = -1;
	begun = counters_available();
	counters_read(&before);
	start = now();
	MARK(MARK_BEGIN);
	own = counters_own();
	while (fscanf(file, "%lld %u", &at, &number) == 2 && number < FUNCTIONS) {
		sleep_until(start + at);
		event(number, arguments);
		count++;
	}
	own = counters_own() - own;
	MARK(MARK_END);
	counters_read(&after);
	printf("COUNT {\"system\": \"%s\", \"count\": %u, \"caller\": %lld, ", arguments[0], count, (long long)own);
	counters_print(&before, &after);
	printf("}\nCOUNT {\"system\": \"%s\", \"single\": %u}\n", arguments[0], singles);
	printf("TRACE {\"events\": %u, \"memory\": %lld}\n", count, (long long)(samples ? used / samples : 0));
	return 0;
}
