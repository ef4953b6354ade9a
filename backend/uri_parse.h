/* SPDX-License-Identifier: GPL-2.0-only */
/* Paths and queries as guests write them, without their percent-encoding. */
#ifndef NEXUS_URI_PARSE_H
#define NEXUS_URI_PARSE_H

#include <stdbool.h>
#include "uri.h"

struct op;

/*
 * The bytes up to `end`, decoded; plus: '+' is a space, as in queries. They live as long as the operation. NULL: a '%' without
 * two digits after it, or one that hides a NUL.
 */
char *uri_decode(struct op *op, const char *from, const char *end, bool plus);

/* The parameters of a query, which is without '?'. 0, or -EINVAL after op_error(): bad encoding, or more than URI_PARAMS_MAX. */
int uri_parse(struct op *op, const char *query, struct uri_param params[URI_PARAMS_MAX], size_t *count);

#endif
