// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "config.h"
#include "credentials.h"
#include "curlio.h"
#include "metadata.h"

#define ANSWER_MAX	65536	/* bytes */
#define TOKEN_MAX	4096
#define TIMEOUT_MS	5000L	/* of a request */
#define ROLES		"/latest/meta-data/iam/security-credentials/"

enum metadata_step {
	STEP_TOKEN,
	STEP_ROLE,
	STEP_KEYS,
};

struct metadata {
	struct curlio *io;
	const struct key_source *source;
	void (*done)(void *arg, struct credentials *credentials, const char *error);
	void *arg;
	enum metadata_step step;
	CURL *easy;
	struct curl_slist *headers;
	char *role;
	char token[TOKEN_MAX];
	size_t len;
	char answer[ANSWER_MAX];
};

/* Keys went through it. */
static void metadata_forget(struct metadata *metadata)
{
	explicit_bzero(metadata->answer, metadata->len);
	metadata->len = 0;
}

static void metadata_end_request(struct metadata *metadata)
{
	if (metadata->easy) {
		curlio_remove(metadata->io, metadata->easy);
		curl_easy_cleanup(metadata->easy);
	}
	metadata->easy = NULL;
	curl_slist_free_all(metadata->headers);
	metadata->headers = NULL;
}

void metadata_abort(struct metadata *metadata)
{
	if (!metadata)
		return;
	metadata_end_request(metadata);
	metadata_forget(metadata);
	explicit_bzero(metadata->token, sizeof(metadata->token));
	free(metadata->role);
	free(metadata);
}

static size_t metadata_write(char *data, size_t size, size_t n, void *arg)
{
	struct metadata *metadata = arg;

	if (size * n > ANSWER_MAX - metadata->len)
		return 0;
	memcpy(metadata->answer + metadata->len, data, size * n);
	metadata->len += size * n;
	return size * n;
}

static int metadata_header(struct metadata *metadata, const char *name, const char *value)
{
	auto_free char *line = NULL;
	struct curl_slist *list;

	if (asprintf(&line, "%s: %s", name, value) < 0)
		return -ENOMEM;
	list = curl_slist_append(metadata->headers, line);
	explicit_bzero(line, strlen(line));
	if (!list)
		return -ENOMEM;
	metadata->headers = list;
	return 0;
}

/* The first line of the file, which may change at any time. */
static int read_token(const char *path, char token[TOKEN_MAX])
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, token, TOKEN_MAX - 1);

	if (len < 0)
		return -errno;
	token[len] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	return 0;
}

/* What this step asks, into url; its headers. */
static int metadata_describe(struct metadata *metadata, char **url)
{
	const char *where = metadata->source->where;
	int len = strlen(where), ret = 0;

	while (len && where[len - 1] == '/' && metadata->source->kind == KEYS_IMDS)
		len--;
	if (metadata->source->kind == KEYS_CONTAINER) {
		*url = strdup(where);
		if (metadata->source->token_file)
			ret = read_token(metadata->source->token_file, metadata->token);
		if (!ret && *metadata->token)
			ret = metadata_header(metadata, "Authorization", metadata->token);
		return *url ? ret : -ENOMEM;
	}
	if (metadata->step == STEP_TOKEN) {
		if (asprintf(url, "%.*s/latest/api/token", len, where) < 0)
			return -ENOMEM;
		return metadata_header(metadata, "X-aws-ec2-metadata-token-ttl-seconds", "60");
	}
	if (asprintf(url, "%.*s" ROLES "%s", len, where, metadata->role ? metadata->role : "") < 0)
		return -ENOMEM;
	return metadata_header(metadata, "X-aws-ec2-metadata-token", metadata->token);
}

static int metadata_request(struct metadata *metadata)
{
	auto_free char *url = NULL;
	CURLcode code = CURLE_OK;
	CURL *easy;
	int ret;

	ret = metadata_describe(metadata, &url);
	if (ret)
		return ret;
	easy = metadata->easy = curl_easy_init();
	if (!easy)
		return -ENOMEM;
#define SET(option, value) (code = code ? code : curl_easy_setopt(easy, CURLOPT_##option, value))
	SET(URL, url);
	SET(PRIVATE, metadata);
	SET(WRITEFUNCTION, metadata_write);
	SET(WRITEDATA, metadata);
	SET(HTTPHEADER, metadata->headers);
	SET(NOSIGNAL, 1L);
	SET(PROXY, "");
	SET(PROTOCOLS_STR, "http,https");
	SET(TIMEOUT_MS, TIMEOUT_MS);
	SET(FORBID_REUSE, 1L);
	if (metadata->source->kind == KEYS_IMDS && metadata->step == STEP_TOKEN)
		SET(CUSTOMREQUEST, "PUT");
#undef SET
	metadata_forget(metadata);
	if (code || curlio_add(metadata->io, easy)) {
		/* Not in the multi handle yet. */
		curl_easy_cleanup(easy);
		metadata->easy = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* Take one line of the answer: a header's value, or a part of a path. */
static bool answer_line(const struct metadata *metadata, char *line, size_t size, const char *forbidden)
{
	size_t len = 0;

	while (len < metadata->len && metadata->answer[len] != '\n' && metadata->answer[len] != '\r')
		len++;
	if (!len || len >= size)
		return false;
	memcpy(line, metadata->answer, len);
	line[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		if (line[i] <= ' ' || line[i] >= 0x7f || strchr(forbidden, line[i]))
			return false;
	}
	return true;
}

/* The answer of a step that is not the last. What is wrong with it, or NULL. */
static const char *metadata_next(struct metadata *metadata)
{
	char role[256];

	if (metadata->step == STEP_TOKEN) {
		if (!answer_line(metadata, metadata->token, TOKEN_MAX, ""))
			return "the answer is no token";
	} else {
		if (!answer_line(metadata, role, sizeof(role), "/?#%"))
			return "the instance has no role";
		metadata->role = strdup(role);
		if (!metadata->role)
			return "out of memory";
	}
	metadata->step++;
	metadata_end_request(metadata);
	return metadata_request(metadata) ? "out of memory" : NULL;
}

void metadata_done(CURL *easy, CURLcode code)
{
	struct credentials *credentials = NULL;
	const char *wrong = NULL;
	struct metadata *metadata;
	char error[256], status[32];
	long http = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &metadata);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http);
	if (code) {
		wrong = curl_easy_strerror(code);
	} else if (http != 200) {
		snprintf(status, sizeof(status), "HTTP status %ld", http);
		wrong = status;
	} else if (metadata->step < STEP_KEYS) {
		wrong = metadata_next(metadata);
		if (!wrong)
			return;
	} else {
		credentials_parse(&credentials, metadata->answer, metadata->len, &wrong);
	}
	snprintf(error, sizeof(error), "%.150s: %s", metadata->source->where, wrong ? wrong : "");
	metadata->done(metadata->arg, credentials, error);
	metadata_abort(metadata);
}

struct metadata *metadata_ask(struct curlio *io, const struct key_source *source,
			      void (*done)(void *arg, struct credentials *credentials, const char *error),
			      void *arg)
{
	struct metadata *metadata = calloc(1, sizeof(*metadata));

	if (!metadata)
		return NULL;
	metadata->io = io;
	metadata->source = source;
	metadata->done = done;
	metadata->arg = arg;
	metadata->step = source->kind == KEYS_IMDS ? STEP_TOKEN : STEP_KEYS;
	if (metadata_request(metadata)) {
		metadata_abort(metadata);
		return NULL;
	}
	return metadata;
}
