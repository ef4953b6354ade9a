/* SPDX-License-Identifier: GPL-2.0-only */
/* [ingress] and [caller NAME] of the configuration, and how functions name their inputs. */
#ifndef NEXUS_CONFIG_INGRESS_H
#define NEXUS_CONFIG_INGRESS_H

#include <stdint.h>

struct config;
struct credentials;
struct function_config;
struct hint_rule;
struct report;
struct section;
struct tenant;

/* Somebody who may call a tenant's functions, and what he is known by. */
struct caller {
	struct caller *next;
	char *name;
	const struct tenant *tenant;
	struct credentials *credentials;	/* NULL, or he signs with these keys; of HTTP only */
	char *token;			/* NULL, or he sends it; this and the next of gRPC only */
	char *certificate;		/* NULL, or a name that his certificate has */
};

struct ingress_config {
	char *listen;			/* ADDRESS:PORT; NULL: nobody calls */
	char *certificate, *key;	/* files of PEM, for listen; NULL: no TLS there */
	uint32_t idle_timeout_ms;	/* there, a caller may be silent for so long */
	char *grpc_listen;		/* the same, for gRPC */
	char *grpc_certificate;		/* file; NULL: no TLS there */
	char *grpc_key;			/* file */
	char *grpc_client_ca;		/* file; NULL: nobody is asked for a certificate */
	char *region;			/* in ARNs and signatures; NULL: us-east-1 */
	uint32_t max_connections;	/* 0: 256 */
};

/* For config_read.c: a new section's object, at the list's end. */
void *caller_new(struct config *config, const char *name);

/* For config.c. Faults go to the report. */
void ingress_resolve(const struct config *config, const struct section *section, struct report *report);
void caller_resolve_grpc(struct caller *caller, const struct section *section, const struct config *config,
			 struct report *report);
void services_resolve(const struct function_config *function, const struct section *section,
		      const struct config *config, struct report *report);
void config_ingress_free(struct config *config);
void hint_rules_free(struct hint_rule *rule);

/* For config_key.c: what the keys take. */
const char *tcp_address_key_parse(void *field, const char *value);
const char *prefetch_parse(void *field, const char *value);	/* struct hint_rule *; adds one */

#endif
