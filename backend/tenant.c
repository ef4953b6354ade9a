// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <time.h>
#include "config.h"
#include "op.h"
#include "tenant.h"

const struct endpoint *tenant_endpoint(const struct tenant *tenant, const char *service)
{
	for (const struct endpoint **e = tenant->endpoints; e && *e; e++) {
		if (!strcmp((*e)->service, service))
			return *e;
	}
	return NULL;
}

const struct rules *tenant_rules(const struct tenant *tenant)
{
	return __atomic_load_n(&tenant->rules, __ATOMIC_ACQUIRE);
}

const struct credentials *op_credentials(struct op *op)
{
	const struct credentials *credentials = __atomic_load_n(&op->tenant->credentials, __ATOMIC_ACQUIRE);

	/* A service that hangs is not waited for. */
	if (credentials && credentials->expires && credentials->expires <= time(NULL))
		credentials = NULL;
	if (!credentials)
		op_error(op, -EACCES, "NexusNoCredentials", "tenant %s has no valid credentials now: see the daemon's log",
			 op->tenant->name);
	return credentials;
}
