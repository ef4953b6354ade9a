// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request signs a few hundred bytes: the contexts of OpenSSL 3's EVP, allocated
 * and copied for each hash, cost several times the hashing itself. Hence the plain
 * SHA256_CTX, which is a struct that an assignment copies.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "sigv4.h"
#include "uri.h"

#define HASH_SIZE	SHA256_DIGEST_LENGTH
#define BLOCK_SIZE	SHA256_CBLOCK
#define DAY_LEN		8	/* YYYYMMDD */
#define PATH_MAX_SIGNED	16384

/* HMAC-SHA256 under one key: what both of its hashes are after the key's block (RFC 2104). */
struct hmac {
	SHA256_CTX inner, outer;
};

struct sigv4_signer {
	struct hmac signing;	/* the signing key of the fields below */
	bool derived;		/* signing is usable */
	char day[DAY_LEN + 1];
	char *access_key_id, *secret, *region, *service;
};

static void sigv4_forget(struct sigv4_signer *signer)
{
	signer->derived = false;
	OPENSSL_cleanse(&signer->signing, sizeof(signer->signing));
	if (signer->secret)
		OPENSSL_cleanse(signer->secret, strlen(signer->secret));
	free(signer->access_key_id);
	free(signer->secret);
	free(signer->region);
	free(signer->service);
	signer->access_key_id = signer->secret = signer->region = signer->service = NULL;
}

void sigv4_free(struct sigv4_signer *signer)
{
	if (!signer)
		return;
	sigv4_forget(signer);
	free(signer);
}

struct sigv4_signer *sigv4_new(void)
{
	return calloc(1, sizeof(struct sigv4_signer));
}

void sigv4_date(char date[SIGV4_DATE_SIZE], time_t t)
{
	static _Thread_local char last_date[SIGV4_DATE_SIZE];
	static _Thread_local time_t last_t = -1;
	struct tm tm;

	/* Many requests share a second. */
	if (t != last_t) {
		gmtime_r(&t, &tm);
		strftime(last_date, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm);
		last_t = t;
	}
	memcpy(date, last_date, SIGV4_DATE_SIZE);
}

static void hash_to_hex(const unsigned char hash[HASH_SIZE], char hex[SIGV4_HASH_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < HASH_SIZE; i++) {
		hex[2 * i] = digits[hash[i] >> 4];
		hex[2 * i + 1] = digits[hash[i] & 15];
	}
	hex[2 * HASH_SIZE] = '\0';
}

static void digest_end(SHA256_CTX *digest, char hex[SIGV4_HASH_HEX])
{
	unsigned char hash[HASH_SIZE];

	SHA256_Final(hash, digest);
	hash_to_hex(hash, hex);
}

void sigv4_hash(const void *data, size_t len, char hex[SIGV4_HASH_HEX])
{
	unsigned char hash[HASH_SIZE];

	SHA256(data, len, hash);
	hash_to_hex(hash, hex);
}

static void hmac_key(struct hmac *hmac, const void *key, size_t len)
{
	unsigned char block[BLOCK_SIZE] = { 0 };

	if (len > BLOCK_SIZE)
		SHA256(key, len, block);
	else
		memcpy(block, key, len);
	for (size_t i = 0; i < BLOCK_SIZE; i++)
		block[i] ^= 0x36;
	SHA256_Init(&hmac->inner);
	SHA256_Update(&hmac->inner, block, BLOCK_SIZE);
	for (size_t i = 0; i < BLOCK_SIZE; i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&hmac->outer);
	SHA256_Update(&hmac->outer, block, BLOCK_SIZE);
	OPENSSL_cleanse(block, sizeof(block));
}

/* inner: hmac->inner, after the text. */
static void hmac_end(const struct hmac *hmac, SHA256_CTX *inner, unsigned char hash[HASH_SIZE])
{
	SHA256_CTX outer = hmac->outer;

	SHA256_Final(hash, inner);
	SHA256_Update(&outer, hash, HASH_SIZE);
	SHA256_Final(hash, &outer);
}

/* One step of the derivation: key = HMAC(key, text). */
static void derive_step(unsigned char *key, size_t key_len, const char *text, size_t len)
{
	SHA256_CTX inner;
	struct hmac hmac;

	hmac_key(&hmac, key, key_len);
	inner = hmac.inner;
	SHA256_Update(&inner, text, len);
	hmac_end(&hmac, &inner, key);
	OPENSSL_cleanse(&hmac, sizeof(hmac));
}

static bool sigv4_is_derived(const struct sigv4_signer *signer, const struct credentials *credentials,
			     const struct sigv4_request *request)
{
	return signer->derived && !memcmp(signer->day, request->date, DAY_LEN) &&
	       !strcmp(signer->access_key_id, credentials->access_key_id) &&
	       !strcmp(signer->secret, credentials->secret_access_key) &&
	       !strcmp(signer->region, request->region) && !strcmp(signer->service, request->service);
}

static int sigv4_derive(struct sigv4_signer *signer, const struct credentials *credentials,
			const struct sigv4_request *request)
{
	size_t secret_len = strlen(credentials->secret_access_key);
	size_t size = secret_len + 4 > HASH_SIZE ? secret_len + 4 : HASH_SIZE;
	unsigned char *key;

	sigv4_forget(signer);
	key = OPENSSL_malloc(size);
	if (!key)
		return -ENOMEM;
	memcpy(key, "AWS4", 4);
	memcpy(key + 4, credentials->secret_access_key, secret_len);
	derive_step(key, secret_len + 4, request->date, DAY_LEN);
	derive_step(key, HASH_SIZE, request->region, strlen(request->region));
	derive_step(key, HASH_SIZE, request->service, strlen(request->service));
	derive_step(key, HASH_SIZE, "aws4_request", 12);
	hmac_key(&signer->signing, key, HASH_SIZE);
	OPENSSL_clear_free(key, size);
	memcpy(signer->day, request->date, DAY_LEN);
	signer->access_key_id = strdup(credentials->access_key_id);
	signer->secret = strdup(credentials->secret_access_key);
	signer->region = strdup(request->region);
	signer->service = strdup(request->service);
	if (!signer->access_key_id || !signer->secret || !signer->region || !signer->service) {
		sigv4_forget(signer);
		return -ENOMEM;
	}
	signer->derived = true;
	return 0;
}

/* A stable sort: values of a repeated header keep their order. */
static void sort_headers(const struct sigv4_request *request, const struct sigv4_header **sorted)
{
	size_t i, j;

	for (i = 0; i < request->header_count; i++) {
		for (j = i; j > 0 && strcmp(sorted[j - 1]->name, request->headers[i].name) > 0; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = &request->headers[i];
	}
}

static void digest_puts(SHA256_CTX *digest, const char *s)
{
	SHA256_Update(digest, s, strlen(s));
}

/* The value without outer blanks and with each inner run of blanks as one space. */
static void digest_value(SHA256_CTX *digest, const char *value)
{
	bool first = true;
	size_t len = strlen(value);

	if (!memchr(value, ' ', len) && !memchr(value, '\t', len)) {
		SHA256_Update(digest, value, len);
		return;
	}
	for (;;) {
		value += strspn(value, " \t");
		len = strcspn(value, " \t");
		if (!len)
			return;
		if (!first)
			SHA256_Update(digest, " ", 1);
		SHA256_Update(digest, value, len);
		value += len;
		first = false;
	}
}

static void digest_headers(SHA256_CTX *digest, const struct sigv4_header **sorted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i && !strcmp(sorted[i]->name, sorted[i - 1]->name)) {
			SHA256_Update(digest, ",", 1);
		} else {
			SHA256_Update(digest, "\n", i ? 1 : 0);
			digest_puts(digest, sorted[i]->name);
			SHA256_Update(digest, ":", 1);
		}
		digest_value(digest, sorted[i]->value);
	}
	SHA256_Update(digest, "\n\n", 2);
}

static int digest_path(SHA256_CTX *digest, const struct sigv4_request *request)
{
	auto_free char *plain = NULL, *encoded = NULL;
	struct text normal, twice;

	if (request->path_as_sent) {
		SHA256_Update(digest, request->path, request->path_len);
		return 0;
	}
	if (request->path_len > PATH_MAX_SIGNED)
		return -E2BIG;
	plain = malloc(request->path_len + 1);
	encoded = malloc(3 * (request->path_len + 1));
	if (!plain || !encoded)
		return -ENOMEM;
	normal = (struct text){ .data = plain, .cap = request->path_len + 1 };
	twice = (struct text){ .data = encoded, .cap = 3 * (request->path_len + 1) };
	uri_normalize(&normal, request->path, request->path_len);
	uri_encode(&twice, normal.data, normal.len, '/');
	SHA256_Update(digest, twice.data, twice.len);
	return 0;
}

static void write_signed_headers(struct text *out, const struct sigv4_header **sorted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i && !strcmp(sorted[i]->name, sorted[i - 1]->name))
			continue;
		if (i)
			text_putc(out, ';');
		text_puts(out, sorted[i]->name);
	}
}

/* The canonical request is hashed piece by piece and never exists as a whole. */
static int digest_request(const struct sigv4_request *request, const struct sigv4_header **sorted,
			  const struct text *names, char hex[SIGV4_HASH_HEX])
{
	SHA256_CTX digest;
	int ret;

	SHA256_Init(&digest);
	digest_puts(&digest, request->method);
	SHA256_Update(&digest, "\n", 1);
	ret = digest_path(&digest, request);
	if (ret)
		return ret;
	SHA256_Update(&digest, "\n", 1);
	SHA256_Update(&digest, request->query, request->query_len);
	SHA256_Update(&digest, "\n", 1);
	digest_headers(&digest, sorted, request->header_count);
	SHA256_Update(&digest, names->data, names->len);
	SHA256_Update(&digest, "\n", 1);
	digest_puts(&digest, request->payload_hash);
	digest_end(&digest, hex);
	return 0;
}

/* HMAC of the string to sign. */
static void sigv4_mac(const struct sigv4_signer *signer, const struct sigv4_request *request,
		      const char *request_hash, char hex[SIGV4_HASH_HEX])
{
	SHA256_CTX mac = signer->signing.inner;
	unsigned char hash[HASH_SIZE];

	digest_puts(&mac, "AWS4-HMAC-SHA256\n");
	SHA256_Update(&mac, request->date, SIGV4_DATE_SIZE - 1);
	SHA256_Update(&mac, "\n", 1);
	SHA256_Update(&mac, request->date, DAY_LEN);
	SHA256_Update(&mac, "/", 1);
	digest_puts(&mac, request->region);
	SHA256_Update(&mac, "/", 1);
	digest_puts(&mac, request->service);
	digest_puts(&mac, "/aws4_request\n");
	SHA256_Update(&mac, request_hash, SIGV4_HASH_HEX - 1);
	hmac_end(&signer->signing, &mac, hash);
	hash_to_hex(hash, hex);
}

int sigv4_sign(struct sigv4_signer *signer, const struct credentials *credentials,
	       const struct sigv4_request *request, struct text *out)
{
	const struct sigv4_header *sorted[SIGV4_HEADERS_MAX];
	char request_hash[SIGV4_HASH_HEX], signature[SIGV4_HASH_HEX];
	struct text names;
	int ret;

	if (request->header_count > SIGV4_HEADERS_MAX)
		return -E2BIG;
	if (!sigv4_is_derived(signer, credentials, request)) {
		ret = sigv4_derive(signer, credentials, request);
		if (ret)
			return ret;
	}
	sort_headers(request, sorted);
	text_puts(out, "AWS4-HMAC-SHA256 Credential=");
	text_puts(out, credentials->access_key_id);
	text_putc(out, '/');
	text_add(out, request->date, DAY_LEN);
	text_putc(out, '/');
	text_puts(out, request->region);
	text_putc(out, '/');
	text_puts(out, request->service);
	text_puts(out, "/aws4_request, SignedHeaders=");
	names = (struct text){ .data = out->data + out->len, .cap = out->cap - out->len };
	write_signed_headers(&names, sorted, request->header_count);
	out->len += names.len;
	out->overflow |= names.overflow;
	ret = digest_request(request, sorted, &names, request_hash);
	if (ret)
		return ret;
	sigv4_mac(signer, request, request_hash, signature);
	text_puts(out, ", Signature=");
	text_puts(out, signature);
	return 0;
}
