// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "environment.h"

#define PREFIX		"nexus.env="
#define LINE_SIZE	4096	/* more than a kernel's command line */

static int hex(char c)
{
	const char *digits = "0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

	return at ? at - digits : -1;
}

/* In place. False: no such encoding, or a NUL. */
static bool decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		int high, low;

		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		high = hex(text[1]);
		low = high < 0 ? -1 : hex(text[2]);
		if (low < 0 || !(high | low))
			return false;
		*to++ = high << 4 | low;
		text += 2;
	}
	*to = '\0';
	return true;
}

size_t environment_read(const char *path)
{
	char line[LINE_SIZE], *save, *value;
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(line, 1, sizeof(line) - 1, file) : 0, count = 0;

	if (file)
		fclose(file);
	line[n] = '\0';
	for (char *word = strtok_r(line, " \t\n", &save); word; word = strtok_r(NULL, " \t\n", &save)) {
		if (strncmp(word, PREFIX, strlen(PREFIX)))
			continue;
		word += strlen(PREFIX);
		value = strchr(word, '=');
		if (!value || value == word || !decode(value + 1))
			continue;
		*value = '\0';
		count += !setenv(word, value + 1, 1);
	}
	return count;
}
