// SPDX-License-Identifier: GPL-2.0-only
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../../../backend/sigv4.h"
#include "store_client.h"

#define PATH_SIZE	600

static CURL *easy;
static struct sigv4_signer *signer;
static const char *store;
static const struct credentials credentials = {
	.access_key_id = (char *)"bench", .secret_access_key = (char *)"bench-secret",
};

void store_open(const char *host)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	easy = curl_easy_init();
	signer = sigv4_new();
	store = host;
}

/* path: of characters that no URL encodes. */
static void perform(const char *service, const char *method, const char *path, const char *hash)
{
	char url[1024], date[SIGV4_DATE_SIZE], line[1024] = "authorization: ", stamp[64], sum[128];
	struct text text = { .data = line + strlen(line), .cap = sizeof(line) - strlen(line) - 1 };
	struct sigv4_request request = {
		.method = method, .path = path, .path_as_sent = true, .query = "",
		.payload_hash = hash, .date = date, .region = "us-east-1", .service = service,
		.headers = (const struct sigv4_header[]){
			{ "host", store }, { "x-amz-content-sha256", hash }, { "x-amz-date", date },
		},
		.header_count = 3,
	};
	struct curl_slist *headers = NULL;
	CURLcode code;

	snprintf(url, sizeof(url), "http://%s%s", store, path);
	request.path_len = strlen(path);
	sigv4_date(date, time(NULL));
	if (sigv4_sign(signer, &credentials, &request, &text))
		exit(1);
	text.data[text.len] = '\0';
	snprintf(stamp, sizeof(stamp), "x-amz-date: %s", date);
	headers = curl_slist_append(headers, line);
	headers = curl_slist_append(headers, stamp);
	snprintf(sum, sizeof(sum), "x-amz-content-sha256: %s", hash);
	headers = curl_slist_append(headers, sum);
	/* The daemon asks for no leave before it sends, either. */
	headers = curl_slist_append(headers, "expect:");
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	code = curl_easy_perform(easy);
	curl_slist_free_all(headers);
	if (code) {
		fprintf(stderr, "%s: %s\n", url, curl_easy_strerror(code));
		exit(1);
	}
}

struct object {
	char *data;
	size_t len, cap;	/* of an upload: bytes sent, bytes in all */
};

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	struct object *object = arg;

	(void)size;
	if (n > object->cap - object->len)
		return 0;
	memcpy(object->data + object->len, data, n);
	object->len += n;
	return n;
}

static size_t give(char *data, size_t size, size_t n, void *arg)
{
	struct object *object = arg;

	n = n * size > object->cap - object->len ? object->cap - object->len : n * size;
	memcpy(data, object->data + object->len, n);
	object->len += n;
	return n;
}

static size_t drop(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

size_t store_get(const char *bucket, const char *key, void *buf, size_t cap)
{
	struct object object = { .data = buf, .cap = cap };
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/%s/%s", bucket, key);
	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &object);
	perform("s3", "GET", path, SIGV4_EMPTY_HASH);
	return object.len;
}

void store_put(const char *bucket, const char *key, const void *buf, size_t len)
{
	struct object object = { .data = (void *)buf, .cap = len };
	char path[PATH_SIZE], hash[SIGV4_HASH_HEX];

	snprintf(path, sizeof(path), "/%s/%s", bucket, key);
	sigv4_hash(buf, len, hash);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(easy, CURLOPT_READDATA, &object);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
	perform("s3", "PUT", path, hash);
}

size_t store_call(const char *function, const char *payload, size_t len, char *answer, size_t cap)
{
	struct object object = { .data = answer, .cap = cap };
	char path[PATH_SIZE], hash[SIGV4_HASH_HEX];

	snprintf(path, sizeof(path), "/2015-03-31/functions/%s/invocations", function);
	sigv4_hash(payload, len, hash);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, payload);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)len);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &object);
	perform("lambda", "POST", path, hash);
	return object.len;
}
