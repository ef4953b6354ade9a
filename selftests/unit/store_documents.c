// SPDX-License-Identifier: GPL-2.0-only
/*
 * S3's documents, both ways, against a server that follows a script: what no
 * real store sends at will, cut into the smallest pieces and windows.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "../tap.h"
#include "store_harness.h"
#include "store_server.h"

static struct harness harness;
static struct server server;
static struct call call;

/* What the server answers with, and in which pieces. */
static struct {
	const char *body;
	size_t piece;		/* bytes written at once */
	size_t cut;		/* close after so many; 0: never */
	unsigned int status;
	char request[65536];	/* the body that came */
	size_t request_len;
} script;

static void answer(struct server *s, int fd)
{
	size_t len = strlen(script.body), end = script.cut ? script.cut : len, n;
	const char *length = strcasestr(s->head, "content-length: ");
	char head[128];

	script.request_len = length ? strtoul(length + 16, NULL, 10) : 0;
	if (script.request_len > sizeof(script.request) || server_read(fd, script.request, script.request_len) < script.request_len)
		return;
	snprintf(head, sizeof(head), "HTTP/1.1 %u X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
		 script.status ? script.status : 200, len);
	server_puts(fd, head);
	for (size_t i = 0; i < end; i += n) {
		n = script.piece && script.piece < end - i ? script.piece : end - i;
		server_write(fd, script.body + i, n);
	}
}

static void serve(struct server *s)
{
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		if (!server_read_head(s, fd))
			answer(s, fd);
		close(fd);
	}
}

static void run(const char *what, const struct op_type *type, const Nexus__V1__Request *request, int status,
		const char *code)
{
	call_start(&harness, &call, type, request);
	harness_run(&harness, &call, 10000);
	if (!tap_ok(call.finished && call.status == status && !strcmp(call_code(&call), code), "%s: %d %s", what, status,
		    code))
		printf("#   got %d %s: %s\n", call.status, call_code(&call), call_message(&call));
}

/* A header that S3 takes for all of its operations, which has been sent, and one that it takes for few. */
static Nexus__V1__Field payer = { PROTOBUF_C_MESSAGE_INIT(&nexus__v1__field__descriptor), "x-amz-request-payer", "requester" };
static Nexus__V1__Field acl = { PROTOBUF_C_MESSAGE_INIT(&nexus__v1__field__descriptor), "x-amz-acl", "private" };
static Nexus__V1__Field *taken_header[] = { &payer }, *other_header[] = { &acl };

static void header_was_sent(void)
{
	tap_ok(strstr(server.head, "x-amz-request-payer: requester\r\n"), "  and the header that came with it");
}

/* ---- lists ---- */

static const Nexus__V1__Request *list_request(void)
{
	static Nexus__V1__ListObjects list = NEXUS__V1__LIST_OBJECTS__INIT;
	static Nexus__V1__Request request = NEXUS__V1__REQUEST__INIT;

	list.bucket = "bucket";
	request.op_case = NEXUS__V1__REQUEST__OP_LIST_OBJECTS;
	request.list_objects = &list;
	return &request;
}

static void test_list_headers(void)
{
	Nexus__V1__ListObjects *list = list_request()->list_objects;

	script.body = "<ListBucketResult></ListBucketResult>";
	list->n_headers = 1;
	list->headers = taken_header;
	run("a list, with a header", &s3_list_type, list_request(), 0, "");
	call_free(&call);
	header_was_sent();
	list->headers = other_header;
	run("with one of another operation", &s3_list_type, list_request(), -EINVAL, "NexusBadRequest");
	call_free(&call);
	list->n_headers = 0;
}

static Nexus__V1__ObjectList *listed(void)
{
	return nexus__v1__object_list__unpack(NULL, call.received_len, (uint8_t *)call.received);
}

#define LIST(inner)	"<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><Name>bucket</Name>" inner "</ListBucketResult>"
#define CONTENTS(key)	"<Contents><Key>" key "</Key><Size>7</Size><ETag>&quot;e&quot;</ETag></Contents>"

static void test_list(void)
{
	static const size_t pieces[] = { 0, 1, 7, 1000 };
	static const uint32_t windows[] = { 1, 5, 64, 100000 };
	Nexus__V1__ObjectList *list;

	script.body = LIST("<EncodingType>url</EncodingType>" CONTENTS("a+b%2Bc/%C3%BC") CONTENTS("%3C%26%3E") CONTENTS("100%25")
			   "<Contents><Owner><ID>1</ID><DisplayName>me</DisplayName></Owner><Key>k</Key><Unknown><Key>no</Key></Unknown>"
			   "<StorageClass>GLACIER</StorageClass></Contents>"
			   "<CommonPrefixes><Prefix>p%2F+</Prefix></CommonPrefixes><Prefix>not%20this</Prefix>"
			   "<IsTruncated>true</IsTruncated><NextContinuationToken>a+%2B=</NextContinuationToken>"
			   "<MaxKeys>4</MaxKeys><KeyCount>5</KeyCount>");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		script.piece = pieces[i];
		call.window_size = windows[i];
		run("a list", &s3_list_type, list_request(), 0, "");
		list = listed();
		tap_ok(list && list->n_objects == 4 && list->url_encoded && !strcmp(list->objects[0]->key, "a+b%2Bc/%C3%BC") &&
		       !strcmp(list->objects[1]->key, "%3C%26%3E") && !strcmp(list->objects[2]->key, "100%25") &&
		       !strcmp(list->objects[3]->key, "k"), "  its keys, in windows of %u bytes", windows[i]);
		tap_ok(list && list->objects[0]->size == 7 && !strcmp(list->objects[0]->etag, "\"e\"") &&
		       !strcmp(list->objects[3]->owner_id, "1") && !strcmp(list->objects[3]->owner_name, "me") &&
		       !strcmp(list->objects[3]->storage_class, "GLACIER"), "  and what is told of them");
		tap_ok(list && list->n_common_prefixes == 1 && !strcmp(list->common_prefixes[0], "p%2F+") && list->is_truncated &&
		       !strcmp(list->next_continuation_token, "a+%2B=") && list->max_keys == 4 && list->key_count == 5,
		       "  prefixes and the rest; the token is left alone");
		tap_is(call.op.response.content_length, 0, "  the document's length is not told for the message's");
		nexus__v1__object_list__free_unpacked(list, NULL);
		call_free(&call);
	}
	script.piece = 0;
}

static void list_key(const char *body, const char *want, bool encoded, const char *what)
{
	Nexus__V1__ObjectList *list;

	script.body = body;
	call.window_size = 4096;
	run(what, &s3_list_type, list_request(), 0, "");
	list = listed();
	if (!tap_ok(list && list->n_objects && list->url_encoded == encoded &&
		    !strcmp(list->objects[list->n_objects - 1]->key, want), "  %s, %s", want, encoded ? "encoded" : "as it is"))
		printf("#   got %s\n", list && list->n_objects ? list->objects[list->n_objects - 1]->key : "nothing");
	nexus__v1__object_list__free_unpacked(list, NULL);
	call_free(&call);
}

/* Whether names are encoded is what the store says, wherever it says it; no name tells. */
static void test_encodings(void)
{
	list_key(LIST(CONTENTS("a b") CONTENTS("c+d%20")), "c+d%20", false, "a store that says nothing of an encoding");
	list_key(LIST(CONTENTS("c%20d")), "c%20d", false, "and whose keys look as if they were encoded");
	list_key(LIST("<EncodingType>url</EncodingType>" CONTENTS("c%20d")), "c%20d", true, "one that says it at the beginning");
	list_key(LIST(CONTENTS("c%20d") "<EncodingType>url</EncodingType>"), "c%20d", true, "one that says it at the end");
	list_key(LIST("<EncodingType></EncodingType>" CONTENTS("c%20d")), "c%20d", false, "one that says no");
	list_key("<?xml version=\"1.0\" encoding=\"UTF-16\"?><ListBucketResult>" CONTENTS("u") "</ListBucketResult>", "u", false,
		 "what the document says of its encoding is not believed");
}

/* A thousand objects through windows that come late, one by one: what waits is bounded, and nothing is lost. */
static void test_backpressure(void)
{
	static const char object[] = CONTENTS("key-of-some-length/%04d");
	char *body = malloc(1000 * sizeof(object) + 200), *p = body;
	Nexus__V1__ObjectList *list;
	int turns = 0;

	p += sprintf(p, "<ListBucketResult>");
	for (int i = 0; i < 1000; i++)
		p += sprintf(p, CONTENTS("key-of-some-length/%04d"), i);
	sprintf(p, "</ListBucketResult>");
	script.body = body;
	call.window_size = 100;
	call.manual = true;
	call_start(&harness, &call, &s3_list_type, list_request());
	while (!harness_run(&harness, &call, 1) && turns++ < 2000) {
		if (!call.op.windows)
			call_window(&call, 100);
	}
	list = listed();
	tap_ok(call.finished && !call.status, "a long list through windows of 100 bytes that come late");
	tap_ok(list && list->n_objects == 1000 && !strcmp(list->objects[999]->key, "key-of-some-length/0999"), "  is whole");
	nexus__v1__object_list__free_unpacked(list, NULL);
	call_free(&call);
	free(body);
}

static void list_fails(const char *what, const char *body, size_t cut, int status, const char *part)
{
	script.body = body;
	script.cut = cut;
	call.window_size = 4096;
	run(what, &s3_list_type, list_request(), status, "NexusConnectionLost");
	if (!tap_ok(strstr(call_message(&call), part), "  says \"%s\"", part))
		printf("#   got %s\n", call_message(&call));
	call_free(&call);
	script.cut = 0;
}

static void test_bad_lists(void)
{
	char *huge = malloc(20000);

	list_fails("a document type", "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult>&a;</ListBucketResult>", 0, -EPROTO, "ListBucketResult");
	list_fails("another document", "<Other><Contents><Key>k</Key></Contents></Other>", 0, -EPROTO, "another document");
	list_fails("no XML", "{\"Contents\": []}", 0, -EPROTO, "ListBucketResult");
	list_fails("a document that ends early", "<ListBucketResult><Contents></Contents>", 0, -EPROTO, "ends early");
	list_fails("elements too deep", LIST("<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>"), 0, -EPROTO, "deeper");
	list_fails("a cut connection", LIST(CONTENTS("k")), 100, -ECONNRESET, "connection lost");
	strcpy(huge, "<ListBucketResult><Contents><Key>");
	memset(huge + strlen(huge), 'k', 10000);
	strcpy(huge + 10033, "</Key></Contents></ListBucketResult>");
	list_fails("a key of 10000 bytes", huge, 0, -EPROTO, "8 KiB");
	free(huge);
}

/* 200, and an <Error> all the same, in one piece or in the smallest. */
static void test_late_list_errors(void)
{
	static const struct {
		const char *body;
		int status;
		const char *code, *message, *request_id;
	} cases[] = {
		{ "<Error><Code>SlowDown</Code><Message>not so fast</Message><RequestId>R1</RequestId></Error>",
		  -EAGAIN, "SlowDown", "not so fast - HTTP 200", "R1" },
		{ "<?xml version=\"1.0\"?>\n<Error><Resource><Code>No</Code></Resource><Code>AccessDenied</Code></Error>",
		  -EACCES, "AccessDenied", "HTTP 200", "" },
		{ "<Error/>", -EIO, "InternalError", "HTTP 200", "" },
		{ "<Error><Code>SlowDown</Code>", -EPROTO, "NexusConnectionLost", "ends early", "" },
	};

	for (size_t n = 0; n < 2 * sizeof(cases) / sizeof(cases[0]); n++) {
		size_t i = n / 2;

		script.body = cases[i].body;
		script.piece = n & 1;
		call.window_size = 4096;
		run("a list that is an error", &s3_list_type, list_request(), cases[i].status, cases[i].code);
		tap_ok(strstr(call_message(&call), cases[i].message) && !call.received_len &&
		       !strcmp(call.op.response.error->request_id, cases[i].request_id),
		       "  says \"%s\", and which request's it is", cases[i].message);
		call_free(&call);
	}
	script.piece = 0;
}

/* ---- small documents ---- */

static void test_late_errors(void)
{
	static Nexus__V1__ObjectName object = NEXUS__V1__OBJECT_NAME__INIT;
	static Nexus__V1__CopyObject copy = NEXUS__V1__COPY_OBJECT__INIT;
	static Nexus__V1__Request request = NEXUS__V1__REQUEST__INIT;
	static const struct {
		const char *body;
		int status;
		const char *code;
	} cases[] = {
		{ "<CopyObjectResult><ETag>&quot;x&quot;</ETag><LastModified>2026</LastModified></CopyObjectResult>", 0, "" },
		{ "<Error><Code>SlowDown</Code><Message>not so fast</Message></Error>", -EAGAIN, "SlowDown" },
		{ "<?xml version=\"1.0\"?>  \n \n<Error><Code>InternalError</Code></Error>", -EIO, "InternalError" },
		{ "<Error><Code>AccessDenied</Code></Error>", -EACCES, "AccessDenied" },
		{ "<Other/>", -EPROTO, "NexusConnectionLost" },
		{ "<CopyObjectResult><ETag>", -EPROTO, "NexusConnectionLost" },
		{ "", -EPROTO, "NexusConnectionLost" },
	};

	object.bucket = "bucket";
	object.key = "key";
	copy.source = copy.object = &object;
	request.op_case = NEXUS__V1__REQUEST__OP_COPY_OBJECT;
	request.copy_object = &copy;
	harness.endpoint.max_attempts = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		script.body = cases[i].body;
		run("200 and then", &s3_copy_type, &request, cases[i].status, cases[i].code);
		if (!cases[i].status)
			tap_ok(!strcmp(call.op.response.etag, "\"x\"") && !strcmp(call.op.response.last_modified, "2026"),
			       "  the copy's entity tag and time");
		call_free(&call);
	}
}

/* ---- deleting many ---- */

#define DELETE_RESULT	"<DeleteResult><Deleted><Key>a&lt;b</Key></Deleted><Error><Key>c</Key><Code>AccessDenied</Code>" \
			"<Message>no</Message></Error></DeleteResult>"
#define DELETE_BODY	"<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a&lt;b&amp;&#13;</Key></Object>" \
			"<Object><Key>c</Key><VersionId>v</VersionId></Object><Quiet>true</Quiet></Delete>"

static void test_delete_objects(void)
{
	static const uint32_t windows[] = { 1, 3, 4096 };
	Nexus__V1__ObjectIdentifier ids[2], *list[2] = { &ids[0], &ids[1] };
	Nexus__V1__ObjectIdentifiers message = NEXUS__V1__OBJECT_IDENTIFIERS__INIT;
	Nexus__V1__DeleteObjects delete = NEXUS__V1__DELETE_OBJECTS__INIT;
	Nexus__V1__Request request = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__DeleteResult *result;
	uint8_t packed[128];

	nexus__v1__object_identifier__init(&ids[0]);
	nexus__v1__object_identifier__init(&ids[1]);
	ids[0].key = "a<b&\r";
	ids[1].key = "c";
	ids[1].version_id = "v";
	message.objects = list;
	message.n_objects = 2;
	delete.bucket = "bucket";
	delete.quiet = true;
	delete.content_length = nexus__v1__object_identifiers__pack(&message, packed);
	request.op_case = NEXUS__V1__REQUEST__OP_DELETE_OBJECTS;
	request.delete_objects = &delete;
	script.body = DELETE_RESULT;
	for (int i = 0; i < 6; i++) {
		call.upload = (char *)packed;
		call.upload_len = delete.content_length;
		call.window_size = windows[i / 2];
		call.late_fin = i & 1;
		run("deleting two", &s3_delete_objects_type, &request, 0, "");
		tap_ok(script.request_len == strlen(DELETE_BODY) && !memcmp(script.request, DELETE_BODY, script.request_len),
		       "  the request, in windows of %u bytes", windows[i / 2]);
		result = nexus__v1__delete_result__unpack(NULL, call.received_len, (uint8_t *)call.received);
		tap_ok(result && result->n_deleted == 1 && !strcmp(result->deleted[0]->key, "a<b") && result->n_errors == 1 &&
		       !strcmp(result->errors[0]->code, "AccessDenied") && !strcmp(result->errors[0]->message, "no"),
		       "  and the answer");
		nexus__v1__delete_result__free_unpacked(result, NULL);
		call_free(&call);
	}
	tap_ok(strstr(server.head, "content-md5: "), "a digest goes along");
	delete.n_headers = 1;
	delete.headers = taken_header;
	call.upload = (char *)packed;
	call.upload_len = call.window_size = delete.content_length;
	run("deleting two, with a header", &s3_delete_objects_type, &request, 0, "");
	call_free(&call);
	header_was_sent();
	delete.headers = other_header;
	call.upload = (char *)packed;
	call.upload_len = call.window_size = delete.content_length;
	run("with one of another operation", &s3_delete_objects_type, &request, -EINVAL, "NexusBadRequest");
	call_free(&call);
	delete.n_headers = 0;
	script.body = "<Error><Code>SlowDown</Code></Error>";
	call.upload = (char *)packed;
	call.upload_len = delete.content_length;
	call.window_size = 4096;
	run("200 and then", &s3_delete_objects_type, &request, -EAGAIN, "SlowDown");
	call_free(&call);

	call.upload = (char *)packed;
	call.upload_len = call.window_size = delete.content_length - 1;
	run("less than announced", &s3_delete_objects_type, &request, -EINVAL, "NexusBadRequest");
	call_free(&call);
	delete.content_length--;
	call.upload = (char *)packed;
	call.upload_len = delete.content_length;
	call.window_size = 4096;
	run("a message that is none", &s3_delete_objects_type, &request, -EINVAL, "NexusBadRequest");
	call_free(&call);
	delete.content_length = 3 << 20;
	call.upload = (char *)packed;
	call.upload_len = 1;
	call.window_size = 1;
	run("more than 1000 keys can be", &s3_delete_objects_type, &request, -EINVAL, "NexusLimitExceeded");
	call_free(&call);
}

/* A small message that unpacks to a large one. */
static void test_unpack_bomb(void)
{
	Nexus__V1__DeleteObjects delete = NEXUS__V1__DELETE_OBJECTS__INIT;
	Nexus__V1__Request request = NEXUS__V1__REQUEST__INIT;
	size_t len = 2 << 20;
	char *packed = malloc(len);

	for (size_t i = 0; i < len; i += 2) {
		packed[i] = 0x0a;	/* field 1, of no bytes: one more object */
		packed[i + 1] = 0;
	}
	delete.bucket = "bucket";
	delete.content_length = len;
	request.op_case = NEXUS__V1__REQUEST__OP_DELETE_OBJECTS;
	request.delete_objects = &delete;
	call.upload = packed;
	call.upload_len = len;
	call.window_size = len;
	run("a million empty names", &s3_delete_objects_type, &request, -EINVAL, "NexusBadRequest");
	call_free(&call);
	free(packed);
}

int main(void)
{
	server_start(&server, serve, NULL);
	harness_open(&harness, server.port);
	test_list();
	test_encodings();
	test_backpressure();
	test_bad_lists();
	test_late_list_errors();
	test_late_errors();
	test_list_headers();
	test_delete_objects();
	test_unpack_bomb();
	harness_close(&harness);
	server_stop(&server);
	return tap_done();
}
