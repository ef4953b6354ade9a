// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "config.h"
#include "gate.h"
#include "op.h"
#include "origin.h"
#include "policy.h"
#include "presign.h"
#include "rules.h"
#include "s3_subresource.h"
#include "tenant.h"
#include "worker.h"

#define ACTION_MAX	160
#define SERVICE_MAX	40

/* What an S3 request touches. */
struct s3_request {
	const char *action;		/* on the object, or the bucket */
	const char *bucket;
	const char *key;		/* NULL: none */
	const char *prefix;		/* of a listing; NULL: no listing */
	const Nexus__V1__ObjectName *source;	/* read from there; NULL: not */
	const char *source_action;
	Nexus__V1__Field **headers;
	size_t header_count;
};

static int __attribute__((format(printf, 2, 3))) policy_deny(struct op *op, const char *fmt, ...)
{
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	counter_add(&op->worker->counters.denied, 1);
	return op_error(op, -EACCES, "NexusPolicyDenied", "%s", message);
}

/* named: as for rules_allow_action(). */
static int policy_action(struct op *op, const char *action, bool named)
{
	if (rules_allow_action(tenant_rules(op->tenant), action, named))
		return 0;
	return policy_deny(op, "%.160s is not allowed for tenant %s: add it%s to `operations` in [tenant %s]", action,
			   op->tenant->name, named ? " by its name" : "", op->tenant->name);
}

static int policy_service(struct op *op, const char *service)
{
	if (tenant_endpoint(op->tenant, service))
		return 0;
	return policy_deny(op, "tenant %s has no endpoint for %.40s: name one in `endpoint` of [tenant %s]",
			   op->tenant->name, service, op->tenant->name);
}

/* ---- S3 ---- */

/* Headers that give more than their operation's own right. */
static const struct {
	const char *header;
	bool prefix;
	const char *action;
} header_rights[] = {
	{ "x-amz-acl", false, "s3:PutObjectAcl" },
	{ "x-amz-grant-", true, "s3:PutObjectAcl" },
	{ "x-amz-tagging", true, "s3:PutObjectTagging" },	/* and -directive */
	{ "x-amz-object-lock-legal-hold", false, "s3:PutObjectLegalHold" },
	{ "x-amz-object-lock-", true, "s3:PutObjectRetention" },
	{ "x-amz-bypass-governance-retention", false, "s3:BypassGovernanceRetention" },
};

static int policy_header(struct op *op, const char *name)
{
	/* They make another operation of a PUT, on an object that nobody checked. */
	if (!strcasecmp(name, "x-amz-copy-source") || !strcasecmp(name, "x-amz-rename-source"))
		return op_error(op, -EINVAL, "NexusBadRequest", "header %s: ask for a copy instead", name);
	for (size_t i = 0; i < sizeof(header_rights) / sizeof(header_rights[0]); i++) {
		const char *header = header_rights[i].header;

		if (header_rights[i].prefix ? !strncasecmp(name, header, strlen(header)) : !strcasecmp(name, header))
			return policy_action(op, header_rights[i].action, true);
	}
	return 0;
}

static void s3_object(struct s3_request *s3, const char *action, const Nexus__V1__ObjectName *object)
{
	s3->action = action;
	s3->bucket = object ? object->bucket : NULL;
	s3->key = object ? object->key : NULL;
}

/* Another method is refused later; until then it needs the most. */
static const char *presign_action(const Nexus__V1__PresignUrl *presign)
{
	bool version = false;

	for (size_t i = 0; i < presign->n_params; i++)
		version |= !strcmp(presign->params[i]->name, "versionId");
	if (!strcmp(presign->method, "GET") || !strcmp(presign->method, "HEAD"))
		return version ? "s3:GetObjectVersion" : "s3:GetObject";
	if (!strcmp(presign->method, "PUT"))
		return "s3:PutObject";
	return version ? "s3:DeleteObjectVersion" : "s3:DeleteObject";
}

#define HEADERS(message) (s3->headers = (message)->headers, s3->header_count = (message)->n_headers)

/* False: no S3 request. */
static bool s3_describe(const Nexus__V1__Request *request, struct s3_request *s3)
{
	*s3 = (struct s3_request){ 0 };
	switch (request->op_case) {
	case NEXUS__V1__REQUEST__OP_GET_OBJECT:
		s3_object(s3, *request->get_object->version_id ? "s3:GetObjectVersion" : "s3:GetObject",
			  request->get_object->object);
		HEADERS(request->get_object);
		return true;
	case NEXUS__V1__REQUEST__OP_HEAD_OBJECT:
		s3_object(s3, *request->head_object->version_id ? "s3:GetObjectVersion" : "s3:GetObject",
			  request->head_object->object);
		HEADERS(request->head_object);
		return true;
	case NEXUS__V1__REQUEST__OP_PUT_OBJECT:
		s3_object(s3, "s3:PutObject", request->put_object->object);
		HEADERS(request->put_object);
		return true;
	case NEXUS__V1__REQUEST__OP_DELETE_OBJECT:
		s3_object(s3, *request->delete_object->version_id ? "s3:DeleteObjectVersion" : "s3:DeleteObject",
			  request->delete_object->object);
		HEADERS(request->delete_object);
		return true;
	case NEXUS__V1__REQUEST__OP_DELETE_OBJECTS:	/* its keys come later: policy_allows_key() */
		s3->action = "s3:DeleteObject";
		s3->bucket = request->delete_objects->bucket;
		HEADERS(request->delete_objects);
		return true;
	case NEXUS__V1__REQUEST__OP_COPY_OBJECT:
		s3_object(s3, "s3:PutObject", request->copy_object->object);
		s3->source = request->copy_object->source;
		s3->source_action = *request->copy_object->source_version_id ? "s3:GetObjectVersion" : "s3:GetObject";
		if (!s3->source)
			s3->bucket = NULL;
		HEADERS(request->copy_object);
		return true;
	case NEXUS__V1__REQUEST__OP_LIST_OBJECTS:
		s3->action = "s3:ListBucket";
		s3->bucket = request->list_objects->bucket;
		s3->prefix = request->list_objects->prefix;
		HEADERS(request->list_objects);
		return true;
	case NEXUS__V1__REQUEST__OP_CREATE_MULTIPART_UPLOAD:
		s3_object(s3, "s3:PutObject", request->create_multipart_upload->object);
		HEADERS(request->create_multipart_upload);
		return true;
	case NEXUS__V1__REQUEST__OP_UPLOAD_PART:
		s3_object(s3, "s3:PutObject", request->upload_part->object);
		HEADERS(request->upload_part);
		return true;
	case NEXUS__V1__REQUEST__OP_COMPLETE_MULTIPART_UPLOAD:
		s3_object(s3, "s3:PutObject", request->complete_multipart_upload->object);
		HEADERS(request->complete_multipart_upload);
		return true;
	case NEXUS__V1__REQUEST__OP_ABORT_MULTIPART_UPLOAD:
		s3_object(s3, "s3:AbortMultipartUpload", request->abort_multipart_upload->object);
		HEADERS(request->abort_multipart_upload);
		return true;
	case NEXUS__V1__REQUEST__OP_PRESIGN_URL:
		s3_object(s3, presign_action(request->presign_url), request->presign_url->object);
		HEADERS(request->presign_url);
		return true;
	case NEXUS__V1__REQUEST__OP_PRESIGN_POST:
		s3_object(s3, "s3:PutObject", request->presign_post->object);
		return true;
	default:
		return false;
	}
}

/* How far a text consists of the characters of buckets' names. */
static size_t bucket_span(const char *text)
{
	static const bool is_bucket_char[256] = {
		['a' ... 'z'] = true, ['0' ... '9'] = true, ['.'] = true, ['-'] = true,
	};
	size_t len = 0;

	while (is_bucket_char[(unsigned char)text[len]])
		len++;
	return len;
}

static int policy_place(struct op *op, const char *bucket, const char *key, const char *prefix)
{
	const struct rules *rules = tenant_rules(op->tenant);
	const char *tenant = op->tenant->name;
	size_t len;
	bool allowed;

	/* A name with other characters could leave the allow-list's prefix by its path. */
	len = bucket_span(bucket);
	if (len < 3 || len > 63 || bucket[len])
		return op_error(op, -EINVAL, "NexusBadRequest",
				"\"%.64s\" is no bucket's name: 3 to 63 characters of a-z 0-9 . -", bucket);
	allowed = key && rules_allow_key(rules, bucket, key);
	if (!allowed && !rules_allow_bucket(rules, bucket))
		return policy_deny(op, "bucket %s is not on the allow-list of tenant %s: add it to `buckets` in [tenant %s]",
				   bucket, tenant, tenant);
	if (key && !allowed)
		return policy_deny(op, "key %.200s of bucket %s is not on the allow-list of tenant %s: see `buckets` in [tenant %s]",
				   key, bucket, tenant, tenant);
	if (prefix && !rules_allow_prefix(rules, bucket, prefix))
		return policy_deny(op, "tenant %s may not list all of bucket %s that begins with \"%.200s\": see `buckets` in [tenant %s]",
				   tenant, bucket, prefix, tenant);
	return 0;
}

static int policy_s3(struct op *op, const struct s3_request *s3)
{
	int ret;

	ret = policy_service(op, "s3");
	if (!ret && !s3->bucket)
		ret = op_error(op, -EINVAL, "NexusBadRequest", "the request names no object");
	if (!ret)
		ret = policy_action(op, s3->action, false);
	if (!ret && s3->source)
		ret = policy_action(op, s3->source_action, false);
	if (!ret)
		ret = policy_place(op, s3->bucket, s3->key, s3->prefix);
	if (!ret && s3->source)
		ret = policy_place(op, s3->source->bucket, s3->source->key, NULL);
	for (size_t i = 0; !ret && i < s3->header_count; i++)
		ret = policy_header(op, s3->headers[i]->name);
	return ret;
}

/*
 * A form whose key ends with ${filename} leaves the rest of the key, "../" among it, to whoever sends it: that takes the
 * whole bucket.
 */
static int policy_form(struct op *op, const Nexus__V1__ObjectName *object)
{
	if (!object || !presign_is_open(object->key) ||
	    rules_allow_key(tenant_rules(op->tenant), object->bucket, "/../"))
		return 0;
	return policy_deny(op, "a form for %.200s needs all of bucket %s: name a key, or see `buckets` in [tenant %s]",
			   object->key, object->bucket, op->tenant->name);
}

bool policy_allows_key(const struct op *op, const char *bucket, const char *key, const char *action)
{
	const struct rules *rules = tenant_rules(op->tenant);

	return rules_allow_action(rules, action, false) && rules_allow_key(rules, bucket, key);
}

/* ---- other AWS services ---- */

/* The only header of that name, or NULL. */
static const char *aws_header(const Nexus__V1__AwsRequest *aws, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < aws->n_headers; i++) {
		if (strcasecmp(aws->headers[i]->name, name))
			continue;
		if (value)
			return NULL;
		value = aws->headers[i]->value;
	}
	return value;
}

/* The operation that x-amz-target names, where the service cannot take the request for another one; or NULL. */
static const char *aws_target(const Nexus__V1__AwsRequest *aws)
{
	static const char json[] = "application/x-amz-json-1.";
	const char *type = aws_header(aws, "content-type");
	const char *target = aws_header(aws, "x-amz-target");
	const char *name;

	if (!type || !target || strncasecmp(type, json, strlen(json)) || strcmp(aws->method, "POST") ||
	    strcmp(aws->path, "/") || *aws->query)
		return NULL;
	name = strrchr(target, '.');
	name = name ? name + 1 : target;
	if (!*name || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")])
		return NULL;
	return name;
}

/* POST /2015-03-31/functions/NAME/invocations */
static bool aws_invokes(const Nexus__V1__AwsRequest *aws)
{
	static const char begin[] = "/2015-03-31/functions/", end[] = "/invocations";
	const char *name = aws->path + strlen(begin);
	size_t len;

	if (strcmp(aws->service, "lambda") || strcmp(aws->method, "POST") || strncmp(aws->path, begin, strlen(begin)))
		return false;
	len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:$%");
	return len && !strcmp(name + len, end) && !strstr(name, "%2");	/* no encoded slash or dot */
}

/* What S3 is asked in a request that has no operation of its own. */
static int policy_subresource(struct op *op, const Nexus__V1__AwsRequest *aws)
{
	struct s3_subresource s3;
	int ret;

	ret = policy_service(op, "s3");
	if (ret)
		return ret;
	ret = s3_subresource_parse(op, aws, &s3);
	if (ret == -EACCES)
		counter_add(&op->worker->counters.denied, 1);
	if (!ret)
		ret = policy_action(op, s3.action, s3.named);
	if (!ret && s3.bucket)
		ret = policy_place(op, s3.bucket, s3.key, s3.prefix);
	for (size_t i = 0; !ret && i < aws->n_headers; i++)
		ret = policy_header(op, aws->headers[i]->name);
	return ret;
}

static int policy_aws(struct op *op, const Nexus__V1__AwsRequest *aws)
{
	const char *name = aws_target(aws);
	char action[ACTION_MAX];
	int ret;

	if (!strcmp(aws->service, "s3"))
		return policy_subresource(op, aws);
	/* Their buckets would go unchecked. */
	if (!strncmp(aws->service, "s3", 2))
		return policy_deny(op, "no calls of %.40s this way: use the operations of S3", aws->service);
	if (strlen(aws->service) > SERVICE_MAX)
		return op_error(op, -EINVAL, "NexusBadRequest", "\"%.64s\" is no service's name", aws->service);
	ret = policy_service(op, aws->service);
	if (ret)
		return ret;
	if (!name)
		name = aws_invokes(aws) ? "InvokeFunction" : aws->method;
	if (snprintf(action, sizeof(action), "%s:%s", aws->service, name) >= (int)sizeof(action))
		return op_error(op, -EINVAL, "NexusBadRequest", "\"%.64s\" is no operation's name", name);
	return policy_action(op, action, false);
}

/* ---- HTTP ---- */

int policy_http(struct op *op, const char *method, const struct endpoint *endpoint)
{
	const char *tenant = op->tenant->name;
	char action[ACTION_MAX];
	int ret;

	if (snprintf(action, sizeof(action), "http:%s", method) >= (int)sizeof(action))
		return op_error(op, -EINVAL, "NexusBadRequest", "\"%.64s\" is no method", method);
	ret = policy_action(op, action, false);
	if (ret)
		return ret;
	if (rules_allow_host(tenant_rules(op->tenant), endpoint->host, endpoint->port, endpoint->tls ? 443 : 80))
		return 0;
	return policy_deny(op, "%.200s is not on the allow-list of tenant %s: add %.200s to `http_hosts` in [tenant %s]",
			   endpoint->url, tenant, endpoint->authority, tenant);
}

static int policy_url(struct op *op, const Nexus__V1__HttpRequest *http)
{
	struct origin origin;
	int ret;

	ret = origin_parse(op, NULL, http->url, &origin);
	return ret ? ret : policy_http(op, http->method, &origin.endpoint);
}

/* A call is a POST. */
static int policy_grpc(struct op *op, const Nexus__V1__GrpcStart *start)
{
	struct origin origin;
	int ret;

	ret = origin_grpc(op, start, &origin);
	if (!ret)
		ret = policy_http(op, "POST", &origin.endpoint);
	if (!ret && *start->authority)
		ret = origin_grpc_authority(op, start, &origin);
	return ret || !*start->authority ? ret : policy_http(op, "POST", &origin.endpoint);
}

/* ---- the gate ---- */

static int policy_enter(struct op *op)
{
	const Nexus__V1__Request *request = op->request;
	struct s3_request s3;

	if (s3_describe(request, &s3)) {
		int ret = policy_s3(op, &s3);

		if (!ret && request->op_case == NEXUS__V1__REQUEST__OP_PRESIGN_POST)
			ret = policy_form(op, request->presign_post->object);
		return ret;
	}
	switch (request->op_case) {
	case NEXUS__V1__REQUEST__OP_NULL:
	case NEXUS__V1__REQUEST__OP_FLUSH:
	case NEXUS__V1__REQUEST__OP_NEXT:	/* a guest's own function is its own business */
	case NEXUS__V1__REQUEST__OP_RESPOND:
	case NEXUS__V1__REQUEST__OP_LOG:
	case NEXUS__V1__REQUEST__OP_GRPC_SEND:	/* of a call that was allowed */
	case NEXUS__V1__REQUEST__OP_GRPC_RECEIVE:
	case NEXUS__V1__REQUEST__OP_GRPC_HEADERS:
	case NEXUS__V1__REQUEST__OP_GRPC_FINISH:
	case NEXUS__V1__REQUEST__OP_GRPC_CANCEL:
		return 0;
	case NEXUS__V1__REQUEST__OP_HTTP_REQUEST:
		return policy_url(op, request->http_request);
	case NEXUS__V1__REQUEST__OP_AWS_REQUEST:
		return policy_aws(op, request->aws_request);
	case NEXUS__V1__REQUEST__OP_GRPC_CALL:
		return policy_grpc(op, request->grpc_call->start);
	case NEXUS__V1__REQUEST__OP_GRPC_START:
		return policy_grpc(op, request->grpc_start);
	default:
		return policy_deny(op, "no rule covers operation %d", request->op_case);
	}
}

const struct gate policy_gate = {
	.name = "policy",
	.enter = policy_enter,
};
