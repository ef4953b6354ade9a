// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include "config.h"
#include "credentials.h"
#include "keys.h"
#include "log.h"
#include "reload.h"
#include "workers.h"

static struct config *reload_config;
static const char *reload_dir;

static void rules_release(void *rules)
{
	rules_free(rules);
}

static void credentials_release(void *credentials)
{
	credentials_free(credentials);
}

static bool same(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool source_is(const struct key_source *a, const struct key_source *b)
{
	return a->kind == b->kind && same(a->where, b->where) && same(a->profile, b->profile) &&
	       same(a->token_file, b->token_file);
}

/* Swap in what may change; what it replaces goes into fresh, which is freed, or is retired. */
static void tenant_reload(struct tenant *tenant, struct tenant *fresh)
{
	struct key_source source = tenant->key_source;
	const struct credentials *credentials;
	const struct rules *rules;

	((struct rules *)fresh->rules)->serial = tenant->rules->serial + 1;
	rules = __atomic_exchange_n(&tenant->rules, fresh->rules, __ATOMIC_ACQ_REL);
	fresh->rules = NULL;
	workers_retire((void *)rules, rules_release);

	/* A service's keys stay until it gave new ones, unless they are another service's. */
	if (fresh->key_source.kind == KEYS_FILE || !source_is(&source, &fresh->key_source)) {
		credentials = __atomic_exchange_n(&tenant->credentials, fresh->credentials, __ATOMIC_ACQ_REL);
		fresh->credentials = NULL;
		if (credentials)
			workers_retire((void *)credentials, credentials_release);
	}
	tenant->key_source = fresh->key_source;
	keys_again(tenant);		/* nobody asks the old source any more */
	fresh->key_source = source;
}

static struct tenant *tenant_find(const struct config *config, const char *name)
{
	return (struct tenant *)config_tenant(config, name);
}

void reload_start(struct config *config, const char *dir)
{
	reload_config = config;
	reload_dir = dir;
}

int reload(char **error)
{
	struct config *config = reload_config, *fresh = config_load(reload_dir, error);
	struct tenant *tenant;

	if (!fresh)
		return -EINVAL;
	for (struct tenant *t = fresh->tenants; t; t = t->next) {
		tenant = tenant_find(config, t->name);
		if (tenant)
			tenant_reload(tenant, t);
		else
			log_notice("tenant %s is new: it waits for a restart", t->name);
	}
	for (struct tenant *t = config->tenants; t; t = t->next) {
		if (!tenant_find(fresh, t->name))
			log_notice("tenant %s is no longer configured: it stays until a restart", t->name);
	}
	config_free(fresh);
	log_info("the configuration is reloaded");
	return 0;
}
