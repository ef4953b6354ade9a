// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "report.h"

/* Read once at start: without memory for a message there is no way on. */
static void report_append(struct report *report, const char *text, int len)
{
	char *grown = len < 0 ? NULL : realloc(report->text, report->len + len + 1);

	if (!grown)
		abort();
	memcpy(grown + report->len, text, len + 1);
	report->text = grown;
	report->len += len;
}

void report_add(struct report *report, const char *file, unsigned int line, const char *fmt, ...)
{
	auto_free char *message = NULL, *text = NULL;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&message, fmt, args);
	va_end(args);
	if (len >= 0)
		len = line ? asprintf(&text, "%s:%u: %s\n", file, line, message) :
			     asprintf(&text, "%s: %s\n", file, message);
	report_append(report, text, len);
}
