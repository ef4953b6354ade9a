/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of refused records, for the journal's thread. */
#ifndef NEXUS_JOURNAL_REFUSED_H
#define NEXUS_JOURNAL_REFUSED_H

#include "journal_core.h"

#define REFUSED_DIRECTORY	"refused"	/* within the journal's */

extern struct refused {
	int dir;		/* -1: nothing was ever refused */
	uint64_t number;	/* of the newest file */
} refused;

/* A file's name: its number and ".refused", or ".partial" until it is whole. */
char *letter_name(uint64_t number, const char *suffix, char name[32]);
uint64_t letter_size(const struct journal_header *head);	/* bytes */
/* It has its name: it is known from now on, and counts as unwritten. 0, -ENOMEM. */
int letter_add(uint64_t number, uint64_t size, struct tenant_writes *tenant);

#endif
