// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "config.h"
#include "container.h"
#include "credentials.h"
#include "inifile.h"

struct credentials_reader {
	struct inifile ini;
	const char *profile;
	struct credentials *credentials;
	bool here;		/* within the profile */
	bool found;
};

static void credentials_section(struct inifile *ini, const char *name)
{
	struct credentials_reader *reader = container_of(ini, struct credentials_reader, ini);

	reader->here = !strcmp(name, reader->profile);
	reader->found |= reader->here;
}

static void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

/* A shell's quotes. */
static char *unquote(const char *value)
{
	size_t len = strlen(value);

	if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value)
		return strndup(value + 1, len - 2);
	return strdup(value);
}

/* Other keys and profiles belong to other tools: the file may be shared. */
static void credentials_key(struct inifile *ini, const char *name, const char *value)
{
	struct credentials_reader *reader = container_of(ini, struct credentials_reader, ini);
	char **field, *text;

	if (!reader->here)
		return;
	if (!strncmp(name, "export ", 7))
		name += 7 + strspn(name + 7, " ");
	if (!strcasecmp(name, "aws_access_key_id"))
		field = &reader->credentials->access_key_id;
	else if (!strcasecmp(name, "aws_secret_access_key"))
		field = &reader->credentials->secret_access_key;
	else if (!strcasecmp(name, "aws_session_token"))
		field = &reader->credentials->session_token;
	else
		return;
	reader->found = true;
	text = unquote(value);
	secret_free(*field);
	*field = text && *text ? text : NULL;
	if (!*field)
		free(text);
}

int credentials_read(struct credentials **out, const struct key_source *source, struct report *report)
{
	const char *path = source->where, *profile = source->profile ? source->profile : "default";
	struct credentials *credentials = calloc(1, sizeof(*credentials));
	struct credentials_reader reader = {
		.ini = { credentials_section, credentials_key, report, path, 0, NULL },
		.profile = profile,
		.credentials = credentials,
		.here = !source->profile,	/* variables of an environment stand in no section */
	};
	struct stat st;

	*out = NULL;
	if (!credentials)
		return -EINVAL;
	if (!stat(path, &st) && st.st_mode & S_IRWXO)
		report_add(report, path, 0, "mode %04o lets every user in: chmod 0600 or 0640", st.st_mode & 07777);
	else if (inifile_read(&reader.ini))
		;	/* it told the report */
	else if (!reader.found)
		report_add(report, path, 0, "no profile [%s]", profile);
	else if (!credentials->access_key_id)
		report_add(report, path, 0, "profile [%s] lacks aws_access_key_id", profile);
	else if (!credentials->secret_access_key)
		report_add(report, path, 0, "profile [%s] lacks aws_secret_access_key", profile);
	else
		*out = credentials;
	if (*out)
		return 0;
	credentials_free(credentials);
	return -EINVAL;
}

static char *json_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && *text ? strdup(text) : NULL;
}

int credentials_parse(struct credentials **out, const char *text, size_t len, const char **reason)
{
	json_t *object = json_loadb(text, len, 0, NULL);
	const char *expiration = json_string_value(json_object_get(object, "Expiration"));
	struct credentials *credentials = calloc(1, sizeof(*credentials));
	struct tm tm = { 0 };
	const char *end;

	*out = NULL;
	*reason = NULL;
	if (credentials) {
		credentials->access_key_id = json_text(object, "AccessKeyId");
		credentials->secret_access_key = json_text(object, "SecretAccessKey");
		credentials->session_token = json_text(object, "Token");
	}
	end = expiration ? strptime(expiration, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	if (!object)
		*reason = "no JSON";
	else if (!credentials || !credentials->access_key_id || !credentials->secret_access_key)
		*reason = "no AccessKeyId or no SecretAccessKey";
	else if (!end || (strcmp(end, "Z") && *end != '.'))
		*reason = "no Expiration in UTC";
	json_decref(object);
	if (*reason) {
		credentials_free(credentials);
		return -EINVAL;
	}
	credentials->expires = timegm(&tm);
	*out = credentials;
	return 0;
}

void credentials_free(struct credentials *credentials)
{
	if (!credentials)
		return;
	free(credentials->access_key_id);
	secret_free(credentials->secret_access_key);
	secret_free(credentials->session_token);
	free(credentials);
}
