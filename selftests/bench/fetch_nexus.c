// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "../../guest-lib/nexus.h"
#include "fetch.h"

static struct nexus *nx;
static const char *bucket;
static void *buffer;
static size_t capacity;

void fetch_open(const char *where, size_t max)
{
	if (nexus_open(&nx, NULL))
		fetch_die("nexus_open", nexus_open_error());
	bucket = where;
	capacity = max;
	buffer = nexus_alloc(nx, max);
	if (!buffer)
		fetch_die("nexus_alloc", "no memory");
}

size_t fetch(const char *key)
{
	ssize_t n = nexus_get(nx, bucket, key, buffer, capacity, NULL, NULL);

	if (n < 0)
		fetch_die(key, strerror(-n));
	return n;
}
