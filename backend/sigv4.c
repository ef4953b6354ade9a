// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "sigv4.h"
#include "uri.h"

#define HASH_SIZE	32
#define DAY_LEN		8	/* YYYYMMDD */
#define PATH_MAX_SIGNED	16384

struct sigv4_signer {
	EVP_MD *sha256;
	EVP_MD_CTX *digest;
	EVP_MAC_CTX *mac;
	EVP_MAC_CTX *signing;	/* keyed with the signing key of the fields below */
	bool derived;		/* signing is usable */
	char day[DAY_LEN + 1];
	char *access_key_id, *secret, *region, *service;
};

static void sigv4_forget(struct sigv4_signer *signer)
{
	signer->derived = false;
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
	EVP_MAC_CTX_free(signer->signing);
	EVP_MAC_CTX_free(signer->mac);
	EVP_MD_CTX_free(signer->digest);
	EVP_MD_free(signer->sha256);
	free(signer);
}

struct sigv4_signer *sigv4_new(void)
{
	struct sigv4_signer *signer = calloc(1, sizeof(*signer));
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	if (signer && hmac) {
		signer->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		signer->digest = EVP_MD_CTX_new();
		signer->mac = EVP_MAC_CTX_new(hmac);
		signer->signing = EVP_MAC_CTX_new(hmac);
	}
	EVP_MAC_free(hmac);
	if (signer && (!signer->sha256 || !signer->digest || !signer->mac || !signer->signing)) {
		sigv4_free(signer);
		signer = NULL;
	}
	return signer;
}

void sigv4_date(char date[SIGV4_DATE_SIZE], time_t t)
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(date, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm);
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

static int digest_end(struct sigv4_signer *signer, char hex[SIGV4_HASH_HEX])
{
	unsigned char hash[HASH_SIZE];

	if (!EVP_DigestFinal_ex(signer->digest, hash, NULL))
		return -EIO;
	hash_to_hex(hash, hex);
	return 0;
}

int sigv4_hash(struct sigv4_signer *signer, const void *data, size_t len, char hex[SIGV4_HASH_HEX])
{
	if (!EVP_DigestInit_ex2(signer->digest, signer->sha256, NULL) ||
	    !EVP_DigestUpdate(signer->digest, data, len))
		return -EIO;
	return digest_end(signer, hex);
}

static int mac_key(EVP_MAC_CTX *mac, const void *key, size_t len)
{
	char name[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_init(mac, key, len, params) ? 0 : -EIO;
}

/* One step of the derivation: key = HMAC(key, text). */
static int mac_step(EVP_MAC_CTX *mac, unsigned char key[HASH_SIZE], size_t key_len,
		    const char *text, size_t len)
{
	size_t out;

	if (mac_key(mac, key, key_len) || !EVP_MAC_update(mac, (const unsigned char *)text, len) ||
	    !EVP_MAC_final(mac, key, &out, HASH_SIZE))
		return -EIO;
	return 0;
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
	ret = mac_step(signer->mac, key, secret_len + 4, request->date, DAY_LEN);
	if (!ret)
		ret = mac_step(signer->mac, key, HASH_SIZE, request->region, strlen(request->region));
	if (!ret)
		ret = mac_step(signer->mac, key, HASH_SIZE, request->service, strlen(request->service));
	if (!ret)
		ret = mac_step(signer->mac, key, HASH_SIZE, "aws4_request", 12);
	if (!ret)
		ret = mac_key(signer->signing, key, HASH_SIZE);
	OPENSSL_clear_free(key, size);
	if (ret)
		return ret;
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

static int digest_text(struct sigv4_signer *signer, const char *data, size_t len)
{
	return EVP_DigestUpdate(signer->digest, data, len) ? 0 : -EIO;
}

static int digest_puts(struct sigv4_signer *signer, const char *s)
{
	return digest_text(signer, s, strlen(s));
}

/* The value without outer blanks and with each inner run of blanks as one space. */
static int digest_value(struct sigv4_signer *signer, const char *value)
{
	int ret = 0;
	size_t len;
	bool first = true;

	while (!ret) {
		value += strspn(value, " \t");
		len = strcspn(value, " \t");
		if (!len)
			break;
		if (!first)
			ret = digest_text(signer, " ", 1);
		if (!ret)
			ret = digest_text(signer, value, len);
		value += len;
		first = false;
	}
	return ret;
}

static int digest_headers(struct sigv4_signer *signer, const struct sigv4_header **sorted, size_t count)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		if (i && !strcmp(sorted[i]->name, sorted[i - 1]->name)) {
			ret = digest_text(signer, ",", 1);
		} else {
			ret = i ? digest_text(signer, "\n", 1) : 0;
			if (!ret)
				ret = digest_puts(signer, sorted[i]->name);
			if (!ret)
				ret = digest_text(signer, ":", 1);
		}
		if (!ret)
			ret = digest_value(signer, sorted[i]->value);
	}
	return ret ? ret : digest_text(signer, "\n\n", 2);
}

static int digest_path(struct sigv4_signer *signer, const struct sigv4_request *request)
{
	auto_free char *plain = NULL, *encoded = NULL;
	struct text normal, twice;

	if (request->path_as_sent)
		return digest_text(signer, request->path, request->path_len);
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
	return digest_text(signer, twice.data, twice.len);
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
static int digest_request(struct sigv4_signer *signer, const struct sigv4_request *request,
			  const struct sigv4_header **sorted, const struct text *names,
			  char hex[SIGV4_HASH_HEX])
{
	if (!EVP_DigestInit_ex2(signer->digest, signer->sha256, NULL) ||
	    digest_puts(signer, request->method) || digest_text(signer, "\n", 1))
		return -EIO;

	int ret = digest_path(signer, request);

	if (ret)
		return ret;
	if (digest_text(signer, "\n", 1) || digest_text(signer, request->query, request->query_len) ||
	    digest_text(signer, "\n", 1) || digest_headers(signer, sorted, request->header_count) ||
	    digest_text(signer, names->data, names->len) || digest_text(signer, "\n", 1) ||
	    digest_puts(signer, request->payload_hash))
		return -EIO;
	return digest_end(signer, hex);
}

static int mac_puts(EVP_MAC_CTX *mac, const char *s, size_t len)
{
	return EVP_MAC_update(mac, (const unsigned char *)s, len) ? 0 : -EIO;
}

/* HMAC of the string to sign; keying with NULL keeps the key. */
static int sigv4_mac(struct sigv4_signer *signer, const struct sigv4_request *request,
		     const char *request_hash, char hex[SIGV4_HASH_HEX])
{
	EVP_MAC_CTX *mac = signer->signing;
	unsigned char hash[HASH_SIZE];
	size_t len;

	if (!EVP_MAC_init(mac, NULL, 0, NULL) || mac_puts(mac, "AWS4-HMAC-SHA256\n", 17) ||
	    mac_puts(mac, request->date, SIGV4_DATE_SIZE - 1) || mac_puts(mac, "\n", 1) ||
	    mac_puts(mac, request->date, DAY_LEN) || mac_puts(mac, "/", 1) ||
	    mac_puts(mac, request->region, strlen(request->region)) || mac_puts(mac, "/", 1) ||
	    mac_puts(mac, request->service, strlen(request->service)) ||
	    mac_puts(mac, "/aws4_request\n", 14) || mac_puts(mac, request_hash, SIGV4_HASH_HEX - 1) ||
	    !EVP_MAC_final(mac, hash, &len, sizeof(hash)))
		return -EIO;
	hash_to_hex(hash, hex);
	return 0;
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
	ret = digest_request(signer, request, sorted, &names, request_hash);
	if (!ret)
		ret = sigv4_mac(signer, request, request_hash, signature);
	if (ret)
		return ret;
	text_puts(out, ", Signature=");
	text_puts(out, signature);
	return 0;
}
