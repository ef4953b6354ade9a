/* SPDX-License-Identifier: GPL-2.0-only */
/* What a tenant may do: asked before an operation starts, so before any I/O. */
#ifndef NEXUS_POLICY_H
#define NEXUS_POLICY_H

#include <stdbool.h>

struct endpoint;
struct op;

/*
 * Refuses with -EACCES NexusPolicyDenied what the tenant's rules do not allow:
 * operations, buckets, keys and prefixes, headers that give rights, URLs, and
 * services without an endpoint; with -EINVAL NexusBadRequest requests that name
 * no object, or a bucket by what is no bucket's name.
 */
extern const struct gate policy_gate;

/*
 * For what comes with the payload or with an answer, where the gate cannot see
 * it. action is IAM's name, like "s3:DeleteObject".
 */
bool policy_allows_key(const struct op *op, const char *bucket, const char *key, const char *action);

/* May the tenant's guests send this method there (origin.h)? 0, or -EACCES after op_error(). Also of each redirect. */
int policy_http(struct op *op, const char *method, const struct endpoint *endpoint);

#endif
