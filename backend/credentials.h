/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys of a store, from a file in the format of ~/.aws/credentials. */
#ifndef NEXUS_CREDENTIALS_H
#define NEXUS_CREDENTIALS_H

struct credentials;
struct report;

/*
 * Fill credentials (zeroed, from malloc()) from one profile.
 * 0, or -EINVAL after the report got a line for each fault: no such file, open
 * to all users, no such profile, a key missing.
 */
int credentials_read(struct credentials *credentials, const char *path, const char *profile,
		     struct report *report);
/* Wipes and frees them. NULL is fine. */
void credentials_free(struct credentials *credentials);

#endif
