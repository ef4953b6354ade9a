/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values of nexus.conf that are lists: words with blanks or commas between
 * them. Each parser adds to the list at field; NULL, or what to write instead.
 */
#ifndef NEXUS_CONFIG_LIST_H
#define NEXUS_CONFIG_LIST_H

const char *buckets_parse(void *field, const char *value);	/* char ** */
const char *operations_parse(void *field, const char *value);	/* char ** */
const char *services_parse(void *field, const char *value);
const char *hosts_parse(void *field, const char *value);	/* char **, in lower case */
const char *networks_parse(void *field, const char *value);	/* struct networks */

/* Words of a value, one after the other, from a copy; NULL: no more. */
char *list_word(char *copy, char **save);

void list_free(char **list);

#endif
