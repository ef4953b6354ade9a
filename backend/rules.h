/* SPDX-License-Identifier: GPL-2.0-only */
/* The allow-lists of a tenant, asked. Pure functions over struct rules (config.h). */
#ifndef NEXUS_RULES_H
#define NEXUS_RULES_H

#include <stdbool.h>
#include <stdint.h>

struct rules;

/*
 * May it do action ("s3:GetObject", "http:GET")? named: only if the list names
 * it or its service, which a lone * does not; for what widens rights.
 */
bool rules_allow_action(const struct rules *rules, const char *action, bool named);

/* May it touch any key, this key, or all keys that begin so (for a listing)? */
bool rules_allow_bucket(const struct rules *rules, const char *bucket);
bool rules_allow_key(const struct rules *rules, const char *bucket, const char *key);
bool rules_allow_prefix(const struct rules *rules, const char *bucket, const char *prefix);

/* host: in lower case, an IPv6 address without brackets; default_port: of the URL's scheme. */
bool rules_allow_host(const struct rules *rules, const char *host, uint16_t port, uint16_t default_port);

#endif
