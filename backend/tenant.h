/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions to a tenant (struct tenant, config.h). Any thread may ask. */
#ifndef NEXUS_TENANT_H
#define NEXUS_TENANT_H

struct credentials;
struct endpoint;
struct op;
struct rules;
struct tenant;

/* Where a service is for this tenant ("s3", "dynamodb" ...); NULL: nowhere. Valid as long as the tenant. */
const struct endpoint *tenant_endpoint(const struct tenant *tenant, const char *service);

/*
 * What a reload or a refresh replaces. Good until the caller returns to its
 * worker's loop: ask again then, never keep it.
 */
const struct rules *tenant_rules(const struct tenant *tenant);

/* The keys to sign with, likewise; NULL after op_error(), when there are none that have not expired: return -EACCES. */
const struct credentials *op_credentials(struct op *op);

#endif
