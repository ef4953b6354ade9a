// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts for the exact benchmark: ticks of the TSC, which are instructions of the
 * whole emulated machine there, for batches of gets.
 *
 *	fetch WHERE BATCH BATCH ... -- SIZE ...
 *
 * For each SIZE (the object's key, and bytes) a batch to warm up, then one of each
 * length. Around each the machine is silent for a while, so that the host may read
 * its own counters: no line is printed, and nothing else happens, in between.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>
#include "fetch.h"

#define WARM_UP	20
#define PAUSE	200000	/* us */
#define BATCHES	8

void fetch_die(const char *what, const char *why)
{
	printf("FAILED %s: %s\n", what, why);
	exit(1);
}

static uint64_t batch(const char *key, size_t size, unsigned int count)
{
	uint64_t start = __rdtsc();

	while (count--)
		if (fetch(key) != size)
			fetch_die(key, "has another size");
	return __rdtsc() - start;
}

static void measure(const char *key, const unsigned int *lengths, unsigned int nr)
{
	size_t size = strtoull(key, NULL, 0);
	uint64_t ticks;

	batch(key, size, WARM_UP);
	for (unsigned int i = 0; i < nr; i++) {
		/* Lines of one length each, whatever they say: printing has its cost, too. */
		printf("BEGIN %10s %6u %20d\n", key, lengths[i], 0);
		usleep(PAUSE);
		ticks = batch(key, size, lengths[i]);
		printf("END   %10s %6u %20llu\n", key, lengths[i], (unsigned long long)ticks);
		usleep(PAUSE);
	}
}

int main(int argc, char **argv)
{
	unsigned int lengths[BATCHES], nr = 0;
	size_t max = 0;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 2; i < argc && strcmp(argv[i], "--") && nr < BATCHES; i++)
		lengths[nr++] = atoi(argv[i]);
	if (i + 1 >= argc)
		return 2;
	for (int k = ++i; k < argc; k++)
		max = strtoull(argv[k], NULL, 0) > max ? strtoull(argv[k], NULL, 0) : max;
	fetch_open(argv[1], max);
	for (; i < argc; i++)
		measure(argv[i], lengths, nr);
	printf("DONE\n");
	return 0;
}
