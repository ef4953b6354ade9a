// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "function.h"

#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_NO_LINEAR
#define STBI_NO_STDIO
#define STBI_NO_SIMD		/* the same code on every machine */
#define STBI_NO_THREAD_LOCALS
#define STBI_ASSERT(x)		((void)(x))
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(x)		((void)(x))
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

#define SIDE	128	/* pixels of the longer side */
#define QUALITY	75
#define CHANNELS 3

struct result {
	char *out;
	size_t len, cap;
};

static void take(void *arg, void *data, int n)
{
	struct result *result = arg;

	if ((size_t)n > result->cap - result->len)
		__builtin_trap();
	memcpy(result->out + result->len, data, n);
	result->len += n;
}

/* Each pixel is the mean of those that it stands for. */
static void shrink(const unsigned char *from, int width, int height, unsigned char *to, int to_width, int to_height)
{
	for (int y = 0; y < to_height; y++) {
		int top = y * height / to_height, bottom = (y + 1) * height / to_height;

		for (int x = 0; x < to_width; x++) {
			int left = x * width / to_width, right = (x + 1) * width / to_width;
			unsigned int sums[CHANNELS] = { 0 }, nr = (bottom - top) * (right - left);

			for (int row = top; row < bottom; row++)
				for (int i = left * CHANNELS; i < right * CHANNELS; i++)
					sums[i % CHANNELS] += from[row * width * CHANNELS + i];
			for (int c = 0; c < CHANNELS; c++)
				*to++ = sums[c] / nr;
		}
	}
}

size_t function_thumbnail(const void *data, size_t len, void *out, size_t cap)
{
	unsigned char *pixels, small[SIDE * SIDE * CHANNELS];
	struct result result = { .out = out, .cap = cap };
	int width, height, longer;

	pixels = stbi_load_from_memory(data, len, &width, &height, NULL, CHANNELS);
	if (!pixels || width < SIDE || height < SIDE)
		__builtin_trap();
	longer = width > height ? width : height;
	shrink(pixels, width, height, small, width * SIDE / longer, height * SIDE / longer);
	stbi_image_free(pixels);
	if (!stbi_write_jpg_to_func(take, &result, width * SIDE / longer, height * SIDE / longer, CHANNELS, small, QUALITY))
		__builtin_trap();
	return result.len;
}
