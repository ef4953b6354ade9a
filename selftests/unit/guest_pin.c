// SPDX-License-Identifier: GPL-2.0-only
/* Memory of nexus-init: pinned piece by piece, and let go of the same way. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "../tap.h"
#include "../../guest-lib/init/memory.h"

#define PIECE	(64UL << 10)

/* kB that the kernel counts as pinned for this process. */
static long pinned_kb(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPin: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

/* The kernel lets go of a ring's pins behind our back. */
static bool pinned_soon(long kb)
{
	for (int i = 0; i < 200 && pinned_kb() != kb; i++)
		usleep(10000);
	return pinned_kb() == kb;
}

int main(void)
{
	static struct memory m;
	bool zero = true;

	if (memory_open(&m))
		tap_bail("memory_open");
	if (!m.pinned)
		tap_skip_all("io_uring is not available here");
	tap_is(memory_add(&m, PIECE), 0, "the first piece");
	tap_is(pinned_kb(), 64, "is pinned");
	memset(m.base, 0xaa, PIECE);
	tap_is(memory_add(&m, 2 * PIECE), 0, "a second one");
	tap_is(pinned_kb(), 192, "is pinned too");
	memset(m.base + PIECE, 0xbb, 2 * PIECE);
	memory_drop(&m);
	tap_ok(pinned_soon(64), "a dropped piece is not");
	tap_is(m.size, PIECE, "and is gone");
	tap_ok(m.base[0] == (char)0xaa && m.base[PIECE - 1] == (char)0xaa, "the first one is untouched");
	tap_is(memory_add(&m, 2 * PIECE), 0, "it can be had again");
	for (size_t i = PIECE; i < 3 * PIECE; i++)
		zero &= !m.base[i];
	tap_ok(zero, "as new memory");
	for (int i = 2; i < MEMORY_PIECES; i++)
		if (memory_add(&m, 4096))
			break;
	tap_is(memory_add(&m, 4096), -ENOSPC, "the number of pieces is bounded");
	memory_close(&m);
	tap_ok(pinned_soon(0), "nothing is pinned at the end");
	return tap_done();
}
