/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration: *.conf files in one directory, read in the order of their
 * names, INI syntax, sections [backend], [endpoint NAME], [tenant NAME],
 * [listen NAME], [function NAME], [ingress] and [caller NAME]; those of
 * functions.d in it come after them. Immutable once read; shared by all workers. Sizes are bytes,
 * times milliseconds. nexus.conf(5) documents each key.
 */
#ifndef NEXUS_CONFIG_H
#define NEXUS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "address.h"
#include "rate.h"
#include "config_ingress.h"
#include "hints.h"

/* Where a service is. */
struct endpoint {
	struct endpoint *next;
	char *name;
	char *service;		/* the name that signatures carry: s3, dynamodb ... */
	char *url;		/* as configured */
	bool tls;
	char *host;		/* without brackets */
	uint16_t port;
	char *authority;	/* Host header: host[:port unless the default] */
	char *region;		/* us-east-1 */
	bool path_style;	/* bucket in the path (true) or in the host name */
	char *ca_file;		/* NULL: the system's */
	uint32_t connect_timeout_ms;
	uint32_t stall_timeout_ms;	/* no byte moved for so long */
	uint32_t max_connections;	/* per tenant and worker */
	uint32_t idle_timeout_ms;	/* keep-alive */
	uint64_t multipart_threshold;	/* bytes: from here objects are moved in parts */
	uint64_t part_size;		/* bytes */
	uint32_t parallel;		/* parts of one object at a time */
	uint32_t max_attempts;		/* of a request, the first included; 0: 1 */
	uint32_t retry_backoff_ms;
	uint32_t breaker_failures;	/* in a row, until requests fail at once; 0: never */
	uint32_t breaker_cooldown_ms;
	bool h2;		/* HTTP/2 is spoken there */
	bool filtered;		/* a guest named it: only addresses that the tenant may reach (address.h) */
};

struct credentials {
	char *access_key_id;
	char *secret_access_key;
	char *session_token;	/* NULL: none */
	time_t expires;		/* 0: never; use op_credentials() */
};

/* Where a tenant's keys come from. */
enum key_source_kind {
	KEYS_NONE,
	KEYS_FILE,		/* where: its absolute path */
	KEYS_IMDS,		/* where: URL of the instance's metadata service */
	KEYS_CONTAINER,		/* where: URL that answers with the keys */
};

struct key_source {
	enum key_source_kind kind;
	char *where;
	char *profile;		/* of a file; NULL: default, or before any section */
	char *token_file;	/* of KEYS_CONTAINER: what it holds goes along as Authorization; NULL: nothing */
};

/* What a tenant's functions may do, and how much. Lists end with NULL; a NULL list allows nothing. */
struct rules {
	uint64_t serial;	/* reloads before these */
	char **buckets;		/* BUCKET, BUCKET/KEY; either may end in '*' */
	char **operations;	/* s3:GetObject, s3:List*, http:GET, *; NULL: as "*" */
	char **http_hosts;	/* HOST[:PORT], *.DOMAIN[:PORT]; lower case */
	struct networks http_networks;	/* reachable though not public */

	/* Quotas of all of a tenant's guests together, and its part of a worker's time: share.h. */
	struct rate_limit requests, bytes;
	uint32_t max_operations;	/* at a time; 0: no limit */
	uint32_t weight;
	uint32_t presign_max;		/* ms that a URL may be good for */
};

/* A customer: what its functions may reach, and with which keys. */
struct tenant {
	struct tenant *next;
	char *name;
	const struct endpoint **endpoints;	/* one a service, NULL-terminated; NULL: none */
	char *ca_file;		/* instead of the endpoints' own; NULL: theirs */
	struct key_source key_source;		/* the main thread's */
	const struct credentials *credentials;	/* use op_credentials() */
	const struct rules *rules;		/* use tenant_rules() */
	struct usage *usage;			/* share.h */
	uint32_t timeout_ms;	/* default for a whole operation */
	uint64_t max_pinned;	/* bytes per VM or connection */
	uint32_t max_in_flight;	/* operations per VM or connection */
	uint32_t write_mode;	/* of requests that name none: WriteMode of nexus.proto; 0: not configured */
	uint64_t max_unwritten;	/* bytes acknowledged and not in the store, of all its guests */
};

/* A unix-transport socket. */
struct listen {
	struct listen *next;
	char *name;
	char *path;
	uint32_t mode;		/* of the socket file */
	const struct tenant *tenant;
	char *function;
};

/* A function, and the microVMs that run it. */
struct function_config {
	struct function_config *next;
	char *name;
	const struct tenant *tenant;
	uint32_t timeout_ms;	/* of one invocation */
	uint32_t concurrency;	/* invocations at a time, waiting ones included; instances at a time */
	uint32_t keep_alive_ms;	/* an idle instance lives so long */
	uint32_t vmm_pool;	/* VMMs started ahead for its snapshot */
	uint32_t vmm_pool_idle_ms;	/* and ended when no instance was there for so long */
	char *machine;		/* the VMM's machine type */
	uint64_t memory;	/* bytes, whole MiB */
	uint32_t vcpus;
	char *kernel;		/* of an instance that boots; NULL: the function has guests that others start */
	char *image;		/* its initramfs, with nexus-init as /init */
	char *append;		/* its command line */
	char *handler;		/* _HANDLER in there; NULL: the image's own */
	char **environment;	/* NAME=VALUE, ended by NULL; NULL: none */
	char *command_line;	/* append with these, as environment.h has it; NULL: without kernel */
	uint32_t start_timeout_ms;	/* an event waits so long for an instance */
	uint32_t max_events;	/* asynchronous ones that were accepted and have not ended */
	uint32_t retries;	/* of an asynchronous event whose function failed */
	uint32_t retry_delay_ms;	/* before the first; twice that before the second */
	uint32_t max_event_age_ms;	/* no try after that */
	char *on_failure;		/* the function that is told of one that was given up; NULL: none */
	struct hint_rule *prefetch;
	char **grpc_services;	/* PACKAGE.SERVICE that it serves; ends with NULL; NULL: none */
	uint32_t write_mode;	/* of requests that name none; 0: the tenant's */
};

struct config {
	uint32_t workers;
	char *control_path;	/* /run/nexus/control.sock */
	char *metrics_listen;	/* ADDRESS:PORT; NULL: none */
	char *journal;		/* directory; NULL: none */
	uint64_t journal_max;	/* bytes */
	uint32_t journal_attempts;	/* answers that refuse a record before it is moved aside */
	uint32_t spin_us;	/* look at active rings for so long before sleeping */
	struct endpoint *endpoints;
	struct tenant *tenants;
	struct listen *listens;
	struct function_config *functions;
	char *snapshot_dir;	/* /run/nexus/snapshots */
	char *vmm;		/* the VMM's program; NULL: qemu-system-x86_64 from $PATH */
	uint32_t max_instances;	/* of all functions */
	uint32_t max_invocations;	/* of all functions, at a time, waiting ones included */
	uint32_t max_starts;	/* VMMs that start at a time */
	struct caller *callers;		/* NULL: who reaches the ingress may call */
	struct ingress_config ingress;
};

/*
 * Read all of dir. On failure NULL, and *error (the caller frees it) says
 * FILE:LINE, the value and the remedy.
 */
struct config *config_load(const char *dir, char **error);
void config_free(struct config *config);
void rules_free(struct rules *rules);
void key_source_clear(struct key_source *source);
const struct tenant *config_tenant(const struct config *config, const char *name);	/* or NULL */
const struct function_config *config_function(const struct config *config, const char *name);	/* or NULL */

#endif
