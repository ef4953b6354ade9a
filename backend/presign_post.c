// SPDX-License-Identifier: GPL-2.0-only
/*
 * A form by which a browser puts an object. Its policy is written here: to what the guest adds, bucket and key are
 * conditions as well, and S3 wants all of them to hold.
 */
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cleanup.h"
#include "config.h"
#include "presign.h"
#include "s3.h"
#include "tenant.h"

#define CONDITIONS_MAX	100
#define FIELDS		7

static void post_field(struct op *op, const char *name, const char *value)
{
	Nexus__V1__Field *field = op_alloc(op, sizeof(*field));

	nexus__v1__field__init(field);
	field->name = op_strdup(op, name);
	field->value = op_strdup(op, value);
	op->response.headers[op->response.n_headers++] = field;
}

/* The guest's; NULL after op_error(). */
static json_t *post_conditions(struct op *op, const char *text)
{
	json_error_t error;
	json_t *conditions = *text ? json_loads(text, 0, &error) : json_array();

	if (!conditions)
		op_error(op, -EINVAL, "NexusBadRequest", "conditions: %s: a JSON array is wanted", error.text);
	else if (!json_is_array(conditions) || json_array_size(conditions) > CONDITIONS_MAX)
		op_error(op, -EINVAL, "NexusBadRequest", "conditions: a JSON array of at most %d is wanted", CONDITIONS_MAX);
	else
		return conditions;
	json_decref(conditions);
	return NULL;
}

static void post_is(json_t *conditions, const char *name, const char *value)
{
	json_array_append_new(conditions, json_pack("{s:s}", name, value));
}

static void post_key(json_t *conditions, const char *key)
{
	if (presign_is_open(key))
		json_array_append_new(conditions, json_pack("[s, s, s#]", "starts-with", "$key", key,
							    (int)(strlen(key) - strlen(PRESIGN_FILENAME))));
	else
		post_is(conditions, "key", key);
}

/* The policy in base64; takes conditions. */
static char *post_policy(struct op *op, json_t *conditions, time_t expires)
{
	auto_free char *text = NULL;
	char *encoded, date[32];
	json_t *policy;
	struct tm tm;

	gmtime_r(&expires, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
	policy = json_pack("{s:s, s:o}", "expiration", date, "conditions", conditions);
	text = json_dumps(policy, JSON_ENSURE_ASCII);
	json_decref(policy);
	if (!text)
		return NULL;
	encoded = op_alloc(op, 4 * ((strlen(text) + 2) / 3) + 1);
	EVP_EncodeBlock((unsigned char *)encoded, (unsigned char *)text, strlen(text));
	return encoded;
}

/* A bucket, where an object is wanted. */
static const Nexus__V1__ObjectName *post_bucket(struct op *op, char *name)
{
	Nexus__V1__ObjectName *bucket = op_alloc(op, sizeof(*bucket));

	nexus__v1__object_name__init(bucket);
	bucket->bucket = name;
	return bucket;
}

static int post_sign(struct s3_call *call, json_t *conditions, uint32_t expires_s)
{
	struct op *op = call->http.op;
	const struct credentials *credentials = op_credentials(op);
	char date[SIGV4_DATE_SIZE], scope_data[512], signature[SIGV4_HASH_HEX], url_data[1024];
	struct text scope = { .data = scope_data, .cap = sizeof(scope_data) };
	struct text url = { .data = url_data, .cap = sizeof(url_data) };
	time_t now = time(NULL);
	struct sigv4_request sign;
	const char *host;
	char *policy;
	int ret;

	ret = credentials ? s3_sign_begin(call, now, &sign, date, &host) : -EACCES;
	if (ret) {
		json_decref(conditions);
		return ret;
	}
	sigv4_write_scope(&scope, credentials, &sign);
	text_putc(&scope, '\0');
	post_is(conditions, "bucket", call->object->bucket);
	post_key(conditions, call->object->key);
	post_is(conditions, "x-amz-algorithm", "AWS4-HMAC-SHA256");
	post_is(conditions, "x-amz-credential", scope_data);
	post_is(conditions, "x-amz-date", date);
	if (credentials->session_token)
		post_is(conditions, "x-amz-security-token", credentials->session_token);
	policy = post_policy(op, conditions, now + expires_s);
	if (!policy || scope.overflow)
		return op_error(op, -EINVAL, "NexusBadRequest", "the form's policy is no text in UTF-8, or too long");
	ret = sigv4_sign_policy(s3_signer(call), credentials, &sign, policy, signature);
	if (ret)
		return op_error(op, ret, "NexusInternal", "cannot sign the form: %s", strerror(-ret));
	op->response.headers = op_alloc(op, FIELDS * sizeof(*op->response.headers));
	post_field(op, "key", call->object->key);
	post_field(op, "x-amz-algorithm", "AWS4-HMAC-SHA256");
	post_field(op, "x-amz-credential", scope_data);
	post_field(op, "x-amz-date", date);
	if (credentials->session_token)
		post_field(op, "x-amz-security-token", credentials->session_token);
	post_field(op, "policy", policy);
	post_field(op, "x-amz-signature", signature);
	/* The bucket's. */
	call->object = post_bucket(op, call->object->bucket);
	s3_write_url(call, host, &url, &sign);
	text_putc(&url, '\0');
	if (url.overflow)
		return op_error(op, -EMSGSIZE, "NexusLimitExceeded", "the form's URL is too long");
	op->response.url = op_strdup(op, url_data);
	return 0;
}

static int presign_post_start(struct op *op)
{
	const Nexus__V1__PresignPost *presign = op->request->presign_post;
	json_t *conditions;
	int ret;

	ret = s3_call_init(op, "POST", presign->object);
	if (!ret)
		ret = presign_check_expiry(op, presign->expires_s);
	if (ret)
		return ret;
	conditions = post_conditions(op, presign->conditions);
	if (!conditions)
		return -EINVAL;
	ret = post_sign(op->state, conditions, presign->expires_s);
	if (ret)
		return ret;
	op_finish(op, 0);
	return 0;
}

const struct op_type presign_post_type = {
	.name = "presign_post",
	.op_case = NEXUS__V1__REQUEST__OP_PRESIGN_POST,
	.state_size = sizeof(struct s3_call),
	.idempotent = true,
	.start = presign_post_start,
};
