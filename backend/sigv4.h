/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AWS Signature Version 4, over libcrypto. A signer belongs to one worker and
 * one tenant; it keeps the signing key that it derived last, so that a request
 * of the same day, region and service costs one digest and one HMAC.
 */
#ifndef NEXUS_SIGV4_H
#define NEXUS_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include "config.h"
#include "text.h"

#define SIGV4_HASH_HEX		65	/* 64 digits and the NUL */
#define SIGV4_DATE_SIZE		17	/* YYYYMMDDTHHMMSSZ and the NUL */
#define SIGV4_HEADERS_MAX	96

#define SIGV4_UNSIGNED_PAYLOAD	"UNSIGNED-PAYLOAD"
#define SIGV4_EMPTY_HASH	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct sigv4_signer;

struct sigv4_header {
	const char *name;	/* lower case */
	const char *value;
};

struct sigv4_request {
	const char *method;
	const char *path;	/* as in the request line */
	size_t path_len;
	const char *query;	/* as uri_query() writes it, without '?' */
	size_t query_len;
	/*
	 * S3 signs the path as it is sent. Other services sign it normalised
	 * and encoded once more.
	 */
	bool path_as_sent;
	const struct sigv4_header *headers;	/* all of them are signed; host among them */
	size_t header_count;
	const char *payload_hash;	/* hexadecimal, or SIGV4_UNSIGNED_PAYLOAD */
	const char *date;		/* as sigv4_date() writes it, the x-amz-date header */
	const char *region;
	const char *service;
};

struct sigv4_signer *sigv4_new(void);	/* NULL: no memory */
void sigv4_free(struct sigv4_signer *signer);

void sigv4_date(char date[SIGV4_DATE_SIZE], time_t t);

/* SHA-256 in hexadecimal. */
void sigv4_hash(const void *data, size_t len, char hex[SIGV4_HASH_HEX]);

/*
 * Write the value of the Authorization header. 0; -E2BIG more than
 * SIGV4_HEADERS_MAX headers; -ENOMEM. Lack of room shows in
 * out->overflow.
 */
int sigv4_sign(struct sigv4_signer *signer, const struct credentials *credentials,
	       const struct sigv4_request *request, struct text *out);

struct uri_param;

/*
 * Write a query that carries the signature, good for expires_s seconds from
 * request->date on: params, and those of the signature. request->query and
 * ->payload_hash are not looked at. Otherwise as sigv4_sign().
 */
int sigv4_presign(struct sigv4_signer *signer, const struct credentials *credentials,
		  const struct sigv4_request *request, const struct uri_param *params, size_t param_count,
		  unsigned int expires_s, struct text *out);

/* The signature of a POST policy as it is sent, in base64. request: date, region, service. 0, -ENOMEM. */
int sigv4_sign_policy(struct sigv4_signer *signer, const struct credentials *credentials,
		      const struct sigv4_request *request, const char *policy, char signature[SIGV4_HASH_HEX]);

/* "KEY/DATE/REGION/SERVICE/aws4_request" */
void sigv4_write_scope(struct text *out, const struct credentials *credentials, const struct sigv4_request *request);

#endif
