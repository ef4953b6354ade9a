/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of hostile guests have in common. */
#ifndef NEXUS_TEST_HOSTILE_H
#define NEXUS_TEST_HOSTILE_H

#include <glob.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../tap.h"

#define UNUSED __attribute__((unused))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define HANG_S 120	/* an emulated host with a debugging kernel is slow */

static inline bool full_length(void)
{
	return getenv("FULL");
}

static inline double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Where this run's random numbers start: NEXUS_SEED, to repeat one. */
static UNUSED uint64_t random_seed(void)
{
	const char *given = getenv("NEXUS_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003 + getpid();

	printf("# NEXUS_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* splitmix64 */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
	return random_next(state) % n;
}

/* Where each thread of this program stands in the kernel, as far as that tells. */
static UNUSED void print_threads(void)
{
	glob_t stacks;
	char line[256];

	if (glob("/proc/self/task/*/stack", 0, NULL, &stacks))
		return;
	for (size_t i = 0; i < stacks.gl_pathc; i++) {
		FILE *f = fopen(stacks.gl_pathv[i], "re");

		printf("# %s\n", stacks.gl_pathv[i]);
		while (f && fgets(line, sizeof(line), f))
			printf("#   %s", line);
		if (f)
			fclose(f);
	}
	globfree(&stacks);
}

/* Join a thread; the test ends as a failure if it hangs. */
static UNUSED void join_or_fail(pthread_t thread, const char *what)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += full_length() ? 15 * HANG_S : HANG_S;
	if (!pthread_timedjoin_np(thread, NULL, &until))
		return;
	tap_ok(false, "%s ends: it hangs", what);
	print_threads();
	tap_done();
	fflush(stdout);
	_exit(1);
}

/* The field `key` of /proc/vmstat. */
static UNUSED long vmstat(const char *key)
{
	FILE *f = fopen("/proc/vmstat", "re");
	char name[64];
	long value;

	while (f && fscanf(f, "%63s %ld", name, &value) == 2)
		if (!strcmp(name, key)) {
			fclose(f);
			return value;
		}
	tap_bail(key);
}

/* Has the kernel, within seconds, released every page that it ever pinned? */
static UNUSED bool all_unpinned(void)
{
	for (int i = 0; i < 500; i++) {
		FILE *f = fopen("/proc/sys/vm/stat_refresh", "we");

		/* Each processor counts for itself, and hands that over now and then. */
		if (f) {
			fputs("1", f);
			fclose(f);
		}
		if (vmstat("nr_foll_pin_acquired") == vmstat("nr_foll_pin_released"))
			return true;
		usleep(10000);
	}
	return false;
}

#endif
