// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
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

/* Other keys and profiles belong to other tools: the file may be shared. */
static void credentials_key(struct inifile *ini, const char *name, const char *value)
{
	struct credentials_reader *reader = container_of(ini, struct credentials_reader, ini);
	char **field;

	if (!reader->here)
		return;
	if (!strcasecmp(name, "aws_access_key_id"))
		field = &reader->credentials->access_key_id;
	else if (!strcasecmp(name, "aws_secret_access_key"))
		field = &reader->credentials->secret_access_key;
	else if (!strcasecmp(name, "aws_session_token"))
		field = &reader->credentials->session_token;
	else
		return;
	if (!*value)
		return;
	free(*field);
	*field = strdup(value);
}

int credentials_read(struct credentials *credentials, const char *path, const char *profile,
		     struct report *report)
{
	struct credentials_reader reader = {
		.ini = { credentials_section, credentials_key, report, path, 0, NULL },
		.profile = profile,
		.credentials = credentials,
	};
	struct stat st;

	if (!stat(path, &st) && st.st_mode & S_IRWXO) {
		report_add(report, path, 0, "mode %04o lets every user in: chmod 0600 or 0640",
			   st.st_mode & 07777);
		return -EINVAL;
	}
	if (inifile_read(&reader.ini))
		return -EINVAL;
	if (!reader.found)
		report_add(report, path, 0, "no profile [%s]", profile);
	else if (!credentials->access_key_id)
		report_add(report, path, 0, "profile [%s] lacks aws_access_key_id", profile);
	else if (!credentials->secret_access_key)
		report_add(report, path, 0, "profile [%s] lacks aws_secret_access_key", profile);
	else
		return 0;
	return -EINVAL;
}

static void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
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
