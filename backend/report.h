/* SPDX-License-Identifier: GPL-2.0-only */
/* What is wrong with the configuration: lines of FILE:LINE: message. */
#ifndef NEXUS_REPORT_H
#define NEXUS_REPORT_H

#include <stddef.h>

struct report {
	char *text;		/* lines, each ended by a newline; NULL: all is well */
	size_t len;
};

/* line 0: the file as a whole. */
void report_add(struct report *report, const char *file, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
