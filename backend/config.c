// SPDX-License-Identifier: GPL-2.0-only
#include <curl/curl.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cleanup.h"
#include "config.h"
#include "config_list.h"
#include "config_read.h"
#include "credentials.h"
#include "environment.h"
#include "nexus.pb-c.h"
#include "tenant.h"

static void config_fault(struct report *report, const struct section *section, const char *key,
			 const char *what, const char *value, const char *remedy)
{
	report_add(report, section->file, config_key_line(section, key), "%s = %s: %s", what, value, remedy);
}

static void endpoint_resolve(struct endpoint *endpoint, const struct section *section, struct report *report)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL, *extra = NULL;
	const char *wrong = NULL;
	size_t len;
	CURLU *url;

	if (!endpoint->url)
		return;		/* reported as missing, or as wrong */
	url = curl_url();
	if (!url || curl_url_set(url, CURLUPART_URL, endpoint->url, 0) ||
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) ||
	    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ||
	    curl_url_get(url, CURLUPART_PATH, &path, 0))
		wrong = "not a URL: write http://HOST[:PORT] or https://HOST[:PORT]";
	else if (strcmp(scheme, "http") && strcmp(scheme, "https"))
		wrong = "the scheme must be http or https";
	else if (strcmp(path, "/") || !curl_url_get(url, CURLUPART_QUERY, &extra, 0) ||
		 !curl_url_get(url, CURLUPART_FRAGMENT, &extra, 0) || !curl_url_get(url, CURLUPART_USER, &extra, 0))
		wrong = "write the scheme, the host and the port only";
	if (wrong) {
		config_fault(report, section, "url", "url", endpoint->url, wrong);
	} else {
		len = strlen(host);
		endpoint->tls = !strcmp(scheme, "https");
		endpoint->port = atoi(port);
		endpoint->host = host[0] == '[' ? strndup(host + 1, len - 2) : strdup(host);
		if (endpoint->port == (endpoint->tls ? 443 : 80))
			endpoint->authority = strdup(host);
		else if (asprintf(&endpoint->authority, "%s:%u", host, endpoint->port) < 0)
			endpoint->authority = NULL;
	}
	if (endpoint->ca_file && access(endpoint->ca_file, R_OK))
		config_fault(report, section, "ca_file", "ca_file", endpoint->ca_file, strerror(errno));
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_free(extra);
	curl_url_cleanup(url);
}

static const struct endpoint *config_endpoint(const struct config *config, const char *name)
{
	for (const struct endpoint *e = config->endpoints; e; e = e->next) {
		if (!strcmp(e->name, name))
			return e;
	}
	return NULL;
}

static void tenant_endpoints(struct tenant *tenant, const struct section *section, const struct config *config,
			     struct report *report)
{
	auto_free char *copy = section->endpoint ? strdup(section->endpoint) : NULL;
	const struct endpoint *endpoint;
	char *word, *save;
	size_t count = 0;

	for (word = copy ? list_word(copy, &save) : NULL; word; word = list_word(NULL, &save)) {
		endpoint = config_endpoint(config, word);
		if (!endpoint) {
			config_fault(report, section, "endpoint", "endpoint", word,
				     "there is no such [endpoint NAME] section");
			continue;
		}
		if (tenant_endpoint(tenant, endpoint->service)) {
			config_fault(report, section, "endpoint", "endpoint", word,
				     "another one of the list is for the same service: keep one of them");
			continue;
		}
		tenant->endpoints = reallocarray(tenant->endpoints, count + 2, sizeof(*tenant->endpoints));
		if (!tenant->endpoints)
			abort();	/* at start, a few bytes */
		tenant->endpoints[count++] = endpoint;
		tenant->endpoints[count] = NULL;
	}
	if (section->endpoint && !section->credentials)
		report_add(report, section->file, section->line, "%s has an endpoint, but lacks the key credentials",
			   section->name);
	if (tenant_endpoint(tenant, "s3") && !tenant->rules->buckets)
		report_add(report, section->file, section->line, "%s has an endpoint for s3, but lacks the key buckets",
			   section->name);
}

/* The path that the section's credentials name. */
static char *section_path(const struct section *section, const char *dir)
{
	const char *text = section->credentials;
	char *path;

	if (asprintf(&path, "%s%s%s", *text == '/' ? "" : dir, *text == '/' ? "" : "/", text) < 0)
		abort();	/* at start, a few bytes */
	return path;
}

/* The keys in a file; NULL: the report has a fault more. */
static struct credentials *file_credentials(const struct section *section, const struct key_source *source,
					    struct report *report)
{
	struct credentials *credentials;

	if (credentials_read(&credentials, source, report))
		config_fault(report, section, "credentials", "credentials", section->credentials,
			     "see the fault of that file above");
	return credentials;
}

/* Read what is a file; the others are asked once the daemon runs (keys.c). */
static void tenant_keys(struct tenant *tenant, const struct section *section, const char *dir, struct report *report)
{
	struct key_source *source = &tenant->key_source;
	const char *text = section->credentials;

	if (!strcmp(text, "imds") || !strncmp(text, "imds:", 5)) {
		source->kind = KEYS_IMDS;
		source->where = strdup(text[4] ? text + 5 : "http://169.254.169.254");
	} else if (!strncmp(text, "http://", 7) || !strncmp(text, "https://", 8)) {
		source->kind = KEYS_CONTAINER;
		source->where = strdup(text);
	} else {
		source->kind = KEYS_FILE;
		source->where = section_path(section, dir);
	}
	if (source->kind == KEYS_IMDS && strncmp(source->where, "http://", 7) && strncmp(source->where, "https://", 8))
		config_fault(report, section, "credentials", "credentials", text, "write imds:http://HOST[:PORT]");
	if (section->profile && source->kind != KEYS_FILE)
		config_fault(report, section, "profile", "profile", section->profile, "only a file has profiles");
	if (section->credentials_token && source->kind != KEYS_CONTAINER)
		config_fault(report, section, "credentials_token", "credentials_token", section->credentials_token,
			     "only a URL is asked with a token");
	source->profile = section->profile ? strdup(section->profile) : NULL;
	source->token_file = section->credentials_token ? strdup(section->credentials_token) : NULL;
	if (source->kind == KEYS_FILE)
		tenant->credentials = file_credentials(section, source, report);
}

static void tenant_resolve(struct tenant *tenant, const struct section *section, const struct config *config,
			   const char *dir, struct report *report)
{
	tenant_endpoints(tenant, section, config, report);
	if (tenant->write_mode == NEXUS__V1__WRITE_MODE__JOURNALED && !config->journal)
		config_fault(report, section, "write_mode", "write_mode", "journaled",
			     "there is no journal: write `journal = DIRECTORY` in [backend]");
	if (tenant->ca_file && access(tenant->ca_file, R_OK))
		config_fault(report, section, "ca_file", "ca_file", tenant->ca_file, strerror(errno));
	if (section->credentials)
		tenant_keys(tenant, section, dir, report);
}

static void listen_resolve(struct listen *listen, const struct section *section, const struct config *config,
			   struct report *report)
{
	if (section->tenant)
		listen->tenant = config_tenant(config, section->tenant);
	if (section->tenant && !listen->tenant)
		config_fault(report, section, "tenant", "tenant", section->tenant,
			     "there is no such [tenant NAME] section");
	for (const struct listen *l = config->listens; listen->path && l != listen; l = l->next) {
		if (l->path && !strcmp(l->path, listen->path))
			config_fault(report, section, "path", "path", listen->path,
				     "another [listen] section has it: write another path");
	}
}

static void function_resolve(struct function_config *function, const struct section *section, const struct config *config,
			     struct report *report)
{
	if (section->tenant)
		function->tenant = config_tenant(config, section->tenant);
	if (section->tenant && !function->tenant)
		config_fault(report, section, "tenant", "tenant", section->tenant,
			     "there is no such [tenant NAME] section");
	if (!function->kernel != !function->image)
		report_add(report, section->file, section->line, "%s has a %s but no %s: an instance needs both",
			   section->name, function->kernel ? "kernel" : "image", function->kernel ? "image" : "kernel");
	function->command_line = function->kernel ? environment_command_line(function) : NULL;
	if (function->kernel && !function->command_line)
		report_add(report, section->file, section->line, "%s has more than %d bytes of append, handler and environment: "
			   "a kernel takes no longer command line", section->name, COMMAND_LINE_MAX);
	services_resolve(function, section, config, report);
}

static void caller_resolve(struct caller *caller, const struct section *section, const struct config *config,
			   const char *dir, struct report *report)
{
	struct key_source source = { .kind = KEYS_FILE, .profile = section->profile };

	if (section->tenant)
		caller->tenant = config_tenant(config, section->tenant);
	if (section->tenant && !caller->tenant)
		config_fault(report, section, "tenant", "tenant", section->tenant,
			     "there is no such [tenant NAME] section");
	if (section->credentials) {
		source.where = section_path(section, dir);
		caller->credentials = file_credentials(section, &source, report);
		free(source.where);
	}
	caller_resolve_grpc(caller, section, config, report);
}

static void section_require(const struct section *section, struct report *report)
{
	for (const struct config_key *key = config_keys; key->name; key++) {
		if (key->kind == section->kind && key->required && !section->lines[key - config_keys])
			report_add(report, section->file, section->line, "%s lacks the key %s",
				   section->name, key->name);
	}
}

/* Once all functions have their tenants. */
static void on_failure_resolve(const struct function_config *function, const struct section *section,
			       const struct config *config, struct report *report)
{
	const struct function_config *told = function->on_failure ? config_function(config, function->on_failure) : NULL;
	const char *wrong = !function->on_failure ? NULL : !told ? "there is no such [function NAME] section" :
			    told == function ? "it would be told of its own failures: name another function" :
			    told->tenant != function->tenant ? "it is another tenant's: name one of the same tenant" : NULL;

	if (wrong)
		config_fault(report, section, "on_failure", "on_failure", function->on_failure, wrong);
}

static void config_resolve(struct config_reader *reader, const char *dir, struct report *report)
{
	for (struct section *s = reader->sections; s; s = s->next) {
		section_require(s, report);
		if (s->kind == SECTION_ENDPOINT)
			endpoint_resolve(s->object, s, report);
		else if (s->kind == SECTION_TENANT)
			tenant_resolve(s->object, s, reader->config, dir, report);
		else if (s->kind == SECTION_LISTEN)
			listen_resolve(s->object, s, reader->config, report);
		else if (s->kind == SECTION_FUNCTION)
			function_resolve(s->object, s, reader->config, report);
		else if (s->kind == SECTION_INGRESS)
			ingress_resolve(reader->config, s, report);
		else if (s->kind == SECTION_CALLER)
			caller_resolve(s->object, s, reader->config, dir, report);
	}
	for (struct section *s = reader->sections; s; s = s->next)
		if (s->kind == SECTION_FUNCTION)
			on_failure_resolve(s->object, s, reader->config, report);
}

static uint32_t default_workers(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > 4 ? 4 : cpus;
}

static uint32_t default_starts(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 2 ? 2 : cpus;
}

struct config *config_load(const char *dir, char **error)
{
	struct config *config = calloc(1, sizeof(*config));
	auto_free char *pattern = NULL, *functions = NULL;
	struct config_reader reader;
	struct report report = { 0 };
	glob_t files = { 0 };

	*error = NULL;
	if (!config || asprintf(&pattern, "%s/*.conf", dir) < 0 ||
	    asprintf(&functions, "%s/functions.d/*.conf", dir) < 0)
		abort();	/* a few bytes, at start */
	config->workers = default_workers();
	config->max_instances = 1000;
	config->max_invocations = 1000;
	config->ingress.idle_timeout_ms = 75000;
	config->max_starts = default_starts();
	config->journal_max = 1ULL << 30;
	config->journal_attempts = 10;
	config_reader_init(&reader, config, &report);
	if (access(dir, R_OK | X_OK))
		report_add(&report, dir, 0, "cannot read this directory: %s", strerror(errno));
	else if (glob(pattern, 0, NULL, &files))	/* sorted by name */
		report_add(&report, dir, 0, "holds no *.conf file: write one, see nexus.conf(5)");
	else
		glob(functions, GLOB_APPEND, NULL, &files);
	for (size_t i = 0; i < files.gl_pathc; i++)
		config_reader_file(&reader, files.gl_pathv[i]);
	config_resolve(&reader, dir, &report);
	if (!report.text && !config->tenants)
		report_add(&report, dir, 0, "no [tenant NAME] section in any *.conf file: write one");
	if (!config->snapshot_dir)
		config->snapshot_dir = strdup("/run/nexus/snapshots");
	if (!config->control_path)
		config->control_path = strdup("/run/nexus/control.sock");
	config_reader_clear(&reader);
	globfree(&files);
	if (!report.text)
		return config;
	config_free(config);
	*error = report.text;
	return NULL;
}

static void endpoint_free(struct endpoint *endpoint)
{
	free(endpoint->name);
	free(endpoint->url);
	free(endpoint->host);
	free(endpoint->authority);
	free(endpoint->service);
	free(endpoint->region);
	free(endpoint->ca_file);
	free(endpoint);
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	list_free(rules->buckets);
	list_free(rules->operations);
	list_free(rules->http_hosts);
	free(rules->http_networks.list);
	free(rules);
}

void key_source_clear(struct key_source *source)
{
	free(source->where);
	free(source->profile);
	free(source->token_file);
	*source = (struct key_source){ 0 };
}

static void tenant_free(struct tenant *tenant)
{
	rules_free((struct rules *)tenant->rules);
	key_source_clear(&tenant->key_source);
	credentials_free((struct credentials *)tenant->credentials);
	free(tenant->usage);
	free(tenant->endpoints);
	free(tenant->ca_file);
	free(tenant->name);
	free(tenant);
}

static void listen_free(struct listen *listen)
{
	free(listen->name);
	free(listen->path);
	free(listen->function);
	free(listen);
}

static void function_free(struct function_config *function)
{
	free(function->name);
	free(function->machine);
	free(function->kernel);
	free(function->image);
	free(function->append);
	free(function->handler);
	list_free(function->environment);
	free(function->command_line);
	free(function->on_failure);
	hint_rules_free(function->prefetch);
	list_free(function->grpc_services);
	free(function);
}

void config_free(struct config *config)
{
	struct endpoint *endpoint;
	struct tenant *tenant;
	struct listen *listen;
	struct function_config *function;

	if (!config)
		return;
	while ((endpoint = config->endpoints)) {
		config->endpoints = endpoint->next;
		endpoint_free(endpoint);
	}
	while ((tenant = config->tenants)) {
		config->tenants = tenant->next;
		tenant_free(tenant);
	}
	while ((listen = config->listens)) {
		config->listens = listen->next;
		listen_free(listen);
	}
	while ((function = config->functions)) {
		config->functions = function->next;
		function_free(function);
	}
	free(config->snapshot_dir);
	free(config->vmm);
	config_ingress_free(config);
	free(config->control_path);
	free(config->metrics_listen);
	free(config->journal);
	free(config);
}

const struct tenant *config_tenant(const struct config *config, const char *name)
{
	for (const struct tenant *tenant = config->tenants; tenant; tenant = tenant->next) {
		if (!strcmp(tenant->name, name))
			return tenant;
	}
	return NULL;
}

const struct function_config *config_function(const struct config *config, const char *name)
{
	for (const struct function_config *function = config->functions; function; function = function->next) {
		if (!strcmp(function->name, name))
			return function;
	}
	return NULL;
}
