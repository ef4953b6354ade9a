/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test Anything Protocol, for the test programs in C. The exit status is
 * kselftest's: 0 passed, 1 failed, 4 skipped.
 */
#ifndef NEXUS_TAP_H
#define NEXUS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned int tap_count, tap_failures;

/* One test; the text says what holds when it passes. Returns ok. */
__attribute__((format(printf, 2, 3)))
static inline bool tap_ok(bool ok, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %u - ", ok ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	tap_failures += !ok;
	return ok;
}

/* Equal integers; on failure both are shown. */
__attribute__((unused))
static bool tap_is(long long got, long long want, const char *what)
{
	bool ok = tap_ok(got == want, "%s", what);

	if (!ok) {
		printf("#   got %lld (0x%llx), want %lld\n", got, got, want);
		fflush(stdout);
	}
	return ok;
}

/* The rest cannot run here. */
__attribute__((unused, noreturn))
static void tap_skip_all(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	exit(4);
}

/* The test itself cannot go on. */
__attribute__((unused, noreturn))
static void tap_bail(const char *what)
{
	printf("Bail out! ");
	fflush(stdout);
	perror(what);
	exit(1);
}

/* Last: the plan, and the exit status. */
__attribute__((unused))
static int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failures ? 1 : 0;
}

#endif
