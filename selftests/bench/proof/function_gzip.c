// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include "function.h"

size_t function_gzip(const void *data, size_t len, void *out, size_t cap)
{
	uLongf n = cap;

	if (compress2(out, &n, data, len, 6) != Z_OK) {
		fprintf(stderr, "%zu bytes do not compress to %zu\n", len, cap);
		exit(1);
	}
	return n;
}
