// SPDX-License-Identifier: GPL-2.0-only
/*
 * The S3 operations against the tests' real server, which checks signatures.
 * It runs already when the settings of `store env` are in the environment.
 */
#include <errno.h>
#include <string.h>
#include "../tap.h"
#include "store_harness.h"

#define BUCKET	"nexus-test"

static struct harness harness;
static struct call call;

static void finish(const char *what, int status, const char *code)
{
	harness_run(&harness, &call, 20000);
	if (!tap_ok(call.finished && call.status == status && !strcmp(call_code(&call), code),
		    "%s: %d %s", what, status, code))
		printf("#   got %d %s: %s\n", call.status, call_code(&call), call_message(&call));
}

static char *pattern(size_t len)
{
	char *data = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		data[i] = (i * 2654435761u) >> 13;
	return data;
}

static void put(const char *key, const char *data, size_t len, uint32_t window, const char *what)
{
	call.upload = data;
	call.upload_len = len;
	call.window_size = window;
	call_start(&harness, &call, &s3_put_type, request_put(BUCKET, key, len));
	finish(what, 0, "");
	tap_ok(call.op.response.http_status == 200 && call.op.response.etag[0] == '"', "  it has an entity tag");
	call_free(&call);
}

static void get(const char *key, const char *want, size_t len, uint32_t window, const char *what)
{
	call.window_size = window;
	call_start(&harness, &call, &s3_get_type, request_get(BUCKET, key, ""));
	finish(what, 0, "");
	tap_ok(call.received_len == len && !memcmp(call.received ? call.received : "", want, len),
	       "  the bytes are those that were put");
	tap_is(call.op.response.content_length, len, "  so is their number");
	call_free(&call);
}

static void test_round_trips(void)
{
	static const struct {
		const char *what;
		size_t len;
		uint32_t window;
	} cases[] = {
		{ "empty object", 0, 4096 },
		{ "one byte", 1, 4096 },
		{ "an object that fills its window", 4096, 4096 },
		{ "one byte more than a window", 4097, 4096 },
		{ "many small windows", 10007, 64 },
		{ "one window of 3 MB", 3000001, 4000000 },
		{ "windows of 64 KiB", 3000001, 65536 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *data = pattern(cases[i].len);

		for (int late = 0; late < 2; late++) {
			call.late_fin = late;
			put("round trip", data, cases[i].len, cases[i].window, cases[i].what);
			get("round trip", data, cases[i].len, cases[i].window, cases[i].what);
		}
		free(data);
	}
}

static void test_keys(void)
{
	static const char *const keys[] = {
		"a b", "a+b", "a=b", "a*b", "50%2Foff", "50/off", "100%", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "a//b",
		"~a-b_c.d", "q?x=1&y=2", "hash#tag", "semi;colon,comma:at@", "'quotes\"", "back\\slash", "(paren)[bracket]{brace}",
	};
	char value[64];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(value, sizeof(value), "value %zu", i);
		put(keys[i], value, strlen(value), 4096, keys[i]);
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(value, sizeof(value), "value %zu", i);
		get(keys[i], value, strlen(value), 4096, keys[i]);
	}
}

static void test_metadata(void)
{
	static Nexus__V1__Field fields[2];
	Nexus__V1__Field *list[2] = { &fields[0], &fields[1] };
	Nexus__V1__Request request;
	Nexus__V1__PutObject message;

	request = *request_put(BUCKET, "meta", 3);
	message = *request.put_object;
	request.put_object = &message;
	nexus__v1__field__init(&fields[0]);
	nexus__v1__field__init(&fields[1]);
	fields[0].name = "Colour";
	fields[0].value = "deep   blue";
	fields[1].name = "size-2";
	fields[1].value = "a=b, c;d";
	message.metadata = list;
	message.n_metadata = 2;
	message.content_type = "text/plain";
	call.upload = "abc";
	call.upload_len = 3;
	call.window_size = 16;
	call_start(&harness, &call, &s3_put_type, &request);
	finish("put with metadata", 0, "");
	call_free(&call);

	call_start(&harness, &call, &s3_head_type, request_head(BUCKET, "meta"));
	finish("head", 0, "");
	tap_is(call.op.response.content_length, 3, "  content_length");
	tap_ok(!strcmp(call.op.response.content_type, "text/plain"), "  content_type");
	tap_ok(call.op.response.last_modified[0], "  last_modified");
	tap_is(call.op.response.n_metadata, 2, "  both pieces of metadata");
	call_free(&call);

	fields[1].value = "a\r\nx-evil: 1";
	call.upload = "abc";
	call.upload_len = 3;
	call.window_size = 16;
	call_start(&harness, &call, &s3_put_type, &request);
	finish("a line break in metadata", -EINVAL, "NexusBadRequest");
	call_free(&call);
	fields[1].value = "x";
	fields[1].name = "COLOUR";
	call.upload = "abc";
	call.upload_len = 3;
	call_start(&harness, &call, &s3_put_type, &request);
	finish("the same metadata name twice", -EINVAL, "NexusBadRequest");
	call_free(&call);
	fields[1].name = "a b";
	call.upload = "abc";
	call.upload_len = 3;
	call_start(&harness, &call, &s3_put_type, &request);
	finish("a metadata name that is no token", -EINVAL, "NexusBadRequest");
	call_free(&call);
}

static void test_range(void)
{
	static const struct {
		const char *range;
		int status;
		const char *code, *want;
	} cases[] = {
		{ "bytes=2-4", 0, "", "234" },
		{ "bytes=7-", 0, "", "789" },
		{ "bytes=-2", 0, "", "89" },
		{ "bytes=20-30", -ERANGE, "InvalidRange", "" },
		{ "bytes=1-2,4-5", -EINVAL, "NexusBadRequest", "" },
		{ "bytes=-", -EINVAL, "NexusBadRequest", "" },
		{ "lines=1-2", -EINVAL, "NexusBadRequest", "" },
	};

	put("digits", "0123456789", 10, 16, "put digits");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		call.window_size = 16;
		call_start(&harness, &call, &s3_get_type, request_get(BUCKET, "digits", cases[i].range));
		finish(cases[i].range, cases[i].status, cases[i].code);
		tap_ok(call.received_len == strlen(cases[i].want) &&
		       !memcmp(call.received ? call.received : "", cases[i].want, call.received_len), "  %s", cases[i].want);
		call_free(&call);
	}
}

static void test_errors(void)
{
	call.window_size = 64;
	call_start(&harness, &call, &s3_get_type, request_get(BUCKET, "no such object", ""));
	finish("get what is not there", -ENOENT, "NoSuchKey");
	tap_is(call.op.response.http_status, 404, "  HTTP status");
	tap_ok(strstr(call_message(&call), "s3://nexus-test/no such object"), "  the message names the object");
	tap_is(call.received_len, 0, "  none of the error's text is in the window");
	call_free(&call);

	call_start(&harness, &call, &s3_head_type, request_head(BUCKET, "no such object"));
	finish("head of what is not there", -ENOENT, "NotFound");
	call_free(&call);

	call_start(&harness, &call, &s3_get_type, request_get("no-such-bucket", "x", ""));
	finish("no such bucket", -ENOENT, "NoSuchBucket");
	call_free(&call);

	call_start(&harness, &call, &s3_get_type, request_get(BUCKET, "", ""));
	finish("an empty key", -EINVAL, "NexusBadRequest");
	call_free(&call);

	put("victim", "x", 1, 16, "put the victim");
	call_start(&harness, &call, &s3_delete_type, request_delete(BUCKET, "victim"));
	finish("delete", 0, "");
	call_free(&call);
	call_start(&harness, &call, &s3_head_type, request_head(BUCKET, "victim"));
	finish("it is gone", -ENOENT, "NotFound");
	call_free(&call);
}

static void test_wrong_keys(void)
{
	struct credentials good = harness.credentials;

	harness.credentials.secret_access_key = "wrong";
	call.window_size = 64;
	call_start(&harness, &call, &s3_get_type, request_get(BUCKET, "digits", ""));
	finish("a wrong secret", -EACCES, "SignatureDoesNotMatch");
	tap_ok(strstr(call_message(&call), "secret_access_key"), "  the message says what to check");
	tap_ok(!strstr(call_message(&call), good.secret_access_key), "  but not the secret");
	call_free(&call);
	harness.credentials.access_key_id = "AKIDNOBODY";
	call_start(&harness, &call, &s3_get_type, request_get(BUCKET, "digits", ""));
	finish("an unknown access key", -EACCES, "InvalidAccessKeyId");
	call_free(&call);
	harness.credentials = good;
}

/* 403 that comes while a large body is under way. */
static void test_refused_upload(void)
{
	struct credentials good = harness.credentials;
	size_t len = 64 << 20;
	char *data = pattern(len);

	harness.credentials.secret_access_key = "wrong";
	call.upload = data;
	call.upload_len = len;
	call.window_size = 1 << 20;
	call_start(&harness, &call, &s3_put_type, request_put(BUCKET, "large", len));
	finish("a large upload with a wrong secret", -EACCES, "SignatureDoesNotMatch");
	call_free(&call);
	harness.credentials = good;
	free(data);
}

/* In the steady state only bytes that the store sent along with a head of another length are copied. */
static void test_copies(void)
{
	struct counters before;
	char *data = pattern(1024);

	put("steady", data, 1024, 1024, "put 1 KiB");
	/* The first may be a surprise after many heads of another length, and end its connection. */
	get("steady", data, 1024, 1024, "first get of 1 KiB");
	get("steady", data, 1024, 1024, "second get of 1 KiB");
	before = harness_counters(&harness);
	for (int i = 0; i < 20; i++)
		get("steady", data, 1024, 1024, "get 1 KiB again");
	tap_is(harness_counters(&harness).bytes_copied - before.bytes_copied, 0, "20 warm gets copy no byte");
	tap_is(harness_counters(&harness).store_connections - before.store_connections, 0, "and open no connection");
	free(data);
}

int main(void)
{
	const char *port = getenv("NEXUS_S3_PORT");

	if (!port)
		tap_skip_all("no S3 server: run selftests/store/store start, then eval its env");
	harness_open(&harness, atoi(port));
	harness.credentials.access_key_id = getenv("AWS_ACCESS_KEY_ID");
	harness.credentials.secret_access_key = getenv("AWS_SECRET_ACCESS_KEY");
	test_round_trips();
	test_keys();
	test_metadata();
	test_range();
	test_errors();
	test_wrong_keys();
	test_refused_upload();
	test_copies();
	harness_close(&harness);
	return tap_done();
}
