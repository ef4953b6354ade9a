/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of nexus.conf: one table says what each section takes. */
#ifndef NEXUS_CONFIG_KEY_H
#define NEXUS_CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_KEYS_MAX	96	/* rows of the table */

enum section_kind {
	SECTION_BACKEND,
	SECTION_ENDPOINT,
	SECTION_TENANT,
	SECTION_LISTEN,
	SECTION_FUNCTION,
	SECTION_INGRESS,
	SECTION_CALLER,
};

/* One section as it stands in a file; lives while the configuration is read. */
struct section {
	struct section *next;
	enum section_kind kind;
	char *name;
	const char *file;
	unsigned int line;
	void *object;			/* struct config, endpoint, tenant, listen or function */
	unsigned int lines[CONFIG_KEYS_MAX];	/* where each key was given; 0: not */

	/* Names to be resolved once all is read. */
	char *endpoint;
	char *tenant;
	char *credentials;
	char *profile;
	char *credentials_token;
	char *token_file;
};

/* What a key sets. */
enum key_where {
	KEY_IN_OBJECT,		/* struct config, endpoint, tenant, listen or function */
	KEY_IN_SECTION,		/* struct section: to be resolved later */
	KEY_IN_RULES,		/* struct rules of a tenant */
};

struct config_key {
	enum section_kind kind;
	const char *name;
	bool required;
	enum key_where where;
	size_t offset;		/* into that struct */
	/* NULL, or what is wrong and what to write instead. */
	const char *(*parse)(void *field, const char *value);
	bool list;		/* may come more than once: each adds to the list */
};

extern const struct config_key config_keys[];	/* ends with a NULL name */

/* Index into config_keys[], or -1. */
int config_key_find(enum section_kind kind, const char *name);
/* The known key nearest to name, or NULL if none is near. */
const char *config_key_nearest(enum section_kind kind, const char *name);
/* Where the key stands, or the section's own line if it was not given. */
unsigned int config_key_line(const struct section *section, const char *name);

/* Names of sections and functions: what is safe in paths, logs and netlink. */
bool config_name_valid(const char *name, size_t max);

#endif
