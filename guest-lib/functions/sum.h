/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Checksums and generated content, for objects too large to keep. */
#ifndef SUM_H
#define SUM_H

#include <stddef.h>
#include <stdint.h>

struct sum {
	uint32_t crc;		/* CRC-32, as in gzip */
	uint64_t bytes;
};

void sum_add(struct sum *s, const void *data, size_t n);

/* Prints "crc32=XXXXXXXX bytes=N". */
void sum_print(const struct sum *s);

/* Fill with the bytes of the stream `seed` that start at offset, a multiple of 8. */
void sum_pattern(void *data, size_t n, uint64_t seed, uint64_t offset);

#endif
