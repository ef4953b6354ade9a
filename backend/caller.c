// SPDX-License-Identifier: GPL-2.0-only
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "caller.h"
#include "cleanup.h"
#include "config.h"
#include "ingress.h"
#include "sigv4.h"
#include "uri.h"

#define ALGORITHM	"AWS4-HMAC-SHA256 "
#define SKEW_S		900
#define SIGNATURE_LEN	64

/* The Authorization header in pieces, cut out of a copy. */
struct authorization {
	char *key, *day, *region, *service;	/* of Credential=KEY/DAY/REGION/SERVICE/aws4_request */
	char *headers, *signature;
};

static bool authorization_scope(struct authorization *a, char *scope)
{
	char *save, *end;

	a->key = strtok_r(scope, "/", &save);
	a->day = strtok_r(NULL, "/", &save);
	a->region = strtok_r(NULL, "/", &save);
	a->service = strtok_r(NULL, "/", &save);
	end = strtok_r(NULL, "/", &save);
	return end && !strcmp(end, "aws4_request") && strlen(a->day) == 8;
}

static bool authorization_parse(struct authorization *a, char *text)
{
	char *save, *word;

	*a = (struct authorization){ 0 };
	for (word = strtok_r(text, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
		if (!strncmp(word, "Credential=", 11) && !authorization_scope(a, word + 11))
			return false;
		if (!strncmp(word, "SignedHeaders=", 14))
			a->headers = word + 14;
		if (!strncmp(word, "Signature=", 10))
			a->signature = word + 10;
	}
	return a->key && a->headers && a->signature && strlen(a->signature) == SIGNATURE_LEN;
}

/* Name and value of each signed header. How many; 0: one is missing, or they do not suffice. */
static size_t signed_headers(const struct request *request, char *names, struct sigv4_header *headers)
{
	bool host = false, date = false;
	char *name, *save;
	size_t count = 0;

	for (name = strtok_r(names, ";", &save); name; name = strtok_r(NULL, ";", &save)) {
		if (count == SIGV4_HEADERS_MAX)
			return 0;
		headers[count] = (struct sigv4_header){ name, request_header(request, name) };
		if (!headers[count].value)
			return 0;
		host |= !strcmp(name, "host");
		date |= !strcmp(name, "x-amz-date");
		count++;
	}
	return host && date ? count : 0;
}

/* Sort and encode the query as it is signed. */
static bool canonical_query(const char *query, struct text *out)
{
	auto_free char *copy = strdup(query);
	struct uri_param params[URI_PARAMS_MAX];
	char *pair, *save, *value;
	size_t count = 0;

	for (pair = copy ? strtok_r(copy, "&", &save) : NULL; pair; pair = strtok_r(NULL, "&", &save)) {
		if (count == URI_PARAMS_MAX)
			return false;
		value = strchr(pair, '=');
		if (value)
			*value++ = '\0';
		MHD_http_unescape(pair);
		if (value)
			MHD_http_unescape(value);
		params[count++] = (struct uri_param){ pair, value ? value : "" };
	}
	return copy && !uri_query(out, params, count) && !out->overflow;
}

static const struct caller *caller_find(const struct config *config, const char *key)
{
	const struct caller *caller = config->callers;

	while (caller && (!caller->credentials || strcmp(caller->credentials->access_key_id, key)))
		caller = caller->next;
	return caller;
}

/* YYYYMMDDTHHMMSSZ, within SKEW_S of now. */
static bool date_is_near(const char *date)
{
	struct tm tm = { 0 };
	const char *end = strptime(date, "%Y%m%dT%H%M%SZ", &tm);
	time_t skew;

	if (!end || *end)
		return false;
	skew = time(NULL) - timegm(&tm);
	return skew <= SKEW_S && skew >= -SKEW_S;
}

/* What the signature should be, and is it. */
static enum caller_verdict signature_check(struct sigv4_signer *signer, const struct caller *caller,
					   const struct request *request, const struct authorization *a)
{
	struct sigv4_header headers[SIGV4_HEADERS_MAX];
	const char *date = request_header(request, "x-amz-date");
	char hash[SIGV4_HASH_HEX], query[4096], out[8192];
	struct text canonical = { .data = query, .cap = sizeof(query) }, text = { .data = out, .cap = sizeof(out) };
	struct sigv4_request sign = {
		.method = request->method,
		.path = request->target,
		.path_len = strcspn(request->target, "?"),
		.headers = headers,
		.payload_hash = hash,
		.date = date,
		.region = a->region,
		.service = a->service,
	};

	if (!date || strlen(date) != SIGV4_DATE_SIZE - 1 || strncmp(date, a->day, 8))
		return CALLER_WRONG;
	if (!date_is_near(date))
		return CALLER_LATE;
	sign.header_count = signed_headers(request, a->headers, headers);
	if (!sign.header_count || strcmp(a->service, "lambda") || !canonical_query(request->query, &canonical))
		return CALLER_WRONG;
	sign.query = query;
	sign.query_len = canonical.len;
	sigv4_hash(request->body ? request->body : "", request->len, hash);
	if (sigv4_sign(signer, caller->credentials, &sign, &text))
		return CALLER_BROKEN;
	if (text.overflow || text.len < SIGNATURE_LEN ||
	    CRYPTO_memcmp(out + text.len - SIGNATURE_LEN, a->signature, SIGNATURE_LEN))
		return CALLER_WRONG;
	return CALLER_FINE;
}

enum caller_verdict caller_check(const struct config *config, const struct request *request,
				 const struct tenant **tenant)
{
	const char *header = request_header(request, MHD_HTTP_HEADER_AUTHORIZATION);
	struct sigv4_signer *signer;
	enum caller_verdict verdict;
	const struct caller *caller;
	auto_free char *copy = NULL;
	struct authorization a;

	*tenant = NULL;
	if (!config->callers)
		return CALLER_FINE;
	if (!header || strncmp(header, ALGORITHM, strlen(ALGORITHM)))
		return CALLER_UNSIGNED;
	copy = strdup(header + strlen(ALGORITHM));
	if (!copy || !authorization_parse(&a, copy))
		return CALLER_WRONG;
	caller = caller_find(config, a.key);
	if (!caller)
		return CALLER_UNKNOWN;
	signer = sigv4_new();
	verdict = signer ? signature_check(signer, caller, request, &a) : CALLER_BROKEN;
	sigv4_free(signer);
	*tenant = caller->tenant;
	return verdict;
}

const char *caller_error(enum caller_verdict verdict, const char **message)
{
	switch (verdict) {
	case CALLER_UNSIGNED:
		*message = "Missing Authentication Token";
		return "MissingAuthenticationTokenException";
	case CALLER_UNKNOWN:
		*message = "The security token included in the request is invalid.";
		return "UnrecognizedClientException";
	case CALLER_LATE:
		*message = "Signature expired: the date is not within 15 minutes of this host's clock.";
		return "InvalidSignatureException";
	case CALLER_WRONG:
		*message = "The request signature we calculated does not match the signature you provided.";
		return "InvalidSignatureException";
	default:
		*message = "The signature could not be checked.";
		return "ServiceException";
	}
}
