// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>
#include "config.h"
#include "config_key.h"
#include "config_list.h"
#include "environment.h"
#include "nexus.pb-c.h"
#include "nexus_dev.h"
#include "nexus_hypercall.h"

/* A decimal number followed by a unit; true if there is nothing else. */
static bool number_parse(const char *value, unsigned long long *number, const char **unit)
{
	char *end;

	if (*value < '0' || *value > '9')
		return false;
	errno = 0;
	*number = strtoull(value, &end, 10);
	*unit = end;
	return !errno;
}

static const char *uint_parse(const char *value, uint32_t *field, uint32_t min, uint32_t max,
			      const char *remedy)
{
	unsigned long long number;
	const char *unit;

	if (!number_parse(value, &number, &unit) || *unit || number < min || number > max)
		return remedy;
	*field = number;
	return NULL;
}

static const char *workers_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 64, "write a number from 1 to 64");
}

static const char *spin_parse(void *field, const char *value)
{
	return uint_parse(value, field, 0, 1000000, "write microseconds, a number from 0 to 1000000");
}

static const char *connections_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 4096, "write a number from 1 to 4096");
}

static const char *in_flight_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 4096, "write a number from 1 to 4096");
}

static const char *operations_limit_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 1000000, "write a number from 1 to 1000000");
}

static const char *weight_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 10000, "write a number from 1 to 10000");
}

static const char *concurrency_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 10000, "write a number from 1 to 10000");
}

static const char *instances_parse(void *field, const char *value)
{
	return uint_parse(value, field, 0, 100000, "write a number from 0 to 100000");
}

static const char *starts_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 1000, "write a number from 1 to 1000");
}

static const char *pool_parse(void *field, const char *value)
{
	return uint_parse(value, field, 0, 1000, "write a number from 0 to 1000");
}

static const char *vcpus_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 64, "write a number from 1 to 64");
}

static const char *parallel_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 16, "write a number from 1 to 16");
}

static const char *attempts_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 10, "write a number from 1 (no second try) to 10");
}

static const char *refusals_parse(void *field, const char *value)
{
	return uint_parse(value, field, 1, 1000, "write a number from 1 to 1000");
}

static const char *failures_parse(void *field, const char *value)
{
	return uint_parse(value, field, 0, 100000, "write a number from 1 to 100000, or 0 for no circuit breaker");
}

static const char *count_parse(void *field, const char *value)
{
	uint32_t count;
	const char *wrong = uint_parse(value, &count, 1, 100000000, "write a number from 1 to 100000000");

	if (!wrong)
		*(uint64_t *)field = count;
	return wrong;
}

static const char *max_events_parse(void *field, const char *value)
{
	return uint_parse(value, field, 0, 10000, "write a number from 0 to 10000");
}

static const char *retries_parse(void *field, const char *value)
{
	return uint_parse(value, field, 0, 2, "write 0, 1 or 2");
}

static const char *time_parse(void *field, const char *value)
{
	const char *remedy = "write a number with its unit, like 500ms, 30s or 5m, from 1ms to 24h";
	unsigned long long number, scale;
	const char *unit;

	if (!number_parse(value, &number, &unit))
		return remedy;
	if (!strcmp(unit, "ms"))
		scale = 1;
	else if (!strcmp(unit, "s"))
		scale = 1000;
	else if (!strcmp(unit, "m"))
		scale = 60 * 1000;
	else if (!strcmp(unit, "h"))
		scale = 3600 * 1000;
	else
		return remedy;
	if (!number || number > 24 * 3600 * 1000ULL / scale)
		return remedy;
	*(uint32_t *)field = number * scale;
	return NULL;
}

static const char *size_parse(void *field, const char *value)
{
	const char *remedy = "write bytes, or a number with K, M or G, from 64K to 1024G";
	unsigned long long number;
	const char *unit;
	int shift;

	if (!number_parse(value, &number, &unit))
		return remedy;
	if (!*unit)
		shift = 0;
	else if (!strcasecmp(unit, "K"))
		shift = 10;
	else if (!strcasecmp(unit, "M"))
		shift = 20;
	else if (!strcasecmp(unit, "G"))
		shift = 30;
	else
		return remedy;
	if (number > (1ULL << 40) >> shift || number << shift < 65536)
		return remedy;
	*(uint64_t *)field = number << shift;
	return NULL;
}

static const char *write_mode_parse(void *field, const char *value)
{
	static const char *const names[] = {
		[NEXUS__V1__WRITE_MODE__THROUGH] = "through",
		[NEXUS__V1__WRITE_MODE__DEFERRED] = "deferred",
		[NEXUS__V1__WRITE_MODE__JOURNALED] = "journaled",
	};

	for (uint32_t mode = NEXUS__V1__WRITE_MODE__THROUGH; mode < sizeof(names) / sizeof(names[0]); mode++) {
		if (!strcmp(names[mode], value)) {
			*(uint32_t *)field = mode;
			return NULL;
		}
	}
	return "write through, deferred or journaled";
}

static const char *memory_parse(void *field, const char *value)
{
	const char *remedy = "write whole mebibytes, like 128M or 1G, from 16M to 1024G";
	uint64_t bytes;

	if (size_parse(&bytes, value) || bytes & 0xfffff || bytes < 16 << 20)
		return remedy;
	*(uint64_t *)field = bytes;
	return NULL;
}

/* S3 takes no smaller parts, and no larger ones. */
static const char *part_parse(void *field, const char *value)
{
	uint64_t size;

	if (size_parse(&size, value) || size < 5 << 20 || size > 5ULL << 30)
		return "write bytes, or a number with K, M or G, from 5M to 5G, which are S3's limits for a part";
	*(uint64_t *)field = size;
	return NULL;
}

static const char *bool_parse(void *field, const char *value)
{
	if (!strcasecmp(value, "yes") || !strcasecmp(value, "true") || !strcmp(value, "1"))
		*(bool *)field = true;
	else if (!strcasecmp(value, "no") || !strcasecmp(value, "false") || !strcmp(value, "0"))
		*(bool *)field = false;
	else
		return "write yes or no";
	return NULL;
}

static const char *mode_parse(void *field, const char *value)
{
	unsigned long mode;
	char *end;

	mode = strtoul(value, &end, 8);
	if (*value < '0' || *value > '7' || *end || mode > 0777)
		return "write octal permissions, like 0660";
	*(uint32_t *)field = mode;
	return NULL;
}

static const char *text_parse(void *field, const char *value)
{
	char *text;

	if (!*value)
		return "write a value";
	text = strdup(value);
	if (!text)
		return "not enough memory";
	free(*(char **)field);
	*(char **)field = text;
	return NULL;
}

static const char *socket_parse(void *field, const char *value)
{
	if (*value != '/')
		return "write an absolute path";
	if (strlen(value) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return "too long for a unix socket: write a path of at most 107 characters";
	return text_parse(field, value);
}

static const char *file_parse(void *field, const char *value)
{
	return *value == '/' ? text_parse(field, value) : "write an absolute path";
}

/* The VMM's options have commas of their own. */
static const char *directory_parse(void *field, const char *value)
{
	return strchr(value, ',') ? "write a path without a comma" : file_parse(field, value);
}

static const char *machine_parse(void *field, const char *value)
{
	return config_name_valid(value, 63) ? text_parse(field, value) :
	       "write the name of one of the VMM's machine types, like pc, q35 or microvm";
}

static const char *service_parse(void *field, const char *value)
{
	size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (!len || value[len])
		return "write the name that signatures carry, of a-z 0-9 -, like s3 or dynamodb";
	return text_parse(field, value);
}

static const char *function_parse(void *field, const char *value)
{
	if (!config_name_valid(value, NEXUS_NAME_MAX - 1))
		return "write 1 to 63 characters of A-Z a-z 0-9 . _ -";
	return text_parse(field, value);
}

#define OBJECT(kind, type, name, required, parse) \
	{ kind, #name, required, KEY_IN_OBJECT, offsetof(type, name), parse, false }
#define OBJECT_MS(kind, type, name) \
	{ kind, #name, false, KEY_IN_OBJECT, offsetof(type, name##_ms), time_parse, false }
#define LATER(kind, name, required, parse) \
	{ kind, #name, required, KEY_IN_SECTION, offsetof(struct section, name), parse, false }
#define RULE(kind, name, parse) \
	{ kind, #name, false, KEY_IN_RULES, offsetof(struct rules, name), parse, false }
#define RULE_LIST(kind, name, parse) \
	{ kind, #name, false, KEY_IN_RULES, offsetof(struct rules, name), parse, true }
#define RULE_RATE(kind, name, field, parse) \
	{ kind, #name, false, KEY_IN_RULES, offsetof(struct rules, field), parse, false }

const struct config_key config_keys[] = {
	OBJECT(SECTION_BACKEND, struct config, workers, false, workers_parse),
	{ SECTION_BACKEND, "control", false, KEY_IN_OBJECT, offsetof(struct config, control_path), socket_parse, false },
	OBJECT(SECTION_BACKEND, struct config, metrics_listen, false, tcp_address_key_parse),
	OBJECT(SECTION_BACKEND, struct config, spin_us, false, spin_parse),
	OBJECT(SECTION_BACKEND, struct config, snapshot_dir, false, directory_parse),
	OBJECT(SECTION_BACKEND, struct config, vmm, false, file_parse),
	OBJECT(SECTION_BACKEND, struct config, max_instances, false, instances_parse),
	OBJECT(SECTION_BACKEND, struct config, max_invocations, false, concurrency_parse),
	OBJECT(SECTION_BACKEND, struct config, max_starts, false, starts_parse),
	OBJECT(SECTION_BACKEND, struct config, journal, false, file_parse),
	OBJECT(SECTION_BACKEND, struct config, journal_max, false, size_parse),
	OBJECT(SECTION_BACKEND, struct config, journal_attempts, false, refusals_parse),

	OBJECT(SECTION_ENDPOINT, struct endpoint, url, true, text_parse),
	OBJECT(SECTION_ENDPOINT, struct endpoint, service, false, service_parse),
	OBJECT(SECTION_ENDPOINT, struct endpoint, region, false, text_parse),
	OBJECT(SECTION_ENDPOINT, struct endpoint, path_style, false, bool_parse),
	OBJECT(SECTION_ENDPOINT, struct endpoint, ca_file, false, file_parse),
	OBJECT_MS(SECTION_ENDPOINT, struct endpoint, connect_timeout),
	OBJECT_MS(SECTION_ENDPOINT, struct endpoint, stall_timeout),
	OBJECT_MS(SECTION_ENDPOINT, struct endpoint, idle_timeout),
	OBJECT(SECTION_ENDPOINT, struct endpoint, max_connections, false, connections_parse),
	OBJECT(SECTION_ENDPOINT, struct endpoint, multipart_threshold, false, part_parse),
	OBJECT(SECTION_ENDPOINT, struct endpoint, part_size, false, part_parse),
	OBJECT(SECTION_ENDPOINT, struct endpoint, parallel, false, parallel_parse),
	OBJECT(SECTION_ENDPOINT, struct endpoint, max_attempts, false, attempts_parse),
	OBJECT_MS(SECTION_ENDPOINT, struct endpoint, retry_backoff),
	OBJECT(SECTION_ENDPOINT, struct endpoint, breaker_failures, false, failures_parse),
	OBJECT_MS(SECTION_ENDPOINT, struct endpoint, breaker_cooldown),

	LATER(SECTION_TENANT, endpoint, false, text_parse),
	LATER(SECTION_TENANT, credentials, false, text_parse),
	LATER(SECTION_TENANT, profile, false, text_parse),
	LATER(SECTION_TENANT, credentials_token, false, file_parse),
	OBJECT(SECTION_TENANT, struct tenant, ca_file, false, file_parse),
	RULE_LIST(SECTION_TENANT, buckets, buckets_parse),
	RULE_LIST(SECTION_TENANT, operations, operations_parse),
	RULE_LIST(SECTION_TENANT, http_hosts, hosts_parse),
	RULE_LIST(SECTION_TENANT, http_networks, networks_parse),
	RULE_RATE(SECTION_TENANT, requests_per_second, requests.per_second, count_parse),
	RULE_RATE(SECTION_TENANT, requests_burst, requests.burst, count_parse),
	RULE_RATE(SECTION_TENANT, bytes_per_second, bytes.per_second, size_parse),
	RULE_RATE(SECTION_TENANT, bytes_burst, bytes.burst, size_parse),
	RULE(SECTION_TENANT, max_operations, operations_limit_parse),
	RULE(SECTION_TENANT, weight, weight_parse),
	RULE(SECTION_TENANT, presign_max, time_parse),
	OBJECT_MS(SECTION_TENANT, struct tenant, timeout),
	OBJECT(SECTION_TENANT, struct tenant, max_pinned, false, size_parse),
	OBJECT(SECTION_TENANT, struct tenant, max_in_flight, false, in_flight_parse),
	OBJECT(SECTION_TENANT, struct tenant, write_mode, false, write_mode_parse),
	OBJECT(SECTION_TENANT, struct tenant, max_unwritten, false, size_parse),

	OBJECT(SECTION_LISTEN, struct listen, path, true, socket_parse),
	OBJECT(SECTION_LISTEN, struct listen, mode, false, mode_parse),
	LATER(SECTION_LISTEN, tenant, true, text_parse),
	OBJECT(SECTION_LISTEN, struct listen, function, true, function_parse),

	LATER(SECTION_FUNCTION, tenant, true, text_parse),
	OBJECT_MS(SECTION_FUNCTION, struct function_config, timeout),
	OBJECT(SECTION_FUNCTION, struct function_config, concurrency, false, concurrency_parse),
	OBJECT_MS(SECTION_FUNCTION, struct function_config, keep_alive),
	OBJECT(SECTION_FUNCTION, struct function_config, vmm_pool, false, pool_parse),
	OBJECT_MS(SECTION_FUNCTION, struct function_config, vmm_pool_idle),
	OBJECT(SECTION_FUNCTION, struct function_config, machine, false, machine_parse),
	OBJECT(SECTION_FUNCTION, struct function_config, memory, false, memory_parse),
	OBJECT(SECTION_FUNCTION, struct function_config, vcpus, false, vcpus_parse),
	OBJECT(SECTION_FUNCTION, struct function_config, kernel, false, file_parse),
	OBJECT(SECTION_FUNCTION, struct function_config, image, false, file_parse),
	OBJECT(SECTION_FUNCTION, struct function_config, append, false, text_parse),
	OBJECT(SECTION_FUNCTION, struct function_config, handler, false, text_parse),
	{ SECTION_FUNCTION, "environment", false, KEY_IN_OBJECT, offsetof(struct function_config, environment),
	  environment_parse, true },
	OBJECT_MS(SECTION_FUNCTION, struct function_config, start_timeout),
	OBJECT(SECTION_FUNCTION, struct function_config, max_events, false, max_events_parse),
	OBJECT(SECTION_FUNCTION, struct function_config, retries, false, retries_parse),
	OBJECT_MS(SECTION_FUNCTION, struct function_config, retry_delay),
	OBJECT_MS(SECTION_FUNCTION, struct function_config, max_event_age),
	OBJECT(SECTION_FUNCTION, struct function_config, on_failure, false, function_parse),
	OBJECT(SECTION_FUNCTION, struct function_config, write_mode, false, write_mode_parse),
	{ SECTION_FUNCTION, "grpc_services", false, KEY_IN_OBJECT, offsetof(struct function_config, grpc_services),
	  services_parse, true },
	{ SECTION_FUNCTION, "prefetch", false, KEY_IN_OBJECT, offsetof(struct function_config, prefetch),
	  prefetch_parse, true },

	{ SECTION_INGRESS, "listen", false, KEY_IN_OBJECT, offsetof(struct config, ingress.listen),
	  tcp_address_key_parse, false },
	{ SECTION_INGRESS, "certificate", false, KEY_IN_OBJECT, offsetof(struct config, ingress.certificate), file_parse, false },
	{ SECTION_INGRESS, "key", false, KEY_IN_OBJECT, offsetof(struct config, ingress.key), file_parse, false },
	{ SECTION_INGRESS, "idle_timeout", false, KEY_IN_OBJECT, offsetof(struct config, ingress.idle_timeout_ms),
	  time_parse, false },
	{ SECTION_INGRESS, "grpc_listen", false, KEY_IN_OBJECT, offsetof(struct config, ingress.grpc_listen),
	  tcp_address_key_parse, false },
	{ SECTION_INGRESS, "grpc_certificate", false, KEY_IN_OBJECT, offsetof(struct config, ingress.grpc_certificate),
	  file_parse, false },
	{ SECTION_INGRESS, "grpc_key", false, KEY_IN_OBJECT, offsetof(struct config, ingress.grpc_key), file_parse, false },
	{ SECTION_INGRESS, "grpc_client_ca", false, KEY_IN_OBJECT, offsetof(struct config, ingress.grpc_client_ca),
	  file_parse, false },
	{ SECTION_INGRESS, "region", false, KEY_IN_OBJECT, offsetof(struct config, ingress.region), text_parse, false },
	{ SECTION_INGRESS, "max_connections", false, KEY_IN_OBJECT, offsetof(struct config, ingress.max_connections),
	  connections_parse, false },

	LATER(SECTION_CALLER, tenant, true, text_parse),
	LATER(SECTION_CALLER, credentials, false, text_parse),
	LATER(SECTION_CALLER, profile, false, text_parse),
	LATER(SECTION_CALLER, token_file, false, file_parse),
	OBJECT(SECTION_CALLER, struct caller, certificate, false, text_parse),
	{ 0 },
};

_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX, "section.lines");

int config_key_find(enum section_kind kind, const char *name)
{
	for (int i = 0; config_keys[i].name; i++) {
		if (config_keys[i].kind == kind && !strcmp(config_keys[i].name, name))
			return i;
	}
	return -1;
}

/* Edits that turn a into b (Levenshtein); names are short. */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[64], len = strlen(b), corner, above;

	for (unsigned int j = 0; j <= len; j++)
		row[j] = j;
	for (unsigned int i = 0; a[i]; i++) {
		corner = row[0];
		row[0] = i + 1;
		for (unsigned int j = 1; j <= len; j++) {
			above = row[j];
			row[j] = corner + (a[i] != b[j - 1]);
			if (above + 1 < row[j])
				row[j] = above + 1;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			corner = above;
		}
	}
	return row[len];
}

const char *config_key_nearest(enum section_kind kind, const char *name)
{
	const char *nearest = NULL;
	unsigned int best = 4, distance;	/* more edits than that are no typing error */

	for (int i = 0; config_keys[i].name; i++) {
		if (config_keys[i].kind != kind)
			continue;
		distance = edit_distance(name, config_keys[i].name);
		if (distance < best) {
			best = distance;
			nearest = config_keys[i].name;
		}
	}
	return nearest;
}

unsigned int config_key_line(const struct section *section, const char *name)
{
	int key = config_key_find(section->kind, name);

	return key >= 0 && section->lines[key] ? section->lines[key] : section->line;
}

bool config_name_valid(const char *name, size_t max)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return len && len <= max && !name[len];
}
