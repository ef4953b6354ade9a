// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "address.h"
#include "cleanup.h"
#include "config_list.h"

#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define UPPER	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"
#define NO_MEMORY "not enough memory"

char *list_word(char *copy, char **save)
{
	return strtok_r(copy, " \t,", save);
}

void list_free(char **list)
{
	for (char **item = list; item && *item; item++)
		free(*item);
	free(list);
}

static const char *list_parse(char ***list, const char *value, bool (*valid)(char *word), const char *remedy)
{
	auto_free char *copy = strdup(value);
	char **grown, *word, *save;
	size_t count = 0;

	while (*list && (*list)[count])
		count++;
	for (word = copy ? list_word(copy, &save) : NULL; word; word = list_word(NULL, &save)) {
		if (!valid(word))
			return remedy;
		grown = realloc(*list, (count + 2) * sizeof(*grown));
		if (!grown)
			return NO_MEMORY;
		*list = grown;
		grown[count] = strdup(word);
		if (!grown[count])
			return NO_MEMORY;
		grown[++count] = NULL;
	}
	return count ? NULL : remedy;
}

/* A name, or the beginning of names and a '*'; then maybe a key, likewise. */
static bool bucket_valid(char *word)
{
	size_t len = strspn(word, LOWER DIGITS ".-");
	bool whole = word[len] != '*';
	const char *key = word + len + !whole, *star;

	if (len > 63 || (whole && len < 3) || (*key && *key != '/'))
		return false;
	star = strchr(key, '*');
	return !*key || (key[1] && (!star || !star[1]));
}

const char *buckets_parse(void *field, const char *value)
{
	return list_parse(field, value, bucket_valid,
			  "write BUCKET or BUCKET/KEY, with spaces between them: buckets are names of 3 to 63 "
			  "characters of a-z 0-9 . -, or beginnings of names that end in *; keys may end in * too");
}

static bool operation_valid(char *word)
{
	size_t service = strspn(word, LOWER DIGITS "-");
	const char *action = word + service + 1;
	size_t len;

	if (!strcmp(word, "*"))
		return true;
	if (!service || word[service] != ':')
		return false;
	len = strspn(action, LOWER UPPER DIGITS "-");
	return action[len] ? !strcmp(action + len, "*") : len;
}

const char *operations_parse(void *field, const char *value)
{
	return list_parse(field, value, operation_valid,
			  "write SERVICE:ACTION with spaces between them, like s3:GetObject, s3:List*, "
			  "dynamodb:Query or http:GET; or * for all");
}

static bool service_valid(char *word)
{
	return strspn(word, LOWER UPPER DIGITS "_.") == strlen(word) && *word != '.';
}

const char *services_parse(void *field, const char *value)
{
	return list_parse(field, value, service_valid,
			  "write PACKAGE.SERVICE with spaces between them, as in the .proto file, like helloworld.Greeter");
}

/* [*.]NAME, * for all, or an address (IPv6 in brackets); then maybe :PORT, or :* for any. */
static bool host_valid(char *word)
{
	char *p = word, *end;

	for (char *c = word; *c; c++)
		*c = tolower((unsigned char)*c);
	if (*p == '[') {
		end = strchr(p, ']');
		if (!end || end == p + 1 || strspn(p + 1, DIGITS "abcdef:.") != (size_t)(end - p - 1))
			return false;
		p = end + 1;
	} else {
		if (*p == '*')
			p += p[1] == '.' ? 2 : 1;
		end = p + strspn(p, LOWER DIGITS "-_.");
		if (!strcmp(word, "*") || !strncmp(word, "*:", 2))
			;	/* every host */
		else if (end == p || *p == '.' || end[-1] == '.' || p[-(p > word)] == '*')
			return false;
		p = end;
	}
	if (!*p)
		return true;
	if (*p++ != ':')
		return false;
	if (!strcmp(p, "*"))
		return true;
	return strspn(p, DIGITS) == strlen(p) && strlen(p) <= 5 && atoi(p) > 0 && atoi(p) < 65536;
}

const char *hosts_parse(void *field, const char *value)
{
	return list_parse(field, value, host_valid,
			  "write HOST or HOST:PORT with spaces between them, like api.example.com, "
			  "*.example.org:8443 or [2001:db8::1]:*");
}

const char *networks_parse(void *field, const char *value)
{
	static const char remedy[] = "write networks with spaces between them, like 10.1.0.0/16 or fd00:1::/32";
	auto_free char *copy = strdup(value);
	struct networks *networks = field;
	struct network network, *grown;
	char *word, *save;

	for (word = copy ? list_word(copy, &save) : NULL; word; word = list_word(NULL, &save)) {
		if (network_parse(&network, word))
			return remedy;
		grown = realloc(networks->list, (networks->count + 1) * sizeof(*grown));
		if (!grown)
			return NO_MEMORY;
		networks->list = grown;
		grown[networks->count++] = network;
	}
	return networks->count ? NULL : remedy;
}
