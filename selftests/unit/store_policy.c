// SPDX-License-Identifier: GPL-2.0-only
/* The policy's gate: request by request, with the lists as the configuration's parsers make them. */
#include <errno.h>
#include <string.h>
#include "../tap.h"
#include "config_list.h"
#include "gate.h"
#include "origin.h"
#include "policy.h"
#include "store_harness.h"

static struct harness harness;
static struct rules rules;
static struct endpoint table = { .name = "table", .service = "dynamodb" }, lambda = { .name = "l", .service = "lambda" };
static const struct endpoint *endpoints[4];
static Nexus__V1__Request request;
static struct call call = { .finished = true };	/* nothing ever runs */

/* ---- lists ---- */

static void lists(const char *buckets, const char *operations, const char *hosts)
{
	list_free(rules.buckets);
	list_free(rules.operations);
	list_free(rules.http_hosts);
	rules = (struct rules){ 0 };
	if ((*buckets && buckets_parse(&rules.buckets, buckets)) ||
	    (*operations && operations_parse(&rules.operations, operations)) ||
	    (*hosts && hosts_parse(&rules.http_hosts, hosts)))
		tap_bail("a list of the test's own");
}

/* ---- asking ---- */

static int ask(void)
{
	call_free(&call);
	call.harness = &harness;
	call.tail = &call.op.windows;
	call.op.worker = &harness.worker;
	call.op.tenant = &harness.tenant;
	call.op.request = &request;
	call.finished = true;
	return policy_gate.enter(&call.op);
}

static void is(int want, const char *fmt, const char *a, const char *b)
{
	const char *code = want == -EACCES ? "NexusPolicyDenied" : want ? "NexusBadRequest" : "";
	uint64_t denied = harness_counters(&harness).denied;
	char what[256];
	int ret = ask();

	snprintf(what, sizeof(what), fmt, a, b);
	if (!tap_ok(ret == want && !strcmp(call_code(&call), code) &&
		    harness_counters(&harness).denied - denied == (want == -EACCES), "%s: %s", what,
		    want == -EACCES ? "denied" : want ? "bad" : "allowed"))
		printf("#   got %d, %s: %s\n", ret, call_code(&call), call_message(&call));
}

/* ---- requests ---- */

static Nexus__V1__ObjectName object, source;
static Nexus__V1__Field field[3];
static Nexus__V1__Field *fields[3] = { &field[0], &field[1], &field[2] };

static void name(Nexus__V1__ObjectName *object_name, const char *bucket, const char *key)
{
	nexus__v1__object_name__init(object_name);
	object_name->bucket = (char *)bucket;
	object_name->key = (char *)key;
}

static void header(int i, const char *header_name, const char *value)
{
	nexus__v1__field__init(&field[i]);
	field[i].name = (char *)header_name;
	field[i].value = (char *)value;
}

#define BEGIN(case_, member, type) \
	static type member; \
	nexus__v1__request__init(&request); \
	request.op_case = NEXUS__V1__REQUEST__OP_##case_; \
	request.member = &member

static void get(const char *bucket, const char *key)
{
	BEGIN(GET_OBJECT, get_object, Nexus__V1__GetObject);
	nexus__v1__get_object__init(&get_object);
	name(&object, bucket, key);
	get_object.object = &object;
}

static void put(const char *header_name)
{
	BEGIN(PUT_OBJECT, put_object, Nexus__V1__PutObject);
	nexus__v1__put_object__init(&put_object);
	name(&object, "data", "key");
	put_object.object = &object;
	header(0, header_name ? header_name : "", "x");
	put_object.headers = fields;
	put_object.n_headers = header_name != NULL;
}

static void delete(const char *bucket, const char *key, const char *version)
{
	BEGIN(DELETE_OBJECT, delete_object, Nexus__V1__DeleteObject);
	nexus__v1__delete_object__init(&delete_object);
	name(&object, bucket, key);
	delete_object.object = &object;
	delete_object.version_id = (char *)version;
}

static void list(const char *bucket, const char *prefix)
{
	BEGIN(LIST_OBJECTS, list_objects, Nexus__V1__ListObjects);
	nexus__v1__list_objects__init(&list_objects);
	list_objects.bucket = (char *)bucket;
	list_objects.prefix = (char *)prefix;
}

static void copy(const char *from_bucket, const char *from_key, const char *bucket, const char *key)
{
	BEGIN(COPY_OBJECT, copy_object, Nexus__V1__CopyObject);
	nexus__v1__copy_object__init(&copy_object);
	name(&source, from_bucket, from_key);
	name(&object, bucket, key);
	copy_object.source = &source;
	copy_object.object = &object;
}

static void http(const char *method, const char *url)
{
	BEGIN(HTTP_REQUEST, http_request, Nexus__V1__HttpRequest);
	nexus__v1__http_request__init(&http_request);
	http_request.method = (char *)method;
	http_request.url = (char *)url;
}

static void grpc(const char *target, const char *method, const char *authority)
{
	static Nexus__V1__GrpcStart start;
	BEGIN(GRPC_CALL, grpc_call, Nexus__V1__GrpcCall);
	nexus__v1__grpc_call__init(&grpc_call);
	nexus__v1__grpc_start__init(&start);
	start.target = (char *)target;
	start.method = (char *)method;
	start.authority = (char *)authority;
	grpc_call.start = &start;
}

static void aws(const char *service, const char *method, const char *path, const char *query, const char *target,
		const char *type)
{
	BEGIN(AWS_REQUEST, aws_request, Nexus__V1__AwsRequest);
	nexus__v1__aws_request__init(&aws_request);
	aws_request.service = (char *)service;
	aws_request.method = (char *)method;
	aws_request.path = (char *)path;
	aws_request.query = (char *)query;
	header(0, "X-Amz-Target", target);
	header(1, "content-type", type);
	aws_request.headers = fields;
	aws_request.n_headers = 2;
}

static void presign(const char *method, const char *key, const char *param)
{
	BEGIN(PRESIGN_URL, presign_url, Nexus__V1__PresignUrl);
	nexus__v1__presign_url__init(&presign_url);
	name(&object, "data", key);
	presign_url.object = &object;
	presign_url.method = (char *)method;
	header(0, param ? param : "", "x");
	presign_url.params = fields;
	presign_url.n_params = param != NULL;
}

static void form(const char *key)
{
	BEGIN(PRESIGN_POST, presign_post, Nexus__V1__PresignPost);
	nexus__v1__presign_post__init(&presign_post);
	name(&object, "data", key);
	presign_post.object = &object;
}

/* ---- the tests ---- */

static void test_presign(void)
{
	static const struct {
		const char *method, *key, *param;
		int want;
	} cases[] = {
		{ "GET", "a/x", NULL, 0 }, { "HEAD", "a/x", NULL, 0 }, { "GET", "b/x", NULL, -EACCES },
		{ "GET", "a/../b", NULL, -EACCES }, { "GET", "a/x", "versionId", -EACCES }, { "PUT", "a/x", NULL, 0 },
		{ "DELETE", "a/x", NULL, -EACCES }, { "POST", "a/x", NULL, -EACCES },
	};

	lists("data/a/*", "s3:GetObject s3:PutObject", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		presign(cases[i].method, cases[i].key, cases[i].param);
		is(cases[i].want, "a URL for %s of %s", cases[i].method, cases[i].key);
	}
	presign("PUT", "a/x", NULL);
	header(0, "x-amz-acl", "public-read");
	request.presign_url->headers = fields;
	request.presign_url->n_headers = 1;
	is(-EACCES, "a URL for a PUT with %s%s", "x-amz-acl", "");
	header(0, "X-Amz-Copy-Source", "/other/secret");
	is(-EINVAL, "a URL for a PUT with %s%s", "x-amz-copy-source", "");
	form("a/x");
	is(0, "a form for %s%s", "a/x", "");
	form("b/x");
	is(-EACCES, "a form for %s%s", "b/x", "");
	form("a/${filename}");
	is(-EACCES, "a form for %s%s", "a/${filename}", ", of a part of a bucket");
	lists("data", "", "");
	is(0, "a form for %s%s", "a/${filename}", ", of a whole bucket");
	lists("data", "s3:GetObject", "");
	is(-EACCES, "a form without %s%s", "s3:PutObject", "");
}

static void test_keys(void)
{
	static const struct {
		const char *bucket, *key;
		int want;
	} cases[] = {
		{ "photos", "any/key", 0 }, { "photos", "../up", 0 }, { "photo", "x", -EACCES }, { "photos2", "x", -EACCES },
		{ "uploads", "raw/x", 0 }, { "uploads", "raw/", 0 }, { "uploads", "raw", -EACCES }, { "uploads", "rawx", -EACCES },
		{ "uploads", "x/raw/", -EACCES }, { "uploads", "one.json", 0 }, { "uploads", "one.jsonx", -EACCES },
		{ "uploads", "raw/../secret", -EACCES }, { "uploads", "raw/./x", -EACCES }, { "uploads", "raw/..", -EACCES },
		{ "uploads", "raw/..x", 0 }, { "uploads", "raw//x", 0 }, { "uploads", "RAW/x", -EACCES },
		{ "logs-2026", "x", 0 }, { "logs-", "x", 0 }, { "log", "x", -EACCES },
		{ "team-a", "pub/x", 0 }, { "team-b", "pub/x", 0 }, { "team-b", "priv/x", -EACCES },
		{ "PHOTOS", "x", -EINVAL }, { "photos/..", "x", -EINVAL }, { "", "x", -EINVAL }, { "..", "x", -EINVAL },
	};

	lists("photos uploads/raw/* uploads/one.json logs-* team-*/pub/*", "", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		get(cases[i].bucket, cases[i].key);
		is(cases[i].want, "GET %s/%s", cases[i].bucket, cases[i].key);
	}
	request.get_object->object = NULL;
	is(-EINVAL, "GET without an object%s%s", "", "");
	ask();
	tap_ok(policy_allows_key(&call.op, "uploads", "raw/x", "s3:DeleteObject"), "a key of DeleteObjects within the list");
	tap_ok(!policy_allows_key(&call.op, "uploads", "y", "s3:DeleteObject"), "a key of DeleteObjects beyond it");
}

static void test_lists(void)
{
	static const struct {
		const char *bucket, *prefix;
		int want;
	} cases[] = {
		{ "photos", "", 0 }, { "photos", "x", 0 }, { "uploads", "raw/", 0 }, { "uploads", "raw/2026", 0 },
		{ "uploads", "", -EACCES }, { "uploads", "raw", -EACCES }, { "uploads", "ra", -EACCES }, { "uploads", "x", -EACCES },
		{ "one", "", -EACCES }, { "one", "file", -EACCES }, { "other", "", -EACCES }, { "logs-1", "", 0 },
	};

	lists("photos uploads/raw/* one/file logs-*", "", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		list(cases[i].bucket, cases[i].prefix);
		is(cases[i].want, "LIST %s/%s", cases[i].bucket, cases[i].prefix);
	}
}

static void test_copy(void)
{
	lists("from/a* dest/b*", "", "");
	copy("from", "a1", "dest", "b1");
	is(0, "COPY %s to %s", "from/a1", "dest/b1");
	copy("from", "x", "dest", "b1");
	is(-EACCES, "COPY %s to %s", "from/x", "dest/b1");
	copy("from", "a1", "dest", "x");
	is(-EACCES, "COPY %s to %s", "from/a1", "dest/x");
	copy("FROM", "a1", "dest", "b");
	is(-EINVAL, "COPY %s to %s", "FROM/a1", "dest/b");
	copy("from", "a1", "dest", "b");
	request.copy_object->source = NULL;
	is(-EINVAL, "COPY %s to %s", "nothing", "dest/b");
	lists("from dest", "s3:PutObject", "");
	copy("from", "a1", "dest", "b");
	is(-EACCES, "COPY without %s%s", "s3:GetObject", "");
	lists("from dest", "s3:GetObject", "");
	is(-EACCES, "COPY without %s%s", "s3:PutObject", "");
	lists("from dest", "s3:GetObject s3:PutObject", "");
	is(0, "COPY with both%s%s", "", "");
	request.copy_object->source_version_id = "v";
	is(-EACCES, "COPY of a version without %s%s", "s3:GetObjectVersion", "");
}

static void test_operations(void)
{
	lists("data", "s3:GetObject s3:List*", "");
	get("data", "key");
	is(0, "s3:GetObject s3:List*: %s%s", "GET", "");
	request.get_object->version_id = "v";
	is(-EACCES, "s3:GetObject s3:List*: %s%s", "GET of a version", "");
	delete("data", "key", "");
	is(-EACCES, "s3:GetObject s3:List*: %s%s", "DELETE", "");
	lists("data", "s3:DeleteObject", "");
	is(0, "s3:DeleteObject: %s%s", "DELETE", "");
	delete("data", "key", "v");
	is(-EACCES, "s3:DeleteObject: %s%s", "DELETE of a version", "");
	lists("data", "s3:GetObject s3:List*", "");
	list("data", "");
	is(0, "s3:GetObject s3:List*: %s%s", "LIST", "");
	put(NULL);
	is(-EACCES, "s3:GetObject s3:List*: %s%s", "PUT", "");
	lists("data", "*", "");
	is(0, "*: %s%s", "PUT", "");
	request.op_case = NEXUS__V1__REQUEST__OP_NULL;
	is(0, "%s%s", "NULL", "");
	request.op_case = 999;
	is(-EACCES, "%s%s", "an operation that nobody thought of", "");
}

static void test_headers(void)
{
	static const struct {
		const char *header, *action;
	} cases[] = {
		{ "x-amz-acl", "s3:PutObjectAcl" }, { "X-Amz-ACL", "s3:PutObjectAcl" },
		{ "x-amz-grant-full-control", "s3:PutObjectAcl" }, { "x-amz-grant-read", "s3:PutObjectAcl" },
		{ "x-amz-tagging", "s3:PutObjectTagging" }, { "x-amz-tagging-directive", "s3:PutObjectTagging" },
		{ "x-amz-object-lock-legal-hold", "s3:PutObjectLegalHold" },
		{ "x-amz-object-lock-mode", "s3:PutObjectRetention" },
		{ "x-amz-object-lock-retain-until-date", "s3:PutObjectRetention" },
		{ "x-amz-bypass-governance-retention", "s3:BypassGovernanceRetention" },
	};
	char both[80];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(cases[i].header);
		lists("data", "", "");
		is(-EACCES, "%s by default%s", cases[i].header, "");
		lists("data", "*", "");
		is(-EACCES, "%s with *%s", cases[i].header, "");
		snprintf(both, sizeof(both), "* %s", cases[i].action);
		lists("data", both, "");
		is(0, "%s with %s", cases[i].header, both);
		lists("data", "s3:*", "");
		is(0, "%s with s3:*%s", cases[i].header, "");
	}
	lists("data", "", "");
	put("x-amz-storage-class");
	is(0, "%s by default%s", "x-amz-storage-class", "");
	lists("data", "s3:*", "");
	put("X-Amz-Copy-Source");
	is(-EINVAL, "%s even with s3:*%s", "x-amz-copy-source", "");
	put("x-amz-rename-source");
	is(-EINVAL, "%s even with s3:*%s", "x-amz-rename-source", "");
}

static void test_http(void)
{
	static const struct {
		const char *url;
		int want;
	} cases[] = {
		{ "http://api.example.com/x", 0 }, { "https://api.example.com", 0 }, { "HTTPS://API.Example.COM./", 0 },
		{ "https://api.example.com:443/", 0 }, { "https://api.example.com:80/", -EACCES },
		{ "http://api.example.com:8080/", -EACCES }, { "http://example.com/", -EACCES },
		{ "http://xapi.example.com/", -EACCES }, { "http://api.example.com.evil.net/", -EACCES },
		{ "https://a.example.org:8443/", 0 }, { "https://a.b.example.org:8443/", 0 },
		{ "https://example.org:8443/", -EACCES }, { "https://.example.org:8443/", -EACCES },
		{ "https://a.example.org/", -EACCES }, { "https://aexample.org:8443/", -EACCES },
		{ "http://any.port:1/", 0 }, { "http://any.port:65535/", 0 },
		{ "http://[::1]:80/", 0 }, { "http://[::1]:81/", -EACCES }, { "http://[0:0::1]/", 0 },
		{ "http://10.0.0.1:8000/", 0 }, { "http://0x0a.1:8000/", 0 }, { "http://167772161:8000/", 0 },
		{ "http://api.example.com@evil.net/", -EINVAL }, { "http://user:pw@api.example.com/", -EINVAL },
		{ "http://evil.net/?http://api.example.com/", -EACCES }, { "http://evil.net#@api.example.com/", -EACCES },
		{ "http://evil.net\\@api.example.com/", -EINVAL }, { "ftp://api.example.com/", -EINVAL },
		{ "file:///etc/passwd", -EINVAL }, { "api.example.com/", -EINVAL }, { "", -EINVAL }, { "http://", -EINVAL },
		{ "http://api.example.com/\r\nx: y", -EINVAL }, { "http://api.example.com/a b", -EINVAL },
		{ "http://api.example.com/\xc3\xa9", -EINVAL }, { "http://api.ex\xc3\xa4mple.com/", -EINVAL },
		{ "http://api.example.com:0/", -EINVAL }, { "http://api.example.com:99999/", -EINVAL },
	};

	lists("", "", "api.example.com *.example.org:8443 any.port:* [::1] 10.0.0.1:8000");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		http("GET", cases[i].url);
		is(cases[i].want, "GET %s%s", cases[i].url, "");
	}
	http("GET", "http://api.example.com/");
	lists("", "", "");
	is(-EACCES, "without http_hosts%s%s", "", "");
	lists("", "", "*");
	is(0, "http_hosts = *%s%s", "", "");
	http("GET", "http://api.example.com:81/");
	is(-EACCES, "http_hosts = *, another port%s%s", "", "");
	lists("", "", "*:81");
	is(0, "http_hosts = *:81%s%s", "", "");
	lists("", "http:GET", "*:*");
	is(0, "http:GET: %s%s", "GET", "");
	http("POST", "http://api.example.com:81/");
	is(-EACCES, "http:GET: %s%s", "POST", "");
}

static void test_grpc(void)
{
	static const struct {
		const char *target, *method, *authority;
		int want;
	} cases[] = {
		{ "api.example.com:81", "/p.S/M", "", 0 }, { "dns:///API.example.com:81", "/p.S/M", "", 0 },
		{ "dns:api.example.com:81", "/p.S/M", "", 0 }, { "ipv4:10.0.0.1:81", "/p.S/M", "", 0 },
		{ "evil.net:81", "/p.S/M", "", -EACCES }, { "api.example.com:82", "/p.S/M", "", -EACCES },
		{ "api.example.com:81/x", "/p.S/M", "", -EINVAL }, { "api.example.com:81#", "/p.S/M", "", -EINVAL },
		{ "", "/p.S/M", "", -EINVAL }, { "api.example.com:81", "p.S/M", "", -EINVAL },
		{ "api.example.com:81", "/p.S", "", -EINVAL }, { "api.example.com:81", "/p.S/M?x", "", -EINVAL },
		{ "api.example.com:81", "/p.S/%4d", "", -EINVAL },
		{ "api.example.com:81", "/p.S/M", "api.example.com:81", 0 },
		{ "api.example.com:81", "/p.S/M", "evil.net:81", -EACCES },
		{ "api.example.com:81", "/p.S/M", "api.example.com:81/x", -EINVAL },
	};

	lists("", "http:POST", "api.example.com:81 10.0.0.1:81");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		grpc(cases[i].target, cases[i].method, cases[i].authority);
		is(cases[i].want, "gRPC of %s as %s", cases[i].target, *cases[i].authority ? cases[i].authority : cases[i].method);
	}
	grpc("api.example.com:81", "/p.S/M", "");
	lists("", "http:GET", "api.example.com:81");
	is(-EACCES, "http:GET: %s%s", "a gRPC call", "");
}

/* What is asked of whom. */
static void origin_is(const char *text, const char *authority, const char *target)
{
	struct origin origin;
	int ret;

	get("data", "key");
	ask();
	ret = origin_parse(&call.op, NULL, text, &origin);
	if (!tap_ok(!ret && !strcmp(origin.endpoint.authority, authority) && !strcmp(origin.target, target),
		    "%s: %s of %s", text, target, authority))
		printf("#   got %d: %s of %s\n", ret, ret ? "" : origin.target, ret ? "" : origin.endpoint.authority);
}

static void test_origins(void)
{
	origin_is("HTTP://API.Example.com/A?b=C#d", "api.example.com", "/A?b=C");
	origin_is("http://api.example.com.:80", "api.example.com", "/");
	origin_is("http://api.example.com:443/", "api.example.com:443", "/");
	origin_is("https://api.example.com:443/", "api.example.com", "/");
	origin_is("https://[::1]:80/", "[::1]:80", "/");
}

static void test_aws(void)
{
	static const char json[] = "application/x-amz-json-1.0", target[] = "DynamoDB_20120810.Query";

	lists("", "dynamodb:Query lambda:InvokeFunction", "");
	aws("dynamodb", "POST", "/", "", target, json);
	is(0, "dynamodb:Query%s%s", "", "");
	aws("dynamodb", "POST", "/", "", "DynamoDB_20120810.PutItem", json);
	is(-EACCES, "dynamodb:PutItem%s%s", "", "");
	aws("dynamodb", "POST", "/", "", target, "application/x-www-form-urlencoded");
	is(-EACCES, "a target beside %s%s", "a form", "");
	aws("dynamodb", "POST", "/", "Action=PutItem", target, json);
	is(-EACCES, "a target beside %s%s", "a query", "");
	aws("dynamodb", "POST", "/x", "", target, json);
	is(-EACCES, "a target beside %s%s", "a path", "");
	aws("dynamodb", "GET", "/", "", target, json);
	is(-EACCES, "a target of a %s%s", "GET", "");
	aws("dynamodb", "POST", "/", "", "DynamoDB_20120810.PutItem", json);
	header(2, "x-amz-target", target);
	request.aws_request->n_headers = 3;
	is(-EACCES, "two targets%s%s", "", "");
	aws("lambda", "POST", "/2015-03-31/functions/arn%3Aaws:f-_1/invocations", "", "", "");
	is(0, "lambda:InvokeFunction%s%s", "", "");
	aws("lambda", "POST", "/2015-03-31/functions/a%2fb/invocations", "", "", "");
	is(-EACCES, "lambda:InvokeFunction of %s%s", "a%2fb", "");
	aws("lambda", "POST", "/2015-03-31/functions/f/code", "", "", "");
	is(-EACCES, "%s%s", "lambda:POST", "");
	aws("sqs", "POST", "/", "", "AmazonSQS.SendMessage", json);
	is(-EACCES, "a service without an endpoint%s%s", "", "");
	lists("data", "", "");
	aws("s3express", "GET", "/data/key", "", "", "");
	table.service = "s3express";
	is(-EACCES, "s3express as an AWS call, even with an endpoint%s%s", "", "");
	table.service = "dynamodb";
	aws("dynamodb", "POST", "/", "", "x", "y");
	is(0, "by default any call of a service with an endpoint%s%s", "", "");
	get("data", "key");
	endpoints[0] = &table;
	is(-EACCES, "GET without an endpoint for s3%s%s", "", "");
}

static void s3(const char *method, const char *path, const char *query)
{
	aws("s3", method, path, query, "", "");
	request.aws_request->n_headers = 0;
}

/* S3's requests without an operation of their own: whose action each needs, and that nothing else passes. */
static void test_subresources(void)
{
	static const struct {
		const char *method, *path, *query, *action;
		bool named;
	} rows[] = {
		{ "GET", "/data/a", "tagging", "s3:GetObjectTagging", false },
		{ "GET", "/data/a", "tagging=&versionId=v", "s3:GetObjectVersionTagging", false },
		{ "PUT", "/data/a", "tagging", "s3:PutObjectTagging", true },
		{ "DELETE", "/data/a", "tagging", "s3:DeleteObjectTagging", true },
		{ "GET", "/data/a/b%2Fc", "acl", "s3:GetObjectAcl", false },
		{ "PUT", "/data/a", "acl", "s3:PutObjectAcl", true },
		{ "GET", "/data/a", "uploadId=u&max-parts=2", "s3:ListMultipartUploadParts", false },
		{ "GET", "/data/a", "partNumber=1", "s3:GetObject", false },
		{ "HEAD", "/data/a", "partNumber=1&versionId=v", "s3:GetObjectVersion", false },
		{ "POST", "/data/a", "select&select-type=2", "s3:GetObject", false },
		{ "POST", "/data/a", "restore", "s3:RestoreObject", true },
		{ "GET", "/data", "uploads&prefix=a", "s3:ListBucketMultipartUploads", false },
		{ "GET", "/data/", "versions&max-keys=1", "s3:ListBucketVersions", false },
		{ "GET", "/data", "location", "s3:GetBucketLocation", false },
		{ "GET", "/data", "policy", "s3:GetBucketPolicy", false },
		{ "PUT", "/data", "policy", "s3:PutBucketPolicy", true },
		{ "DELETE", "/data", "cors", "s3:PutBucketCORS", true },
		{ "PUT", "/data", "", "s3:CreateBucket", true },
		{ "DELETE", "/data", "", "s3:DeleteBucket", true },
		{ "GET", "/", "", "s3:ListAllMyBuckets", true },
	};
	static const struct {
		const char *method, *path, *query;
		int want;
	} strangers[] = {
		{ "GET", "/data/a", "", -EACCES }, { "PUT", "/data/a", "", -EACCES }, { "GET", "/data", "", -EACCES },
		{ "GET", "/data", "list-type=2", -EACCES }, { "POST", "/data", "delete", -EACCES },
		{ "PUT", "/data/a", "partNumber=1&uploadId=u", -EACCES }, { "POST", "/data/a", "uploads", -EACCES },
		{ "DELETE", "/data/a", "versionId=v", -EACCES }, { "GET", "/data/a", "unheard-of", -EACCES },
		{ "GET", "/data/a", "tagging&acl", -EACCES }, { "GET", "/data/a", "tagging&tagging", -EACCES },
		{ "GET", "/data/a", "tagging&tag", -EACCES }, { "GET", "/data", "location&versionId=v", -EACCES },
		{ "PUT", "/data/a", "acl&X-Amz-Expires=9", -EACCES }, { "get", "/data/a", "tagging", -EACCES },
		{ "GET", "/data/a", "Tagging", -EACCES }, { "GET", "/other/a", "tagging", -EACCES },
		{ "GET", "/dat%61%2f..%2fother/a", "tagging", -EINVAL }, { "GET", "/DATA/a", "tagging", -EINVAL },
		{ "GET", "//a", "tagging", -EINVAL }, { "GET", "/data/%00", "tagging", -EINVAL },
		{ "GET", "/data/%zz", "tagging", -EINVAL }, { "GET", "/data/a", "tagging=%zz", -EINVAL },
		{ "GET", "data/a", "tagging", -EINVAL }, { "GET", "/data/a", "&&tagging&", 0 },
	};
	char both[80];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s3(rows[i].method, rows[i].path, rows[i].query);
		lists("data", rows[i].action, "");
		is(0, "%s for %s", rows[i].action, rows[i].query);
		lists("data", "s3:Other", "");
		is(-EACCES, "without %s: %s", rows[i].action, rows[i].query);
		lists("data", "*", "");
		is(rows[i].named ? -EACCES : 0, "* for %s%s", rows[i].action, "");
		lists("data", "", "");
		is(rows[i].named ? -EACCES : 0, "by default %s%s", rows[i].action, "");
		snprintf(both, sizeof(both), "* %s", rows[i].action);
		lists("data", both, "");
		is(0, "%s: %s", both, rows[i].query);
	}
	lists("data", "s3:*", "");
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		s3(strangers[i].method, strangers[i].path, strangers[i].query);
		is(strangers[i].want, "%s?%s", strangers[i].path, strangers[i].query);
	}
	s3("PUT", "/data/a", "tagging");
	request.aws_request->n_headers = 1;
	header(0, "x-amz-copy-source", "/other/secret");
	is(-EINVAL, "a sub-resource with %s%s", "x-amz-copy-source", "");
	header(0, "x-http-method-override", "DELETE");
	is(-EACCES, "a sub-resource with %s%s", "x-http-method-override", "");
	lists("data", "* s3:PutObjectTagging", "");
	header(0, "x-amz-acl", "public-read");
	is(-EACCES, "tags with %s%s", "x-amz-acl", "");
	header(0, "content-md5", "x");
	is(0, "tags with %s%s", "content-md5", "");
	lists("data/a/*", "s3:*", "");
	s3("GET", "/data/a/x", "tagging");
	is(0, "tags within a part of %s%s", "a bucket", "");
	s3("GET", "/data/b", "tagging");
	is(-EACCES, "tags beyond a part of %s%s", "a bucket", "");
	s3("GET", "/data/a/%2e%2e/b", "tagging");
	is(-EACCES, "tags of %s%s", "a/../b", "");
	s3("GET", "/data", "policy");
	is(-EACCES, "the policy with a part of %s%s", "a bucket", "");
	s3("DELETE", "/data", "");
	is(-EACCES, "its end with a part of %s%s", "a bucket", "");
	s3("GET", "/data", "versions");
	is(-EACCES, "all versions with a part of %s%s", "a bucket", "");
	s3("GET", "/data", "versions&prefix=a%2Fx");
	is(0, "its versions with a part of %s%s", "a bucket", "");
	s3("GET", "/data", "location");
	is(0, "the location with a part of %s%s", "a bucket", "");
}

/* A Location, and what becomes of it. */
static void test_redirects(void)
{
	static const struct {
		const char *location, *url;
	} cases[] = {
		{ "/other?q=1", "http://a.example.com:81/other?q=1" },
		{ "leaf", "http://a.example.com:81/dir/leaf" },
		{ "../leaf", "http://a.example.com:81/leaf" },
		{ "//b.example.com/x", "http://b.example.com/x" },
		{ "https://c.example.com", "https://c.example.com/" },
		{ "https://c.example.com/#fragment", "https://c.example.com/" },
		{ "https://user@c.example.com/", NULL },
		{ "ftp://c.example.com/", NULL },
	};
	struct origin origin;
	int ret;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask();
		ret = origin_parse(&call.op, "http://a.example.com:81/dir/page", cases[i].location, &origin);
		if (!tap_ok(cases[i].url ? !ret && !strcmp(origin.url, cases[i].url) : ret == -EINVAL, "Location: %s",
			    cases[i].location))
			printf("#   got %d, %s\n", ret, ret ? call_message(&call) : origin.url);
	}
	ret = origin_parse(&call.op, NULL, "https://[2001:DB8::1]:8443/a/../b?x", &origin);
	tap_ok(!ret && origin.endpoint.tls && origin.endpoint.port == 8443 && !strcmp(origin.endpoint.host, "2001:db8::1") &&
	       !strcmp(origin.endpoint.authority, "[2001:db8::1]:8443") && !strcmp(origin.target, "/b?x") &&
	       origin.endpoint.filtered, "the parts of an URL");
}

int main(void)
{
	harness_open(&harness, 1);
	harness.tenant.rules = &rules;
	endpoints[0] = &harness.endpoint;
	endpoints[1] = &table;
	endpoints[2] = &lambda;
	harness.tenant.endpoints = endpoints;
	test_keys();
	test_presign();
	test_lists();
	test_copy();
	test_operations();
	test_subresources();
	test_headers();
	test_http();
	test_grpc();
	test_origins();
	test_redirects();
	test_aws();
	call_free(&call);
	lists("", "", "");
	harness_close(&harness);
	return tap_done();
}
