// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caller of a function, who also counts: sends events over one connection that is kept alive,
 * one after the other, and prints what they cost the machine.
 *
 *	invoke [OPTION]... NAME ADDRESS PORT PATH EVENT [BATCH]...
 *
 * First it waits until the function answers at all. Then invocations to warm up, and a batch of each length,
 * back to back; then, for the way to an answer, single invocations with pauses in between, so that
 * what the system does behind an answer is not in the next one's. A line of JSON for each, "COUNT {...}", in the order
 * of the marks at which split.c counts the instructions; "FAILED {...}" says how many single ones are without such a line.
 *
 *	--warm N	invocations to warm up (30)
 *	--single N	single invocations (0)
 *	--cold COMMAND	run it first, it need not end, and count until the first answer
 *	--memory	then, what everything occupies
 *	--rest S	at last, what the machine does in S seconds in which nobody calls
 *	--device NAME	the network device to go through
 *	--parallel N	instead of all this: N events at once, a connection each
 *	--trace FILE	instead of all this: trace.h
 *
 *	invoke --memory NAME
 *
 * Only that.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "caller.h"
#include "counters.h"
#include "mark.h"
#include "trace.h"

#define PAUSE		150000	/* us: far longer than anything goes on behind an answer; an instance is at rest by then */
#define SETTLE		300000	/* us */
#define PARALLEL	1000	/* connections at most */

static void batch(const char *name, unsigned int count)
{
	static struct counters before, after;
	int64_t own;

	usleep(SETTLE);
	counters_read(&before);
	MARK(MARK_BEGIN);
	own = counters_own();
	for (unsigned int i = 0; i < count; i++)
		caller_must(caller_invoke());
	own = counters_own() - own;
	MARK(MARK_END);
	counters_read(&after);
	printf("COUNT {\"system\": \"%s\", \"count\": %u, \"caller\": %lld, ", name, count, (long long)own);
	counters_print(&before, &after);
	printf("}\n");
}

static void single(const char *name, unsigned int count)
{
	for (singles = 0; singles < count; singles++) {
		usleep(PAUSE);
		MARK(MARK_SENT);
		caller_must(caller_invoke());
		MARK(MARK_ANSWERED);
	}
	printf("COUNT {\"system\": \"%s\", \"single\": %u}\n", name, count);
	singles = 0;
}

static void memory(const char *name)
{
	printf("COUNT {\"system\": \"%s\", \"memory\": {", name);
	counters_print_memory();
	printf("}}\n");
}

static void rest(const char *name, unsigned int seconds)
{
	static struct counters before, after;

	usleep(SETTLE);
	counters_read(&before);
	MARK(MARK_BEGIN);
	sleep(seconds);
	MARK(MARK_END);
	counters_read(&after);
	printf("COUNT {\"system\": \"%s\", \"rest\": %u, ", name, seconds);
	counters_print(&before, &after);
	printf("}\n");
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
	caller_first();
	MARK(MARK_END);
	printf("COUNT {\"system\": \"%s\", \"cold\": 1}\n", name);
}

static void parallel(unsigned int count)
{
	int connections[PARALLEL];

	for (unsigned int i = 0; i < count && i < PARALLEL; i++) {
		if (!caller_connect() || !caller_send())
			die("an event was not taken");
		connections[i] = caller_fd;
	}
	for (unsigned int i = 0; i < count && i < PARALLEL; i++) {
		caller_fd = connections[i];
		caller_must(caller_receive());
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: invoke [--warm N] [--single N] [--cold COMMAND] [--memory] [--rest S] [--device NAME] [--parallel N] [--patience S] [--trace FILE]\n"
		"              NAME ADDRESS PORT PATH EVENT [BATCH]...\n"
		"       invoke --memory NAME\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "warm", required_argument, NULL, 'w' }, { "single", required_argument, NULL, 's' },
		{ "cold", required_argument, NULL, 'c' }, { "memory", no_argument, NULL, 'm' },
		{ "rest", required_argument, NULL, 'r' },
		{ "device", required_argument, NULL, 'd' }, { "trace", required_argument, NULL, 't' },
		{ "parallel", required_argument, NULL, 'p' }, { "patience", required_argument, NULL, 'e' }, { 0 }
	};
	unsigned int warm = 30, nr_single = 0, nr_parallel = 0, nr_rest = 0;
	const char *command = NULL, *device = NULL, *trace = NULL;
	bool occupied = false;
	char **arg;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'w': warm = atoi(optarg); break;
		case 's': nr_single = atoi(optarg); break;
		case 'c': command = optarg; break;
		case 'm': occupied = true; break;
		case 'r': nr_rest = atoi(optarg); break;
		case 'd': device = optarg; break;
		case 't': trace = optarg; break;
		case 'e': caller_patience = atoi(optarg); break;
		case 'p': nr_parallel = atoi(optarg); break;
		default: return usage();
		}
	arg = argv + optind;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc - optind == 1 && occupied) {
		memory(arg[0]);
		return 0;
	}
	if (argc - optind < 5)
		return usage();
	caller_open(arg[1], arg[2], arg[3], arg[4], device);
	if (nr_parallel) {
		parallel(nr_parallel);
		return 0;
	}
	if (trace)
		return trace_run(trace, arg);
	if (command)
		cold(arg[0], command);
	else
		caller_first();
	for (unsigned int i = 0; i < warm; i++)
		caller_must(caller_invoke());
	for (arg += 5; *arg; arg++)
		batch(argv[optind], atoi(*arg));
	if (nr_single)
		single(argv[optind], nr_single);
	if (occupied) {
		usleep(SETTLE);
		memory(argv[optind]);
	}
	if (nr_rest)
		rest(argv[optind], nr_rest);
	return 0;
}
