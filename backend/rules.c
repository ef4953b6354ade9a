// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "rules.h"

/* Does text equal the pattern's first len bytes, or begin with them, if they end in '*'? */
static bool pattern_holds(const char *pattern, size_t len, const char *text)
{
	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, text, len - 1);
	return !strncmp(pattern, text, len) && !text[len];
}

bool rules_allow_action(const struct rules *rules, const char *action, bool named)
{
	if (!rules->operations)
		return !named;
	for (char **pattern = rules->operations; *pattern; pattern++) {
		if (!strcmp(*pattern, "*") ? !named : pattern_holds(*pattern, strlen(*pattern), action))
			return true;
	}
	return false;
}

/* A segment of . or .., which some servers resolve before they look the key up. */
static bool has_dot_segment(const char *key)
{
	const char *end;

	for (;; key = end + 1) {
		end = strchrnul(key, '/');
		if ((end - key == 1 && key[0] == '.') || (end - key == 2 && key[0] == '.' && key[1] == '.'))
			return true;
		if (!*end)
			return false;
	}
}

/* The key's pattern within an entry that holds the bucket: "*" where it names none; NULL: another bucket. */
static const char *entry_key(const char *entry, const char *bucket)
{
	size_t len = strchrnul(entry, '/') - entry;

	if (!pattern_holds(entry, len, bucket))
		return NULL;
	return entry[len] ? entry + len + 1 : "*";
}

bool rules_allow_bucket(const struct rules *rules, const char *bucket)
{
	for (char **entry = rules->buckets; entry && *entry; entry++) {
		if (entry_key(*entry, bucket))
			return true;
	}
	return false;
}

bool rules_allow_key(const struct rules *rules, const char *bucket, const char *key)
{
	const char *pattern;

	for (char **entry = rules->buckets; entry && *entry; entry++) {
		pattern = entry_key(*entry, bucket);
		if (!pattern)
			continue;
		if (!strcmp(pattern, "*") || (pattern_holds(pattern, strlen(pattern), key) && !has_dot_segment(key)))
			return true;
	}
	return false;
}

bool rules_allow_prefix(const struct rules *rules, const char *bucket, const char *prefix)
{
	const char *pattern;
	size_t len;

	for (char **entry = rules->buckets; entry && *entry; entry++) {
		pattern = entry_key(*entry, bucket);
		len = pattern ? strlen(pattern) : 0;
		if (len && pattern[len - 1] == '*' && !strncmp(pattern, prefix, len - 1))
			return true;
	}
	return false;
}

/* HOST, *.DOMAIN or [V6], without the port. */
static bool host_holds(const char *pattern, size_t len, const char *host)
{
	size_t host_len = strlen(host);

	if (*pattern == '[')
		return host_len == len - 2 && !strncmp(pattern + 1, host, host_len);
	if (*pattern == '*')	/* "*.example.com" holds what ends in ".example.com" */
		return host_len > len - 1 && !strncmp(pattern + 1, host + host_len - (len - 1), len - 1);
	return host_len == len && !strncmp(pattern, host, len);
}

bool rules_allow_host(const struct rules *rules, const char *host, uint16_t port, uint16_t default_port)
{
	const char *end;

	for (char **pattern = rules->http_hosts; pattern && *pattern; pattern++) {
		end = strrchr(**pattern == '[' ? strchr(*pattern, ']') : *pattern, ':');
		if (!host_holds(*pattern, end ? (size_t)(end - *pattern) : strlen(*pattern), host))
			continue;
		if (end ? end[1] == '*' || atoi(end + 1) == port : port == default_port)
			return true;
	}
	return false;
}
