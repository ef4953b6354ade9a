/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Percent-encoding as AWS defines it (UriEncode): every byte but A-Z a-z 0-9
 * - . _ ~ becomes %XX in upper case. No byte is ever normalised or decoded, so
 * that a key with "%2F", "..", "+" or a space is sent as what it is.
 */
#ifndef NEXUS_URI_H
#define NEXUS_URI_H

#include <stddef.h>
#include "text.h"

/* One name and value of a query, not encoded. */
struct uri_param {
	const char *name;
	const char *value;
};

#define URI_PARAMS_MAX	16

/* keep names one more byte that stays as it is ('/' in paths), or 0. */
void uri_encode(struct text *out, const char *data, size_t len, char keep);

/*
 * The query string (without '?') with its parameters encoded and sorted, which
 * is both what is sent and what is signed. 0, or -E2BIG beyond URI_PARAMS_MAX.
 */
int uri_query(struct text *out, const struct uri_param *params, size_t count);

/* Resolve "." and ".." segments and merge slashes; services other than S3 sign the path so. */
void uri_normalize(struct text *out, const char *path, size_t len);

#endif
