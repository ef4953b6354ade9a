// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "config_read.h"
#include "container.h"
#include "nexus.pb-c.h"
#include "share.h"

static const struct {
	const char *word;
	bool named;
} section_kinds[] = {
	[SECTION_BACKEND] = { "backend", false },
	[SECTION_ENDPOINT] = { "endpoint", true },
	[SECTION_TENANT] = { "tenant", true },
	[SECTION_LISTEN] = { "listen", true },
	[SECTION_FUNCTION] = { "function", true },
	[SECTION_INGRESS] = { "ingress", false },
	[SECTION_CALLER] = { "caller", true },
};

#define NR_KINDS	(sizeof(section_kinds) / sizeof(section_kinds[0]))
#define NAME_MAX_LENGTH	39	/* fits into INIFILE_SECTION_MAX with its kind */

static void *xcalloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();	/* at start, a few hundred bytes */
	return p;
}

static char *xstrdup(const char *s)
{
	return strcpy(xcalloc(strlen(s) + 1), s);
}

static void *endpoint_new(struct config *config, const char *name)
{
	struct endpoint *endpoint = xcalloc(sizeof(*endpoint)), **p = &config->endpoints;

	while (*p)
		p = &(*p)->next;
	*p = endpoint;
	endpoint->name = xstrdup(name);
	endpoint->service = xstrdup("s3");
	endpoint->region = xstrdup("us-east-1");
	endpoint->path_style = true;
	endpoint->connect_timeout_ms = 5000;
	endpoint->stall_timeout_ms = 30000;
	endpoint->idle_timeout_ms = 60000;
	endpoint->max_connections = 64;
	endpoint->multipart_threshold = 16 << 20;
	endpoint->part_size = 8 << 20;
	endpoint->parallel = 4;
	endpoint->max_attempts = 3;
	endpoint->retry_backoff_ms = 1000;
	endpoint->breaker_failures = 10;
	endpoint->breaker_cooldown_ms = 5000;
	return endpoint;
}

static void *tenant_new(struct config *config, const char *name)
{
	struct tenant *tenant = xcalloc(sizeof(*tenant)), **p = &config->tenants;
	struct rules *rules;

	while (*p)
		p = &(*p)->next;
	*p = tenant;
	tenant->name = xstrdup(name);
	tenant->usage = xcalloc(sizeof(*tenant->usage));
	rules = xcalloc(sizeof(*rules));
	rules->weight = SHARE_WEIGHT;
	rules->presign_max = 12 * 3600 * 1000;
	tenant->rules = rules;
	tenant->timeout_ms = 60000;
	tenant->max_pinned = 64 << 20;
	tenant->max_in_flight = 64;
	tenant->max_unwritten = 64 << 20;
	return tenant;
}

static void *listen_new(struct config *config, const char *name)
{
	struct listen *listen = xcalloc(sizeof(*listen)), **p = &config->listens;

	while (*p)
		p = &(*p)->next;
	*p = listen;
	listen->name = xstrdup(name);
	listen->mode = 0660;
	return listen;
}

static void *function_new(struct config *config, const char *name)
{
	struct function_config *function = xcalloc(sizeof(*function)), **p = &config->functions;

	while (*p)
		p = &(*p)->next;
	*p = function;
	function->name = xstrdup(name);
	function->timeout_ms = 3000;
	function->concurrency = 10;
	function->keep_alive_ms = 300000;
	function->vmm_pool_idle_ms = 3600000;
	function->machine = xstrdup("pc");
	function->memory = 128 << 20;
	function->vcpus = 1;
	function->append = xstrdup("console=ttyS0 quiet panic=-1 rootfstype=ramfs");
	function->start_timeout_ms = 10000;
	function->max_events = 100;
	function->retries = 2;
	function->retry_delay_ms = 60000;
	function->max_event_age_ms = 6 * 3600 * 1000;
	return function;
}

static void reader_section(struct inifile *ini, const char *header)
{
	struct config_reader *reader = container_of(ini, struct config_reader, ini);
	size_t word = strcspn(header, " \t");
	const char *name = header + word + strspn(header + word, " \t");
	struct section *section;
	enum section_kind kind;

	reader->current = NULL;
	reader->skipping = true;
	if (!*header)
		return;
	for (kind = 0; kind < NR_KINDS; kind++) {
		if (strlen(section_kinds[kind].word) == word && !strncmp(section_kinds[kind].word, header, word))
			break;
	}
	if (kind == NR_KINDS) {
		report_add(ini->report, ini->path, ini->line,
			   "unknown section [%s]: known are [backend], [endpoint NAME], [tenant NAME], "
			   "[listen NAME], [function NAME], [ingress] and [caller NAME]", header);
		return;
	}
	if (!section_kinds[kind].named && *name) {
		report_add(ini->report, ini->path, ini->line, "section [%s]: write just [%s]",
			   header, section_kinds[kind].word);
		return;
	}
	if (section_kinds[kind].named && !config_name_valid(name, NAME_MAX_LENGTH)) {
		report_add(ini->report, ini->path, ini->line,
			   "section [%s]: write [%s NAME], NAME of 1 to %d characters of A-Z a-z 0-9 . _ -",
			   header, section_kinds[kind].word, NAME_MAX_LENGTH);
		return;
	}
	for (section = reader->sections; section; section = section->next) {
		if (section->kind == kind && !strcmp(section->name, name)) {
			report_add(ini->report, ini->path, ini->line,
				   "section [%s] is there already, at %s:%u: keep one of them",
				   header, section->file, section->line);
			return;
		}
	}
	section = xcalloc(sizeof(*section));
	section->kind = kind;
	section->name = xstrdup(name);
	section->file = ini->path;
	section->line = ini->line;
	switch (kind) {
	case SECTION_BACKEND:
	case SECTION_INGRESS:
		section->object = reader->config;
		break;
	case SECTION_ENDPOINT:
		section->object = endpoint_new(reader->config, name);
		break;
	case SECTION_TENANT:
		section->object = tenant_new(reader->config, name);
		break;
	case SECTION_LISTEN:
		section->object = listen_new(reader->config, name);
		break;
	case SECTION_FUNCTION:
		section->object = function_new(reader->config, name);
		break;
	case SECTION_CALLER:
		section->object = caller_new(reader->config, name);
		break;
	}
	*reader->sections_tail = section;
	reader->sections_tail = &section->next;
	reader->current = section;
	reader->skipping = false;
}

/* What the key's offset counts from. */
static void *key_base(struct section *section, const struct config_key *key)
{
	switch (key->where) {
	case KEY_IN_SECTION:
		return section;
	case KEY_IN_RULES:
		return (void *)((struct tenant *)section->object)->rules;
	default:
		return section->object;
	}
}

static void reader_key(struct inifile *ini, const char *name, const char *value)
{
	struct config_reader *reader = container_of(ini, struct config_reader, ini);
	struct section *section = reader->current;
	const struct config_key *key;
	const char *nearest, *wrong;
	int index;

	if (!section) {
		if (!reader->skipping)
			report_add(ini->report, ini->path, ini->line,
				   "key %s stands before the first section", name);
		return;
	}
	index = config_key_find(section->kind, name);
	if (index < 0) {
		nearest = config_key_nearest(section->kind, name);
		report_add(ini->report, ini->path, ini->line, "unknown key %s in [%s]%s%s%s", name,
			   section_kinds[section->kind].word, nearest ? ": did you mean " : "",
			   nearest ? nearest : "", nearest ? "?" : "");
		return;
	}
	key = &config_keys[index];
	if (section->lines[index] && !key->list) {
		report_add(ini->report, ini->path, ini->line, "%s is given already, in line %u: keep one of them",
			   name, section->lines[index]);
		return;
	}
	section->lines[index] = ini->line;
	wrong = key->parse((char *)key_base(section, key) + key->offset, value);
	if (wrong)
		report_add(ini->report, ini->path, ini->line, "%s = %s: %s", name, value, wrong);
}

void config_reader_init(struct config_reader *reader, struct config *config, struct report *report)
{
	*reader = (struct config_reader){
		.ini = { .section = reader_section, .key = reader_key, .report = report },
		.config = config,
	};
	reader->sections_tail = &reader->sections;
}

void config_reader_file(struct config_reader *reader, const char *path)
{
	reader->ini.path = path;
	reader->current = NULL;
	reader->skipping = false;
	inifile_read(&reader->ini);	/* faults are in the report */
}

void config_reader_clear(struct config_reader *reader)
{
	struct section *section;

	while ((section = reader->sections)) {
		reader->sections = section->next;
		free(section->name);
		free(section->endpoint);
		free(section->tenant);
		free(section->credentials);
		free(section->profile);
		free(section->credentials_token);
		free(section->token_file);
		free(section);
	}
}
