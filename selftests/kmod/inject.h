/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault injection into a call of this thread. /proc/thread-self/fail-nth makes
 * its n-th allocation (slab or page) or copy from or to user space fail. The
 * kernel logs each with its trace, where we find which function it hit.
 */
#ifndef NEXUS_TEST_INJECT_H
#define NEXUS_TEST_INJECT_H

#include <stdbool.h>
#include <stdint.h>

/* What was made to fail. */
struct fault {
	char kind[32];	/* failslab, fail_page_alloc, fail_usercopy; empty: not logged */
	char site[64];	/* the module's innermost function on the stack; empty: none */
	bool init;	/* within a module's init function */
};

/* The program is skipped where the kernel injects no faults. */
void inject_set_up(void);

/*
 * Make the nth thing in one call fail. Returns what is left to count: 0 if
 * something was made to fail; else the call has nth - (what is left) things.
 */
int inject(int nth, int64_t (*call)(void), int64_t *result);

/* For a call that goes on after the fault, in what is not to fail. */
void inject_disarm(void);

/* What the last call met; to be asked once. */
void inject_read_fault(struct fault *fault);

/* Did any fault so far hit that function of the module? */
bool inject_hit(const char *site);
void inject_print_sites(void);

#endif
