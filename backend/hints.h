/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which objects an event makes us expect a GET of: S3's own event notifications name theirs,
 * the caller may name some (Nexus-Prefetch: s3://bucket/key), and a function's rules say
 * where in its events names are.
 */
#ifndef NEXUS_HINTS_H
#define NEXUS_HINTS_H

#include <stdbool.h>
#include <stddef.h>

#define HINTS_MAX	8	/* of one event; more are not looked at */

struct hint {
	char *bucket, *key;		/* from malloc */
	char *if_match, *version_id;	/* NULL: not known */
};

struct hints {
	struct hint list[HINTS_MAX];
	unsigned int count;
};

/* A function's rule: JSON pointers (RFC 6901) into the event, or (no '/' in front) the text itself. */
struct hint_rule {
	struct hint_rule *next;
	char *bucket, *key;
};

/* From the event's JSON; an event that is none has no hints. */
void hints_from_event(struct hints *hints, const char *event, size_t len, const struct hint_rule *rules);

/* From the value of a Nexus-Prefetch header: URLs with commas between them. */
void hints_from_header(struct hints *hints, const char *value);

void hints_clear(struct hints *hints);

#endif
