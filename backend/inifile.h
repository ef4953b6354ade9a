/* SPDX-License-Identifier: GPL-2.0-only */
/* libinih with line numbers, long lines, and empty sections made visible. */
#ifndef NEXUS_INIFILE_H
#define NEXUS_INIFILE_H

#include "report.h"

#define INIFILE_LINE_MAX	16384	/* session tokens are long */
#define INIFILE_SECTION_MAX	48	/* libinih cuts longer ones */

struct inifile {
	/* Set by the caller. The strings live during the call only. */
	void (*section)(struct inifile *ini, const char *name);
	void (*key)(struct inifile *ini, const char *name, const char *value);
	struct report *report;		/* takes syntax errors */
	const char *path;

	/* Where the callback is. */
	unsigned int line;
	void *stream;			/* inifile.c's */
};

/* 0 or -errno if the file cannot be read (reported too). */
int inifile_read(struct inifile *ini);

#endif
