// SPDX-License-Identifier: GPL-2.0-only
/* What is sent, to the byte where it matters: targets, hosts, headers, payload hashes. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "../tap.h"
#include "store_harness.h"
#include "store_server.h"

#define UNSIGNED	"x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n"
#define HASH_OF_ABC	"x-amz-content-sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\n"

static struct harness harness;
static struct server server;
static struct call call;

static void serve(struct server *s)
{
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		while (!server_read_head(s, fd)) {
			if (!strncmp(s->head, "PUT", 3))
				server_read(fd, NULL, 3);
			server_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		}
		close(fd);
	}
}

static void run(const struct op_type *type, const Nexus__V1__Request *request)
{
	if (!call.window_size)
		call.window_size = 64;
	call_start(&harness, &call, type, request);
	if (!harness_run(&harness, &call, 5000) || call.status)
		printf("# %d %s: %s\n", call.status, call_code(&call), call_message(&call));
	call_free(&call);
}

static void sent(const char *what, const char *text)
{
	if (!tap_ok(strstr(server.head, text), "%s", what))
		printf("#   sent: %s\n", server.head);
}

static void test_targets(void)
{
	static const struct {
		const char *key, *line;
	} cases[] = {
		{ "..", "GET /data/.. HTTP/1.1\r\n" },
		{ "../other/./x", "GET /data/../other/./x HTTP/1.1\r\n" },
		{ "/lead//trail/", "GET /data//lead//trail/ HTTP/1.1\r\n" },
		{ "a%2Fb", "GET /data/a%252Fb HTTP/1.1\r\n" },
		{ "a b+c=d*e", "GET /data/a%20b%2Bc%3Dd%2Ae HTTP/1.1\r\n" },
		{ "line\r\nbreak", "GET /data/line%0D%0Abreak HTTP/1.1\r\n" },
		{ "q?versionId=1#f", "GET /data/q%3FversionId%3D1%23f HTTP/1.1\r\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(&s3_get_type, request_get("data", cases[i].key, ""));
		tap_ok(!strncmp(server.head, cases[i].line, strlen(cases[i].line)), "target %.*s",
		       (int)strcspn(cases[i].line, "\r"), cases[i].line);
	}
}

static void test_headers(void)
{
	Nexus__V1__Request request = *request_get("data", "key", "bytes=1-2");
	char host[64];

	request.get_object->if_match = "\"tag\"";
	request.get_object->version_id = "v/1";
	harness.credentials.session_token = "token+/=";
	run(&s3_get_type, &request);
	sent("the version is in the query", "GET /data/key?versionId=v%2F1 HTTP/1.1\r\n");
	sent("range", "\r\nrange: bytes=1-2\r\n");
	sent("if-match", "\r\nif-match: \"tag\"\r\n");
	sent("the session token", "\r\nx-amz-security-token: token+/=\r\n");
	sent("all of them are signed",
	     "SignedHeaders=host;if-match;range;x-amz-content-sha256;x-amz-date;x-amz-security-token,");
	harness.credentials.session_token = NULL;

	snprintf(host, sizeof(host), "\r\nhost: data.127.0.0.1:%u\r\n", server.port);
	harness.endpoint.path_style = false;
	run(&s3_get_type, request_get("data", "key", ""));
	sent("virtual-host style has the bucket in the host's name", host);
	sent("and not in the target", "GET /key HTTP/1.1\r\n");
	harness.endpoint.path_style = true;
}

static void test_hashes(void)
{
	call.upload = "abc";
	call.upload_len = 3;
	run(&s3_put_type, request_put("data", "key", 3));
	sent("a payload that is all there is hashed", HASH_OF_ABC);
	sent("content-length", "\r\ncontent-length: 3\r\n");
	sent("the default type", "\r\ncontent-type: application/octet-stream\r\n");
	call.upload = "abc";
	call.upload_len = 3;
	call.window_size = 2;
	run(&s3_put_type, request_put("data", "key", 3));
	sent("one that streams is not", UNSIGNED);
	run(&s3_delete_type, request_delete("data", "key"));
	sent("DELETE", "DELETE /data/key HTTP/1.1\r\n");
	run(&s3_head_type, request_head("data", "key"));
	sent("HEAD", "HEAD /data/key HTTP/1.1\r\n");
}

static void rejects(const char *what, const Nexus__V1__Request *request, const struct op_type *type)
{
	call.window_size = 64;
	call_start(&harness, &call, type, request);
	tap_ok(call.finished && call.status == -EINVAL && !strcmp(call_code(&call), "NexusBadRequest"), "%s is refused", what);
	call_free(&call);
}

static void test_injection(void)
{
	Nexus__V1__Request request = *request_get("data", "key", "");
	static char long_key[1026];

	request.get_object->if_match = "x\r\nhost: evil";
	rejects("a line break in if_match", &request, &s3_get_type);
	request.get_object->if_match = "x\x7f";
	rejects("a control character", &request, &s3_get_type);
	rejects("a line break in range", request_get("data", "key", "bytes=1-2\r\nx: y"), &s3_get_type);
	memset(long_key, 'k', sizeof(long_key) - 1);
	rejects("a key of 1025 bytes", request_get("data", long_key, ""), &s3_get_type);
	request = *request_put("data", "key", 0);
	request.put_object->content_type = "text/plain\nx: y";
	rejects("a line break in content_type", &request, &s3_put_type);
}

int main(void)
{
	server_start(&server, serve, NULL);
	harness_open(&harness, server.port);
	test_targets();
	test_headers();
	test_hashes();
	test_injection();
	harness_close(&harness);
	server_stop(&server);
	return tap_done();
}
