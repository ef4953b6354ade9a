// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "writes.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* protects the list, which only grows */
static struct tenant_writes *tenants;

struct tenant_writes *writes_of(const char *tenant)
{
	struct tenant_writes *writes;

	pthread_mutex_lock(&lock);
	for (writes = tenants; writes && strcmp(writes->name, tenant); writes = writes->next)
		;
	if (!writes) {
		writes = calloc(1, sizeof(*writes) + strlen(tenant) + 1);
		if (writes) {
			strcpy(writes->name, tenant);
			writes->next = tenants;
			tenants = writes;
		}
	}
	pthread_mutex_unlock(&lock);
	return writes;
}

void writes_each(void (*fn)(const struct tenant_writes *writes, void *arg), void *arg)
{
	pthread_mutex_lock(&lock);
	for (const struct tenant_writes *writes = tenants; writes; writes = writes->next)
		fn(writes, arg);
	pthread_mutex_unlock(&lock);
}
