// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include "uri.h"

static bool uri_is_unreserved(unsigned char c)
{
	static const bool is[256] = {
		['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
		['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true,
	};

	return is[c];
}

void uri_encode(struct text *out, const char *data, size_t len, char keep)
{
	static const char hex[] = "0123456789ABCDEF";
	const char *end = data + len, *plain = data;

	for (; data < end; data++) {
		unsigned char c = *data;
		char code[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (uri_is_unreserved(c) || (keep && c == (unsigned char)keep))
			continue;
		text_add(out, plain, data - plain);
		text_add(out, code, sizeof(code));
		plain = data + 1;
	}
	text_add(out, plain, end - plain);
}

/* '%' sorts before every unreserved byte, as the encoded form would. */
static int uri_compare(const char *a, const char *b)
{
	for (;; a++, b++) {
		int x = uri_is_unreserved(*a) ? (unsigned char)*a + 256 : (unsigned char)*a;
		int y = uri_is_unreserved(*b) ? (unsigned char)*b + 256 : (unsigned char)*b;

		if (x != y || !*a)
			return x - y;
	}
}

int uri_query(struct text *out, const struct uri_param *params, size_t count)
{
	const struct uri_param *sorted[URI_PARAMS_MAX];
	size_t i, j;
	int order;

	if (count > URI_PARAMS_MAX)
		return -E2BIG;
	for (i = 0; i < count; i++) {
		for (j = i; j > 0; j--) {
			order = uri_compare(sorted[j - 1]->name, params[i].name);
			if (order == 0)
				order = uri_compare(sorted[j - 1]->value, params[i].value);
			if (order <= 0)
				break;
			sorted[j] = sorted[j - 1];
		}
		sorted[j] = &params[i];
	}
	for (i = 0; i < count; i++) {
		if (i)
			text_putc(out, '&');
		uri_encode(out, sorted[i]->name, strlen(sorted[i]->name), 0);
		text_putc(out, '=');
		uri_encode(out, sorted[i]->value, strlen(sorted[i]->value), 0);
	}
	return 0;
}

/* Drop the last segment and its leading slash. */
static void uri_pop(struct text *out, size_t start)
{
	while (out->len > start && out->data[--out->len] != '/')
		;
}

void uri_normalize(struct text *out, const char *path, size_t len)
{
	size_t start = out->len, i = 0, end;
	bool slash = false;

	while (i < len) {
		while (i < len && path[i] == '/')
			i++;
		for (end = i; end < len && path[end] != '/'; end++)
			;
		slash = end < len;
		if (end == i)
			break;
		if (end - i == 2 && path[i] == '.' && path[i + 1] == '.') {
			uri_pop(out, start);
			slash = true;
		} else if (end - i == 1 && path[i] == '.') {
			slash = true;
		} else {
			text_putc(out, '/');
			text_add(out, path + i, end - i);
		}
		i = end;
	}
	if (slash || out->len == start || (len && path[len - 1] == '/'))
		text_putc(out, '/');
}
