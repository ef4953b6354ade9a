// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "op.h"
#include "s3.h"
#include "s3_subresource.h"
#include "uri_parse.h"

enum scope {
	SCOPE_ALL,	/* / */
	SCOPE_BUCKET,
	SCOPE_OBJECT,
};

#define ROW_LISTS	1	/* it tells of the keys that its parameter `prefix` names; else a bucket's is about all keys */
#define ROW_NAMED	2	/* a GET that has to be named all the same */
#define ROW_PLACE	4	/* it tells of no key */

struct row {
	enum scope scope;
	const char *method;
	const char *name;		/* of the parameter that makes it so; "": there is none */
	const char *action;
	const char *version_action;	/* with versionId; NULL: not to be had with that */
	const char *params;		/* names of the others that it may have */
	unsigned int flags;
};

#define LISTING		"prefix delimiter encoding-type key-marker "
#define ANSWER		"response-cache-control response-content-disposition response-content-encoding " \
			"response-content-language response-content-type response-expires"

static const struct row rows[] = {
	{ SCOPE_ALL, "GET", "", "s3:ListAllMyBuckets", NULL, "", ROW_NAMED },

	{ SCOPE_BUCKET, "PUT", "", "s3:CreateBucket", NULL, "", 0 },
	{ SCOPE_BUCKET, "DELETE", "", "s3:DeleteBucket", NULL, "", 0 },
	{ SCOPE_BUCKET, "HEAD", "", "s3:ListBucket", NULL, "", ROW_PLACE },
	{ SCOPE_BUCKET, "GET", "location", "s3:GetBucketLocation", NULL, "", ROW_PLACE },
	{ SCOPE_BUCKET, "GET", "uploads", "s3:ListBucketMultipartUploads", NULL, LISTING "max-uploads upload-id-marker", ROW_LISTS },
	{ SCOPE_BUCKET, "GET", "versions", "s3:ListBucketVersions", NULL, LISTING "max-keys version-id-marker", ROW_LISTS },
	{ SCOPE_BUCKET, "GET", "acl", "s3:GetBucketAcl", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "acl", "s3:PutBucketAcl", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "policy", "s3:GetBucketPolicy", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "policy", "s3:PutBucketPolicy", NULL, "", 0 },
	{ SCOPE_BUCKET, "DELETE", "policy", "s3:DeleteBucketPolicy", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "policyStatus", "s3:GetBucketPolicyStatus", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "cors", "s3:GetBucketCORS", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "cors", "s3:PutBucketCORS", NULL, "", 0 },
	{ SCOPE_BUCKET, "DELETE", "cors", "s3:PutBucketCORS", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "lifecycle", "s3:GetLifecycleConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "lifecycle", "s3:PutLifecycleConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "DELETE", "lifecycle", "s3:PutLifecycleConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "versioning", "s3:GetBucketVersioning", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "versioning", "s3:PutBucketVersioning", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "tagging", "s3:GetBucketTagging", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "tagging", "s3:PutBucketTagging", NULL, "", 0 },
	{ SCOPE_BUCKET, "DELETE", "tagging", "s3:PutBucketTagging", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "website", "s3:GetBucketWebsite", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "website", "s3:PutBucketWebsite", NULL, "", 0 },
	{ SCOPE_BUCKET, "DELETE", "website", "s3:DeleteBucketWebsite", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "logging", "s3:GetBucketLogging", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "logging", "s3:PutBucketLogging", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "notification", "s3:GetBucketNotification", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "notification", "s3:PutBucketNotification", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "requestPayment", "s3:GetBucketRequestPayment", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "requestPayment", "s3:PutBucketRequestPayment", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "encryption", "s3:GetEncryptionConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "encryption", "s3:PutEncryptionConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "DELETE", "encryption", "s3:PutEncryptionConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "replication", "s3:GetReplicationConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "replication", "s3:PutReplicationConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "DELETE", "replication", "s3:PutReplicationConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "accelerate", "s3:GetAccelerateConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "accelerate", "s3:PutAccelerateConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "publicAccessBlock", "s3:GetBucketPublicAccessBlock", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "publicAccessBlock", "s3:PutBucketPublicAccessBlock", NULL, "", 0 },
	{ SCOPE_BUCKET, "DELETE", "publicAccessBlock", "s3:PutBucketPublicAccessBlock", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "ownershipControls", "s3:GetBucketOwnershipControls", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "ownershipControls", "s3:PutBucketOwnershipControls", NULL, "", 0 },
	{ SCOPE_BUCKET, "DELETE", "ownershipControls", "s3:PutBucketOwnershipControls", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "object-lock", "s3:GetBucketObjectLockConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "PUT", "object-lock", "s3:PutBucketObjectLockConfiguration", NULL, "", 0 },
	{ SCOPE_BUCKET, "GET", "analytics", "s3:GetAnalyticsConfiguration", NULL, "id continuation-token", 0 },
	{ SCOPE_BUCKET, "PUT", "analytics", "s3:PutAnalyticsConfiguration", NULL, "id", 0 },
	{ SCOPE_BUCKET, "DELETE", "analytics", "s3:PutAnalyticsConfiguration", NULL, "id", 0 },
	{ SCOPE_BUCKET, "GET", "inventory", "s3:GetInventoryConfiguration", NULL, "id continuation-token", 0 },
	{ SCOPE_BUCKET, "PUT", "inventory", "s3:PutInventoryConfiguration", NULL, "id", 0 },
	{ SCOPE_BUCKET, "DELETE", "inventory", "s3:PutInventoryConfiguration", NULL, "id", 0 },
	{ SCOPE_BUCKET, "GET", "metrics", "s3:GetMetricsConfiguration", NULL, "id continuation-token", 0 },
	{ SCOPE_BUCKET, "PUT", "metrics", "s3:PutMetricsConfiguration", NULL, "id", 0 },
	{ SCOPE_BUCKET, "DELETE", "metrics", "s3:PutMetricsConfiguration", NULL, "id", 0 },
	{ SCOPE_BUCKET, "GET", "intelligent-tiering", "s3:GetIntelligentTieringConfiguration", NULL, "id continuation-token", 0 },
	{ SCOPE_BUCKET, "PUT", "intelligent-tiering", "s3:PutIntelligentTieringConfiguration", NULL, "id", 0 },
	{ SCOPE_BUCKET, "DELETE", "intelligent-tiering", "s3:PutIntelligentTieringConfiguration", NULL, "id", 0 },

	{ SCOPE_OBJECT, "GET", "partNumber", "s3:GetObject", "s3:GetObjectVersion", ANSWER, 0 },
	{ SCOPE_OBJECT, "HEAD", "partNumber", "s3:GetObject", "s3:GetObjectVersion", "", 0 },
	{ SCOPE_OBJECT, "GET", "uploadId", "s3:ListMultipartUploadParts", NULL, "max-parts part-number-marker", 0 },
	{ SCOPE_OBJECT, "GET", "attributes", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes", "", 0 },
	{ SCOPE_OBJECT, "GET", "tagging", "s3:GetObjectTagging", "s3:GetObjectVersionTagging", "", 0 },
	{ SCOPE_OBJECT, "PUT", "tagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging", "", 0 },
	{ SCOPE_OBJECT, "DELETE", "tagging", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging", "", 0 },
	{ SCOPE_OBJECT, "GET", "acl", "s3:GetObjectAcl", "s3:GetObjectVersionAcl", "", 0 },
	{ SCOPE_OBJECT, "PUT", "acl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl", "", 0 },
	{ SCOPE_OBJECT, "GET", "legal-hold", "s3:GetObjectLegalHold", "s3:GetObjectLegalHold", "", 0 },
	{ SCOPE_OBJECT, "PUT", "legal-hold", "s3:PutObjectLegalHold", "s3:PutObjectLegalHold", "", 0 },
	{ SCOPE_OBJECT, "GET", "retention", "s3:GetObjectRetention", "s3:GetObjectRetention", "", 0 },
	{ SCOPE_OBJECT, "PUT", "retention", "s3:PutObjectRetention", "s3:PutObjectRetention", "", 0 },
	{ SCOPE_OBJECT, "GET", "torrent", "s3:GetObjectTorrent", NULL, "", 0 },
	{ SCOPE_OBJECT, "POST", "restore", "s3:RestoreObject", "s3:RestoreObject", "", 0 },
	{ SCOPE_OBJECT, "POST", "select", "s3:GetObject", NULL, "select-type", ROW_PLACE },
};

/* Names of headers that such requests may have; what the policy thinks of them is another matter. */
static const char *const headers[] = {
	"content-type", "content-md5", "range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since",
};

static bool reads(const struct row *row)
{
	return !strcmp(row->method, "GET") || !strcmp(row->method, "HEAD") || !strcmp(row->name, "select");
}

/* Is the word in the list, whose words have one space between them? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; len && (at = strstr(at, word)); at += len) {
		if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	}
	return false;
}

static const struct uri_param *param_find(const struct uri_param *params, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(params[i].name, name))
			return &params[i];
	}
	return NULL;
}

static const struct row *row_find(enum scope scope, const char *method, const struct uri_param *params, size_t count)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if (row->scope == scope && !strcmp(row->method, method) &&
		    (*row->name ? param_find(params, count, row->name) != NULL : !count))
			return row;
	}
	return NULL;
}

/* The name of a parameter that the row does not have, or that comes twice; or NULL. */
static const char *row_stranger(const struct row *row, const struct uri_param *params, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = params[i].name;

		if ((strcmp(name, row->name) && !has_word(row->params, name) &&
		     (strcmp(name, "versionId") || !row->version_action)) ||
		    param_find(params, i, name))
			return name;
	}
	return NULL;
}

static const char *header_stranger(const Nexus__V1__AwsRequest *request)
{
	for (size_t i = 0; i < request->n_headers; i++) {
		const char *name = request->headers[i]->name;
		bool known = !strncasecmp(name, "x-amz-", 6);

		for (size_t j = 0; !known && j < sizeof(headers) / sizeof(headers[0]); j++)
			known = !strcasecmp(name, headers[j]);
		if (!known)
			return name;
	}
	return NULL;
}

/* Bucket and key of the path. */
static int path_parse(struct op *op, const char *path, struct s3_subresource *s3)
{
	const char *end;

	if (*path != '/')
		return op_error(op, -EINVAL, "NexusBadRequest", "the path \"%.64s\" does not begin with /", path);
	end = strchrnul(++path, '/');
	if (end > path) {
		s3->bucket = uri_decode(op, path, end, false);
		if (s3->bucket && *end && end[1])
			s3->key = uri_decode(op, end + 1, strchr(end, '\0'), false);
	}
	if ((end > path && !s3->bucket) || (*end && end[1] && !s3->key))
		return op_error(op, -EINVAL, "NexusBadRequest", "the path \"%.64s\" is not /BUCKET/KEY, percent-encoded", path - 1);
	return s3->key ? s3_check_key(op, s3->key) : 0;
}

int s3_subresource_parse(struct op *op, const Nexus__V1__AwsRequest *request, struct s3_subresource *s3)
{
	const struct uri_param *prefix;
	struct uri_param params[URI_PARAMS_MAX];
	const struct row *row;
	const char *stranger;
	size_t count;
	int ret;

	*s3 = (struct s3_subresource){ 0 };
	ret = path_parse(op, request->path, s3);
	if (!ret)
		ret = uri_parse(op, request->query, params, &count);
	if (ret)
		return ret;
	row = row_find(s3->key ? SCOPE_OBJECT : s3->bucket ? SCOPE_BUCKET : SCOPE_ALL, request->method, params, count);
	if (!row)
		return op_error(op, -EACCES, "NexusPolicyDenied",
				"%.16s %.64s?%.64s: no such request of S3 is passed on as it is; objects and lists have operations",
				request->method, request->path, request->query);
	stranger = row_stranger(row, params, count);
	if (stranger)
		return op_error(op, -EACCES, "NexusPolicyDenied", "%s does not have the parameter %.64s, or not twice", row->action,
				stranger);
	stranger = header_stranger(request);
	if (stranger)
		return op_error(op, -EACCES, "NexusPolicyDenied", "%s does not have the header %.64s", row->action, stranger);
	s3->action = param_find(params, count, "versionId") ? row->version_action : row->action;
	s3->named = !reads(row) || (row->flags & ROW_NAMED);
	if (row->scope == SCOPE_BUCKET && !(row->flags & ROW_PLACE)) {
		prefix = row->flags & ROW_LISTS ? param_find(params, count, "prefix") : NULL;
		s3->prefix = prefix ? prefix->value : "";
	}
	return 0;
}
