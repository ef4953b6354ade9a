/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's URL, taken apart: where it leads (an endpoint as http.h and the
 * connection pools take it, of addresses that are checked) and what to ask for.
 */
#ifndef NEXUS_ORIGIN_H
#define NEXUS_ORIGIN_H

#include "config.h"
#include "nexus.pb-c.h"

struct op;

struct origin {
	struct endpoint endpoint;	/* for http.endpoint; the caller keeps it as long as the exchange */
	const char *target;		/* of the request line: path and query, begins with / */
	const char *url;		/* whole and absolute: the base of a redirect's Location */
};

/*
 * Take url apart. base: what a relative one is relative to, or NULL. Strings
 * live as long as the operation. 0; -EINVAL after op_error(): no absolute http
 * or https URL, with a user name, or with characters that must be percent-encoded.
 * Whether the tenant may go there is policy_http()'s to say.
 */
int origin_parse(struct op *op, const char *base, const char *url, struct origin *origin);

/*
 * The same of a gRPC call, which speaks HTTP/2; origin->target is the method. start may be NULL.
 * 0; -EINVAL after op_error().
 */
int origin_grpc(struct op *op, const Nexus__V1__GrpcStart *start, struct origin *origin);
/* The same of the authority that it names, which is not empty: a proxy may go by that. */
int origin_grpc_authority(struct op *op, const Nexus__V1__GrpcStart *start, struct origin *origin);

#endif
