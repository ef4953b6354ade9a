// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "inifile.h"

/* libinih asks for each line here: the one place where its number is known. */
static char *inifile_line(char *buffer, int size, void *arg)
{
	struct inifile *ini = arg;
	size_t len, lead;
	char *end;

	if (!fgets(buffer, size, ini->stream)) {
		explicit_bzero(buffer, size);	/* secrets went through it */
		return NULL;
	}
	ini->line++;
	len = strlen(buffer);
	if (len == (size_t)size - 1 && buffer[len - 1] != '\n') {
		report_add(ini->report, ini->path, ini->line, "line longer than %d characters", size - 2);
		for (int c = 0; c != '\n' && c != EOF;)
			c = fgetc(ini->stream);
		buffer[0] = '\0';
		return buffer;
	}
	lead = strspn(buffer, " \t");
	if (buffer[lead] != '[')
		return buffer;

	/* libinih is silent about a section without keys, and cuts long names. */
	end = strchr(buffer, ']');
	if (lead) {
		report_add(ini->report, ini->path, ini->line,
			   "section header does not start in the first column: remove the blanks before it");
	} else if (!end) {
		report_add(ini->report, ini->path, ini->line, "section header without a closing ']'");
	} else if (end - buffer - 1 > INIFILE_SECTION_MAX) {
		report_add(ini->report, ini->path, ini->line, "section name longer than %d characters",
			   INIFILE_SECTION_MAX);
	} else {
		*end = '\0';
		ini->section(ini, buffer + 1);
		*end = ']';
		return buffer;
	}
	ini->section(ini, "");
	buffer[0] = '\0';
	return buffer;
}

static int inifile_key(void *arg, const char *section, const char *name, const char *value)
{
	struct inifile *ini = arg;

	(void)section;
	ini->key(ini, name, value);
	return 1;
}

int inifile_read(struct inifile *ini)
{
	FILE *file = fopen(ini->path, "re");
	char buffer[BUFSIZ];
	bool failed;
	int bad;

	if (!file) {
		int err = errno;

		report_add(ini->report, ini->path, 0, "cannot open: %s", strerror(err));
		return -err;
	}
	/* Line buffer from the heap, so that its size is ours to say. */
	ini_use_stack = false;
	ini_max_line = INIFILE_LINE_MAX;
	ini_initial_alloc = INIFILE_LINE_MAX;

	ini->line = 0;
	ini->stream = file;
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	bad = ini_parse_stream(inifile_line, ini, inifile_key, ini);
	ini->stream = NULL;
	if (bad > 0)
		report_add(ini->report, ini->path, bad, "neither a section header nor KEY = VALUE");
	failed = ferror(file);
	fclose(file);
	explicit_bzero(buffer, sizeof(buffer));
	if (failed) {
		report_add(ini->report, ini->path, 0, "cannot read");
		return -EIO;
	}
	return bad == -2 ? -ENOMEM : 0;
}
