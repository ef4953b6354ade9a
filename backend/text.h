/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text put together in memory of a fixed size. Running out of room is
 * remembered, not acted on: callers write everything, then ask once.
 */
#ifndef NEXUS_TEXT_H
#define NEXUS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct text {
	char *data;		/* the caller's; never NUL-terminated by us */
	size_t len, cap;
	bool overflow;		/* something did not fit and is missing */
};

static inline void text_add(struct text *text, const char *data, size_t len)
{
	if (len > text->cap - text->len) {
		text->overflow = true;
		return;
	}
	memcpy(text->data + text->len, data, len);
	text->len += len;
}

static inline void text_puts(struct text *text, const char *s)
{
	text_add(text, s, strlen(s));
}

static inline void text_putc(struct text *text, char c)
{
	text_add(text, &c, 1);
}

#endif
