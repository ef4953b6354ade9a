// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request signs a few hundred bytes: the contexts of OpenSSL 3's EVP, allocated
 * and copied for each hash, cost several times the hashing itself. Hence the plain
 * SHA256_CTX, which is a struct that an assignment copies.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <endian.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "sigv4.h"
#include "uri.h"

#define HASH_SIZE	SHA256_DIGEST_LENGTH
#define BLOCK_SIZE	SHA256_CBLOCK
#define PIECES_SIZE	(8 * BLOCK_SIZE)
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
	char *scope;		/* "DAY/REGION/SERVICE/aws4_request" */
	size_t scope_len;
};

/*
 * A hash of many small pieces, each update of which would cost as much as hashing a block: the
 * context only ever meets whole blocks, the last of them padded here.
 */
struct digest {
	SHA256_CTX context;
	size_t len;				/* at most PIECES_SIZE */
	unsigned char pieces[PIECES_SIZE + BLOCK_SIZE];
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
	free(signer->scope);
	signer->access_key_id = signer->secret = signer->region = signer->service = signer->scope = NULL;
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

/* Half a hash at a time: its digits, each in a byte of its own, become characters together. */
static void hash_to_hex(const unsigned char hash[HASH_SIZE], char hex[SIGV4_HASH_HEX])
{
	typedef unsigned char bytes __attribute__((vector_size(HASH_SIZE / 2)));
	static const bytes first = { 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23 };
	static const bytes second = { 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31 };
	bytes half, digits[2];

	for (size_t i = 0; i < HASH_SIZE; i += sizeof(half)) {
		memcpy(&half, hash + i, sizeof(half));
		digits[0] = __builtin_shuffle(half >> 4, half & 15, first);
		digits[1] = __builtin_shuffle(half >> 4, half & 15, second);
		for (int n = 0; n < 2; n++)
			digits[n] += '0' + ((bytes)(digits[n] > 9) & ('a' - '0' - 10));
		memcpy(hex + 2 * i, digits, sizeof(digits));
	}
	hex[2 * HASH_SIZE] = '\0';
}

static void digest_begin(struct digest *digest, const SHA256_CTX *from)
{
	digest->context = *from;
	digest->len = 0;
}

static void digest_add(struct digest *digest, const void *data, size_t len)
{
	size_t room = PIECES_SIZE - digest->len;

	for (; len > room; data = (const char *)data + room, len -= room, room = PIECES_SIZE) {
		memcpy(digest->pieces + digest->len, data, room);
		SHA256_Update(&digest->context, digest->pieces, PIECES_SIZE);
		digest->len = 0;
	}
	memcpy(digest->pieces + digest->len, data, len);
	digest->len += len;
}

static inline void digest_putc(struct digest *digest, char c)
{
	if (digest->len == PIECES_SIZE)
		digest_add(digest, &c, 1);
	else
		digest->pieces[digest->len++] = c;
}

static void digest_puts(struct digest *digest, const char *s)
{
	digest_add(digest, s, strlen(s));
}

/* The padding (FIPS 180-4, 5.1.1): a bit, zeros up to a block's end, and there the length in bits. */
static void digest_end(struct digest *digest, unsigned char hash[HASH_SIZE])
{
	size_t len = (digest->len + 8) / BLOCK_SIZE * BLOCK_SIZE + BLOCK_SIZE;
	uint64_t bits = htobe64(((uint64_t)digest->context.Nh << 32 | digest->context.Nl) + 8 * digest->len);
	uint32_t word;

	digest->pieces[digest->len] = 0x80;
	memset(digest->pieces + digest->len + 1, 0, len - digest->len - 1);
	memcpy(digest->pieces + len - sizeof(bits), &bits, sizeof(bits));
	SHA256_Update(&digest->context, digest->pieces, len);
	for (size_t i = 0; i < HASH_SIZE / sizeof(word); i++) {
		word = htobe32(digest->context.h[i]);
		memcpy(hash + i * sizeof(word), &word, sizeof(word));
	}
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

/* inner: began with hmac->inner, then the text. */
static void hmac_end(const struct hmac *hmac, struct digest *inner, unsigned char hash[HASH_SIZE])
{
	digest_end(inner, hash);
	digest_begin(inner, &hmac->outer);
	digest_add(inner, hash, HASH_SIZE);
	digest_end(inner, hash);
}

/* One step of the derivation: key = HMAC(key, text). */
static void derive_step(unsigned char *key, size_t key_len, const char *text, size_t len)
{
	struct digest inner;
	struct hmac hmac;

	hmac_key(&hmac, key, key_len);
	digest_begin(&inner, &hmac.inner);
	digest_add(&inner, text, len);
	hmac_end(&hmac, &inner, key);
	OPENSSL_cleanse(&hmac, sizeof(hmac));
	OPENSSL_cleanse(&inner, sizeof(inner));
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
	int ret;

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
	ret = asprintf(&signer->scope, "%s/%s/%s/aws4_request", signer->day, request->region, request->service);
	if (ret < 0)
		signer->scope = NULL;
	signer->scope_len = ret;
	if (!signer->access_key_id || !signer->secret || !signer->region || !signer->service || !signer->scope) {
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

/* The value without outer blanks and with each inner run of blanks as one space. */
static void digest_value(struct digest *digest, const char *value)
{
	bool first = true;
	size_t len = strcspn(value, " \t");

	if (!value[len]) {
		digest_add(digest, value, len);
		return;
	}
	for (;;) {
		value += strspn(value, " \t");
		len = strcspn(value, " \t");
		if (!len)
			return;
		if (!first)
			digest_putc(digest, ' ');
		digest_add(digest, value, len);
		value += len;
		first = false;
	}
}

static void digest_headers(struct digest *digest, const struct sigv4_header **sorted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i && !strcmp(sorted[i]->name, sorted[i - 1]->name)) {
			digest_putc(digest, ',');
		} else {
			if (i)
				digest_putc(digest, '\n');
			digest_puts(digest, sorted[i]->name);
			digest_putc(digest, ':');
		}
		digest_value(digest, sorted[i]->value);
	}
	digest_putc(digest, '\n');
	digest_putc(digest, '\n');
}

static int digest_path(struct digest *digest, const struct sigv4_request *request)
{
	auto_free char *plain = NULL, *encoded = NULL;
	struct text normal, twice;

	if (request->path_as_sent) {
		digest_add(digest, request->path, request->path_len);
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
	digest_add(digest, twice.data, twice.len);
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
	unsigned char hash[HASH_SIZE];
	struct digest digest;
	SHA256_CTX empty;
	int ret;

	SHA256_Init(&empty);
	digest_begin(&digest, &empty);
	digest_puts(&digest, request->method);
	digest_putc(&digest, '\n');
	ret = digest_path(&digest, request);
	if (ret)
		return ret;
	digest_putc(&digest, '\n');
	digest_add(&digest, request->query, request->query_len);
	digest_putc(&digest, '\n');
	digest_headers(&digest, sorted, request->header_count);
	digest_add(&digest, names->data, names->len);
	digest_putc(&digest, '\n');
	digest_puts(&digest, request->payload_hash);
	digest_end(&digest, hash);
	hash_to_hex(hash, hex);
	return 0;
}

/* HMAC of the string to sign. */
static void sigv4_mac(const struct sigv4_signer *signer, const struct sigv4_request *request,
		      const char *request_hash, char hex[SIGV4_HASH_HEX])
{
	unsigned char hash[HASH_SIZE];
	struct digest mac;

	digest_begin(&mac, &signer->signing.inner);
	digest_puts(&mac, "AWS4-HMAC-SHA256\n");
	digest_add(&mac, request->date, SIGV4_DATE_SIZE - 1);
	digest_putc(&mac, '\n');
	digest_add(&mac, signer->scope, signer->scope_len);
	digest_putc(&mac, '\n');
	digest_add(&mac, request_hash, SIGV4_HASH_HEX - 1);
	hmac_end(&signer->signing, &mac, hash);
	hash_to_hex(hash, hex);
}

void sigv4_write_scope(struct text *out, const struct credentials *credentials, const struct sigv4_request *request)
{
	text_puts(out, credentials->access_key_id);
	text_putc(out, '/');
	text_add(out, request->date, DAY_LEN);
	text_putc(out, '/');
	text_puts(out, request->region);
	text_putc(out, '/');
	text_puts(out, request->service);
	text_puts(out, "/aws4_request");
}

static int sigv4_ready(struct sigv4_signer *signer, const struct credentials *credentials,
		       const struct sigv4_request *request)
{
	if (request->header_count > SIGV4_HEADERS_MAX)
		return -E2BIG;
	return sigv4_is_derived(signer, credentials, request) ? 0 : sigv4_derive(signer, credentials, request);
}

int sigv4_sign(struct sigv4_signer *signer, const struct credentials *credentials,
	       const struct sigv4_request *request, struct text *out)
{
	const struct sigv4_header *sorted[SIGV4_HEADERS_MAX];
	char request_hash[SIGV4_HASH_HEX], signature[SIGV4_HASH_HEX];
	struct text names;
	int ret;

	ret = sigv4_ready(signer, credentials, request);
	if (ret)
		return ret;
	sort_headers(request, sorted);
	text_puts(out, "AWS4-HMAC-SHA256 Credential=");
	text_puts(out, credentials->access_key_id);
	text_putc(out, '/');
	text_add(out, signer->scope, signer->scope_len);
	text_puts(out, ", SignedHeaders=");
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

/* NUL-terminated; too long a text shows in out->overflow. */
static const char *text_end(struct text *out)
{
	text_putc(out, '\0');
	return out->data;
}

int sigv4_presign(struct sigv4_signer *signer, const struct credentials *credentials,
		  const struct sigv4_request *request, const struct uri_param *params, size_t param_count,
		  unsigned int expires_s, struct text *out)
{
	const struct sigv4_header *sorted[SIGV4_HEADERS_MAX];
	char scope_data[512], names_data[4096], expires[16], request_hash[SIGV4_HASH_HEX], signature[SIGV4_HASH_HEX];
	struct text scope = { .data = scope_data, .cap = sizeof(scope_data) };
	struct text names = { .data = names_data, .cap = sizeof(names_data) };
	struct sigv4_request presigned = *request;
	struct uri_param all[URI_PARAMS_MAX];
	size_t count = 0;
	int ret;

	ret = sigv4_ready(signer, credentials, request);
	if (ret)
		return ret;
	if (param_count + 6 > URI_PARAMS_MAX)
		return -E2BIG;
	sort_headers(request, sorted);
	write_signed_headers(&names, sorted, request->header_count);
	sigv4_write_scope(&scope, credentials, request);
	snprintf(expires, sizeof(expires), "%u", expires_s);
	while (count < param_count) {
		all[count] = params[count];
		count++;
	}
	all[count++] = (struct uri_param){ "X-Amz-Algorithm", "AWS4-HMAC-SHA256" };
	all[count++] = (struct uri_param){ "X-Amz-Credential", text_end(&scope) };
	all[count++] = (struct uri_param){ "X-Amz-Date", request->date };
	all[count++] = (struct uri_param){ "X-Amz-Expires", expires };
	if (credentials->session_token)
		all[count++] = (struct uri_param){ "X-Amz-Security-Token", credentials->session_token };
	all[count++] = (struct uri_param){ "X-Amz-SignedHeaders", text_end(&names) };
	presigned.query = out->data + out->len;
	ret = uri_query(out, all, count);
	presigned.query_len = out->data + out->len - presigned.query;
	presigned.payload_hash = SIGV4_UNSIGNED_PAYLOAD;
	out->overflow |= scope.overflow | names.overflow;
	names.len--;	/* the NUL */
	if (!ret && !out->overflow)
		ret = digest_request(&presigned, sorted, &names, request_hash);
	if (ret || out->overflow)
		return ret;
	sigv4_mac(signer, request, request_hash, signature);
	text_puts(out, "&X-Amz-Signature=");
	text_puts(out, signature);
	return 0;
}

int sigv4_sign_policy(struct sigv4_signer *signer, const struct credentials *credentials,
		      const struct sigv4_request *request, const char *policy, char signature[SIGV4_HASH_HEX])
{
	unsigned char hash[HASH_SIZE];
	struct digest mac;
	int ret;

	ret = sigv4_ready(signer, credentials, request);
	if (ret)
		return ret;
	digest_begin(&mac, &signer->signing.inner);
	digest_puts(&mac, policy);
	hmac_end(&signer->signing, &mac, hash);
	hash_to_hex(hash, signature);
	return 0;
}
