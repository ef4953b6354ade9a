/* SPDX-License-Identifier: GPL-2.0-only */
/* Headers as guests give them, for requests that are not S3's. */
#ifndef NEXUS_HEADER_H
#define NEXUS_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include "nexus.pb-c.h"
#include "text.h"

struct op;

#define HEADERS_MAX	80	/* that a guest may set */

bool header_name_is_token(const char *name);	/* RFC 9110, 5.6.2 */

bool header_value_is_line(const char *value);	/* no control characters */

/* Is the header about one connection, and not about the message (RFC 9110, 7.6.1)? Lower case. */
bool header_is_hop_by_hop(const char *name);

/* prefix and name in lower case; lives as long as the operation. */
char *header_lower(struct op *op, const char *prefix, const char *name);

/* Can the value be sent as one line? 0, or -EINVAL after op_error(). */
int header_check_value(struct op *op, const char *name, const char *value);

/*
 * Check the guest's headers: tokens, one line each, none that tells how the
 * message is framed, and none of `owned` (lower case, ends with NULL), which
 * are the daemon's. 0, or -EINVAL after op_error().
 */
int header_check(struct op *op, Nexus__V1__Field *const *fields, size_t count, const char *const *owned);

/* "name: value" and the line's end. */
void header_write(struct text *out, const char *name, const char *value);

#endif
