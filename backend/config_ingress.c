// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "credentials.h"
#include "tcp_listen.h"

void *caller_new(struct config *config, const char *name)
{
	struct caller *caller = calloc(1, sizeof(*caller)), **p = &config->callers;

	if (!caller || !(caller->name = strdup(name)))
		abort();	/* at start, a few hundred bytes */
	while (*p)
		p = &(*p)->next;
	return *p = caller;
}

const char *tcp_address_key_parse(void *field, const char *value)
{
	if (!tcp_address_valid(value))
		return "write ADDRESS:PORT, like 127.0.0.1:9090 or [::1]:9090";
	free(*(char **)field);
	*(char **)field = strdup(value);
	return *(char **)field ? NULL : "not enough memory";
}

/* "BUCKET KEY"; may come more than once. */
const char *prefetch_parse(void *field, const char *value)
{
	struct hint_rule *rule, **p = field;
	size_t bucket = strcspn(value, " \t"), gap = strspn(value + bucket, " \t");
	const char *key = value + bucket + gap;

	if (!bucket || !gap || !*key || key[strcspn(key, " \t")])
		return "write where events name the bucket and the key, like /bucket /key: JSON pointers, "
		       "or (without a / in front) the name itself";
	rule = calloc(1, sizeof(*rule));
	if (!rule)
		return "not enough memory";
	rule->bucket = strndup(value, bucket);
	rule->key = strdup(key);
	while (*p)
		p = &(*p)->next;
	*p = rule;
	return rule->bucket && rule->key ? NULL : "not enough memory";
}

void hint_rules_free(struct hint_rule *rule)
{
	struct hint_rule *next;

	for (; rule; rule = next) {
		next = rule->next;
		free(rule->bucket);
		free(rule->key);
		free(rule);
	}
}

void config_ingress_free(struct config *config)
{
	struct caller *caller;

	while ((caller = config->callers)) {
		config->callers = caller->next;
		credentials_free(caller->credentials);
		free(caller->name);
		free(caller);
	}
	free(config->ingress.listen);
	free(config->ingress.grpc_listen);
	free(config->ingress.region);
}
