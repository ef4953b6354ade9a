/* SPDX-License-Identifier: GPL-2.0-only */
/* From files to sections: syntax, unknown names, values, duplicates. */
#ifndef NEXUS_CONFIG_READ_H
#define NEXUS_CONFIG_READ_H

#include "config_key.h"
#include "inifile.h"

struct config;

struct config_reader {
	struct inifile ini;
	struct config *config;
	struct section *sections;	/* in order of appearance; config_reader_clear() frees */
	struct section **sections_tail;
	struct section *current;	/* NULL: before the first, or after a bad header */
	bool skipping;			/* a bad header was reported: its keys are not */
};

void config_reader_init(struct config_reader *reader, struct config *config, struct report *report);
/* Read one file; faults go to the report. The path must outlive the reader. */
void config_reader_file(struct config_reader *reader, const char *path);
void config_reader_clear(struct config_reader *reader);

#endif
