/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * S3's rarer requests, which have no operation of their own and come as an AwsRequest of the service "s3": of objects and
 * buckets their tags, access control lists, versions ...; buckets as such. What is not in its table is refused.
 */
#ifndef NEXUS_S3_SUBRESOURCE_H
#define NEXUS_S3_SUBRESOURCE_H

#include <stdbool.h>
#include "nexus.pb-c.h"

struct op;

/* What such a request touches. Strings live as long as the operation. */
struct s3_subresource {
	const char *action;	/* IAM's name of it */
	bool named;		/* it has to be named, as for rules_allow_action(): whatever changes something */
	const char *bucket;	/* NULL: all of them */
	const char *key;	/* NULL: the bucket itself */
	const char *prefix;	/* without a key: which keys it tells of, "" for all; NULL: none */
};

/*
 * Its path is /, /BUCKET or /BUCKET/KEY. 0, or -errno after op_error(): -EINVAL for what is no such request, -EACCES for what
 * no row of the table has, be it a method, a parameter or a header.
 */
int s3_subresource_parse(struct op *op, const Nexus__V1__AwsRequest *request, struct s3_subresource *s3);

#endif
