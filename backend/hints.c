// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "hints.h"

#define EVENT_MAX	(256U << 10)	/* bytes: larger events carry data, not names */

static void json_cleanup(json_t **json)
{
	json_decref(*json);
}

static bool hint_known(const struct hints *hints, const char *bucket, const char *key)
{
	for (unsigned int i = 0; i < hints->count; i++)
		if (!strcmp(hints->list[i].bucket, bucket) && !strcmp(hints->list[i].key, key))
			return true;
	return false;
}

/* Takes none of the strings over. etag: without quotes, or NULL. */
static void hint_add(struct hints *hints, const char *bucket, const char *key, const char *etag, const char *version)
{
	struct hint hint = { 0 };

	if (!*bucket || !*key || hints->count == HINTS_MAX || hint_known(hints, bucket, key))
		return;
	hint.bucket = strdup(bucket);
	hint.key = strdup(key);
	if (etag && asprintf(&hint.if_match, "\"%s\"", etag) < 0)
		hint.if_match = NULL;
	if (version)
		hint.version_id = strdup(version);
	if (hint.bucket && hint.key && !hint.if_match == !etag && !hint.version_id == !version) {
		hints->list[hints->count++] = hint;
		return;
	}
	free(hint.bucket);
	free(hint.key);
	free(hint.if_match);
	free(hint.version_id);
}

static int hex_value(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. plus: '+' stands for a blank, as S3 writes keys in its notifications. False: no such encoding. */
static bool percent_decode(char *text, bool plus)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		int high, low;

		if (*p != '%') {
			*out++ = plus && *p == '+' ? ' ' : *p;
			continue;
		}
		high = hex_value(p[1]);
		low = high < 0 ? -1 : hex_value(p[2]);
		if (low < 0 || !(high | low))
			return false;
		*out++ = high << 4 | low;
		p += 2;
	}
	*out = '\0';
	return true;
}

/* ---- events ---- */

/* ObjectCreated:* of S3's event notifications. */
static void hints_from_record(struct hints *hints, json_t *record)
{
	json_t *s3 = json_object_get(record, "s3"), *object = json_object_get(s3, "object");
	const char *name = json_string_value(json_object_get(record, "eventName"));
	const char *bucket = json_string_value(json_object_get(json_object_get(s3, "bucket"), "name"));
	const char *encoded = json_string_value(json_object_get(object, "key"));
	auto_free char *key = encoded ? strdup(encoded) : NULL;

	if (!bucket || !key || (name && strncmp(name, "ObjectCreated:", 14)))
		return;
	if (percent_decode(key, true))
		hint_add(hints, bucket, key, json_string_value(json_object_get(object, "eTag")),
			 json_string_value(json_object_get(object, "versionId")));
}

/* One reference token of a JSON pointer, unescaped, at *p, which moves behind it. False: too long or wrong. */
static bool pointer_token(const char **p, char *token, size_t size)
{
	size_t len = 0;

	for ((*p)++; **p && **p != '/'; (*p)++) {
		char c = **p;

		if (c == '~') {
			(*p)++;
			if (**p != '0' && **p != '1')
				return false;
			c = **p == '0' ? '~' : '/';
		}
		if (len + 1 >= size)
			return false;
		token[len++] = c;
	}
	token[len] = '\0';
	return true;
}

static const char *pointer_get(json_t *json, const char *pointer)
{
	char token[256], *end;

	if (*pointer != '/')
		return pointer;
	while (json && *pointer == '/') {
		if (!pointer_token(&pointer, token, sizeof(token)))
			return NULL;
		if (json_is_array(json))
			json = isdigit((unsigned char)*token) ? json_array_get(json, strtoul(token, &end, 10)) : NULL;
		else
			json = json_object_get(json, token);
	}
	return json_string_value(json);
}

void hints_from_event(struct hints *hints, const char *event, size_t len, const struct hint_rule *rules)
{
	__attribute__((cleanup(json_cleanup))) json_t *json = NULL;
	json_t *record;
	size_t index;

	/* Most events name nothing: look before parsing. */
	if (len > EVENT_MAX || (!rules && !memmem(event, len, "\"s3\"", 4)))
		return;
	json = json_loadb(event, len, 0, NULL);
	json_array_foreach(json_object_get(json, "Records"), index, record)
		hints_from_record(hints, record);
	for (; json && rules; rules = rules->next) {
		const char *bucket = pointer_get(json, rules->bucket), *key = pointer_get(json, rules->key);

		if (bucket && key)
			hint_add(hints, bucket, key, NULL, NULL);
	}
}

/* ---- the header ---- */

void hints_from_header(struct hints *hints, const char *value)
{
	auto_free char *copy = strdup(value);
	char *save, *url, *slash;

	for (url = copy ? strtok_r(copy, ", \t", &save) : NULL; url; url = strtok_r(NULL, ", \t", &save)) {
		if (strncmp(url, "s3://", 5))
			continue;
		slash = strchr(url + 5, '/');
		if (!slash)
			continue;
		*slash = '\0';
		if (percent_decode(slash + 1, false))
			hint_add(hints, url + 5, slash + 1, NULL, NULL);
	}
}

void hints_clear(struct hints *hints)
{
	for (unsigned int i = 0; i < hints->count; i++) {
		free(hints->list[i].bucket);
		free(hints->list[i].key);
		free(hints->list[i].if_match);
		free(hints->list[i].version_id);
	}
	hints->count = 0;
}
