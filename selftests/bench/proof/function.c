// SPDX-License-Identifier: GPL-2.0-only
/* Freestanding, so that it compiles for WebAssembly too: gets an object, works on it, puts the result. */
#include <stdbool.h>
#include "function.h"

static bool begins(const char *text, size_t len, const char *what)
{
	size_t i;

	for (i = 0; what[i]; i++)
		if (i == len || text[i] != what[i])
			return false;
	return true;
}

/* The text of a field that has no escapes: "" if there is none. name: with its quotes. */
static void field(const char *event, size_t len, const char *name, char *out)
{
	size_t i = 0, n = 0;

	while (i < len && !begins(event + i, len - i, name))
		i++;
	while (i < len && event[i] != ':')
		i++;
	while (i < len && event[i] != '"')
		i++;
	for (i++; i < len && event[i] != '"' && n + 1 < NAME_SIZE; i++)
		out[n++] = event[i];
	out[n] = '\0';
}

#ifdef __wasm__
__attribute__((export_name("handle")))
#endif
void handle(const char *event, size_t len)
{
	char bucket[NAME_SIZE], key[NAME_SIZE], out[NAME_SIZE], work[NAME_SIZE];
	size_t n;

	field(event, len, "\"work\"", work);
	if (begins(work, NAME_SIZE, "none")) {
		fabric_respond("{}", 2);
		return;
	}
	field(event, len, "\"bucket\"", bucket);
	field(event, len, "\"key\"", key);
	field(event, len, "\"out\"", out);
	n = fabric_get(bucket, key, fabric_buffer());
	fabric_put(bucket, out, fabric_buffer(), n);
	fabric_respond("{\"ok\": 1}", 9);
}
