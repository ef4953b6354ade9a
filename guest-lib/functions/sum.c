// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include "sum.h"

void sum_add(struct sum *s, const void *data, size_t n)
{
	s->crc = crc32_z(s->crc, data, n);
	s->bytes += n;
}

void sum_print(const struct sum *s)
{
	printf("crc32=%08x bytes=%llu\n", s->crc, (unsigned long long)s->bytes);
}

/* Each word from its own place, so that a stream can be entered anywhere. */
static uint64_t sum_word(uint64_t seed, uint64_t index)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15ULL + index * 0xd1342543de82ef95ULL;

	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	return x;
}

void sum_pattern(void *data, size_t n, uint64_t seed, uint64_t offset)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t w = sum_word(seed, (offset + i) / 8);

		memcpy((char *)data + i, &w, n - i < 8 ? n - i : 8);
	}
}
