/* SPDX-License-Identifier: GPL-2.0-only */
/* Which objects an operation reads and writes, as far as its message tells. */
#ifndef NEXUS_ORDER_NAMES_H
#define NEXUS_ORDER_NAMES_H

#include <stdbool.h>
#include "nexus.pb-c.h"

#define ORDER_NAMES_MAX	2

enum order_kind {
	ORDER_READ,	/* waits for acknowledged writes */
	ORDER_CALL,	/* the same, but not for journaled ones, which answers do not wait for either */
	ORDER_FLUSH,	/* waits for all writes */
	ORDER_WRITE,	/* the same, and is waited for */
};

struct order_name {
	enum order_kind kind;
	bool prefix;		/* key is the beginning of keys */
	const char *bucket;	/* NULL: all there are */
	const char *key;
};

/* How many there are; the strings are the request's. */
unsigned int order_names(const Nexus__V1__Request *request, struct order_name names[ORDER_NAMES_MAX]);

/* Is there an object that both name? */
bool order_names_meet(const struct order_name *a, const struct order_name *b);

#endif
