/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys of a store: from a file in the format of ~/.aws/credentials, or of
 * environment variables (AWS_ACCESS_KEY_ID=...), or from the JSON that metadata
 * services answer with.
 */
#ifndef NEXUS_CREDENTIALS_H
#define NEXUS_CREDENTIALS_H

#include <stddef.h>

struct credentials;
struct key_source;
struct report;

/*
 * Read source's file, of kind KEYS_FILE. 0; or -EINVAL, *credentials is NULL then,
 * after the report got a line for each fault: no such file, open to all users,
 * no such profile, a key missing. credentials_free() frees them.
 */
int credentials_read(struct credentials **credentials, const struct key_source *source, struct report *report);

/*
 * Understand len bytes of JSON with AccessKeyId, SecretAccessKey, Token and
 * Expiration. 0; or -EINVAL, *credentials is NULL then, and *reason (static text)
 * says what is wrong.
 */
int credentials_parse(struct credentials **credentials, const char *json, size_t len, const char **reason);

/* Wipes and frees them. NULL is fine. */
void credentials_free(struct credentials *credentials);

#endif
