// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "config.h"
#include "credentials.h"

void *caller_new(struct config *config, const char *name)
{
	struct caller *caller = calloc(1, sizeof(*caller)), **p = &config->callers;

	if (!caller || !(caller->name = strdup(name)))
		abort();	/* at start, a few hundred bytes */
	while (*p)
		p = &(*p)->next;
	return *p = caller;
}

/* ADDRESS:PORT, of IPv4, or of IPv6 in brackets. */
const char *ingress_listen_parse(void *field, const char *value)
{
	const char *remedy = "write ADDRESS:PORT, like 127.0.0.1:9090 or [::1]:9090";
	const char *colon = strrchr(value, ':');
	auto_free char *address = NULL;
	struct in6_addr in;
	char *end;
	long port;

	if (!colon || colon == value || colon[1] < '0' || colon[1] > '9')
		return remedy;
	port = strtol(colon + 1, &end, 10);
	if (*end || port < 1 || port > 65535)
		return remedy;
	if (*value == '[' && colon[-1] == ']') {
		address = strndup(value + 1, colon - value - 2);
		if (!address || inet_pton(AF_INET6, address, &in) != 1)
			return remedy;
	} else {
		address = strndup(value, colon - value);
		if (!address || inet_pton(AF_INET, address, &in) != 1)
			return remedy;
	}
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
	free(config->ingress.region);
}
