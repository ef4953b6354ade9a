// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "config_key.h"
#include "credentials.h"
#include "report.h"
#include "tcp_listen.h"

#define TOKEN_MIN	16	/* characters: what is shorter can be guessed */
#define TOKEN_MAX	4096

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

static void ingress_fault(struct report *report, const struct section *section, const char *key, const char *value,
			  const char *remedy)
{
	report_add(report, section->file, config_key_line(section, key), "%s = %s: %s", key, value, remedy);
}

static void file_check(const char *path, const char *key, const struct section *section, struct report *report)
{
	if (path && access(path, R_OK))
		ingress_fault(report, section, key, path, strerror(errno));
}

void ingress_resolve(const struct config *config, const struct section *section, struct report *report)
{
	const struct ingress_config *ingress = &config->ingress;

	if (!section->lines[config_key_find(SECTION_INGRESS, "listen")] &&
	    !section->lines[config_key_find(SECTION_INGRESS, "grpc_listen")])
		report_add(report, section->file, section->line, "[ingress] lacks the key listen, or grpc_listen");
	if (!ingress->certificate != !ingress->key)
		report_add(report, section->file, section->line, "[ingress] has a %s but no %s: TLS needs both",
			   ingress->key ? "key" : "certificate", ingress->key ? "certificate" : "key");
	file_check(ingress->certificate, "certificate", section, report);
	file_check(ingress->key, "key", section, report);
	if (!ingress->grpc_certificate != !ingress->grpc_key)
		report_add(report, section->file, section->line, "[ingress] has a %s but no %s: TLS needs both",
			   ingress->grpc_key ? "grpc_key" : "grpc_certificate",
			   ingress->grpc_key ? "grpc_certificate" : "grpc_key");
	if (ingress->grpc_client_ca && !ingress->grpc_certificate)
		ingress_fault(report, section, "grpc_client_ca", ingress->grpc_client_ca,
			      "only by TLS there are certificates: write grpc_certificate and grpc_key");
	file_check(ingress->grpc_certificate, "grpc_certificate", section, report);
	file_check(ingress->grpc_key, "grpc_key", section, report);
	file_check(ingress->grpc_client_ca, "grpc_client_ca", section, report);
}

/* The first line of a file; NULL: the report has a fault more. */
static char *token_read(const struct section *section, struct report *report)
{
	auto_close int fd = open(section->token_file, O_RDONLY | O_CLOEXEC);
	char text[TOKEN_MAX + 2];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *wrong = NULL;
	struct stat st;
	size_t len;

	text[n < 0 ? 0 : n] = '\0';
	len = strcspn(text, "\r\n");
	text[len] = '\0';
	if (n < 0)
		wrong = strerror(errno);
	else if (!fstat(fd, &st) && st.st_mode & S_IRWXO)
		wrong = "every user may read it: chmod 0600 or 0640";
	else if (len < TOKEN_MIN || len > TOKEN_MAX)
		wrong = "its first line is the token: write 16 to 4096 characters";
	else if (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") != len)
		wrong = "a token has characters of A-Z a-z 0-9 - . _ ~ + / = only";
	if (wrong)
		ingress_fault(report, section, "token_file", section->token_file, wrong);
	return wrong ? NULL : strdup(text);
}

void caller_resolve_grpc(struct caller *caller, const struct section *section, const struct config *config,
			 struct report *report)
{
	const struct ingress_config *ingress = &config->ingress;

	if (!section->credentials && !section->token_file && !caller->certificate)
		report_add(report, section->file, section->line,
			   "[caller %s] lacks a key by which it is known: credentials, token_file or certificate", section->name);
	if (section->token_file)
		caller->token = token_read(section, report);
	if (section->token_file && ingress->grpc_listen && !ingress->grpc_certificate &&
	    !tcp_address_is_loopback(ingress->grpc_listen))
		ingress_fault(report, section, "token_file", section->token_file,
			      "whoever listens on the network would have it: write grpc_certificate and grpc_key, or a "
			      "loopback address as grpc_listen");
	if (caller->certificate && !ingress->grpc_client_ca)
		ingress_fault(report, section, "certificate", caller->certificate,
			      "write grpc_client_ca in [ingress]: who signs such certificates");
	for (const struct caller *other = config->callers; other != caller; other = other->next) {
		if (caller->certificate && other->certificate && !strcmp(caller->certificate, other->certificate))
			ingress_fault(report, section, "certificate", caller->certificate,
				      "another [caller NAME] has it: write another name");
		if (caller->token && other->token && !strcmp(caller->token, other->token))
			ingress_fault(report, section, "token_file", section->token_file,
				      "another [caller NAME] has the same token: write another one");
	}
}

/* Who serves a service must not depend on the order of files. */
void services_resolve(const struct function_config *function, const struct section *section,
		      const struct config *config, struct report *report)
{
	for (char **service = function->grpc_services; service && *service; service++) {
		for (const struct function_config *other = config->functions; other != function; other = other->next) {
			for (char **taken = other->grpc_services; taken && *taken; taken++) {
				if (!strcmp(*service, *taken))
					ingress_fault(report, section, "grpc_services", *service,
						      "another function serves it: name it in one of them");
			}
		}
	}
}

void config_ingress_free(struct config *config)
{
	struct caller *caller;

	while ((caller = config->callers)) {
		config->callers = caller->next;
		credentials_free(caller->credentials);
		if (caller->token)
			explicit_bzero(caller->token, strlen(caller->token));
		free(caller->token);
		free(caller->certificate);
		free(caller->name);
		free(caller);
	}
	free(config->ingress.listen);
	free(config->ingress.certificate);
	free(config->ingress.key);
	free(config->ingress.grpc_listen);
	free(config->ingress.grpc_certificate);
	free(config->ingress.grpc_key);
	free(config->ingress.grpc_client_ca);
	free(config->ingress.region);
}
