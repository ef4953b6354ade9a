/* SPDX-License-Identifier: GPL-2.0-only */
/* [ingress] and [caller NAME] of the configuration, and how functions name their inputs. */
#ifndef NEXUS_CONFIG_INGRESS_H
#define NEXUS_CONFIG_INGRESS_H

#include <stdint.h>

struct config;
struct credentials;
struct hint_rule;
struct tenant;

/* Somebody who may call a tenant's functions: signs with these keys. */
struct caller {
	struct caller *next;
	char *name;
	const struct tenant *tenant;
	struct credentials *credentials;
};

struct ingress_config {
	char *listen;			/* ADDRESS:PORT; NULL: nobody calls */
	char *grpc_listen;		/* the same, for gRPC */
	char *region;			/* in ARNs and signatures; NULL: us-east-1 */
	uint32_t max_connections;	/* 0: 256 */
};

/* For config_read.c: a new section's object, at the list's end. */
void *caller_new(struct config *config, const char *name);

/* For config.c. */
void config_ingress_free(struct config *config);
void hint_rules_free(struct hint_rule *rule);

/* For config_key.c: what the keys take. */
const char *tcp_address_key_parse(void *field, const char *value);
const char *prefetch_parse(void *field, const char *value);	/* struct hint_rule *; adds one */

#endif
