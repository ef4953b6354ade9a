// SPDX-License-Identifier: GPL-2.0-only
/* Large objects in parts, of stores that answer for a part what nobody asked for. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../tap.h"
#include "store_harness.h"
#include "store_server.h"

#define OBJECT	1000
#define PART	100

static struct harness harness;
static struct server server;
static struct call call;
static char bytes[OBJECT];

static enum { GOOD, OTHER_VERSION, OTHER_BYTES, EMPTY, NO_ETAG, NO_NAME } manner;
static atomic_int whole, parts, unguarded, aborted;

/* ---- the store ---- */

static void answer_get(struct server *s, int fd)
{
	unsigned int first, last, shift;
	char head[256], *range = strstr(s->head, "range: bytes=");

	if (!range) {
		whole++;
		server_puts(fd, "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	if (manner == EMPTY) {
		server_puts(fd, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	sscanf(range, "range: bytes=%u-%u", &first, &last);
	parts++;
	unguarded += first && !strstr(s->head, "if-match: \"v1\"");
	shift = first && manner == OTHER_BYTES;
	snprintf(head, sizeof(head), "HTTP/1.1 206 Part\r\nETag: \"%s\"\r\nContent-Length: %u\r\nContent-Range: bytes %u-%u/%u\r\n\r\n",
		 first && manner == OTHER_VERSION ? "v2" : "v1", last - first + 1, first - shift, last - shift, OBJECT);
	server_puts(fd, head);
	server_write(fd, bytes + first, last - first + 1);
}

static void answer_document(int fd, const char *document)
{
	char head[128];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %zu\r\n\r\n", strlen(document));
	server_puts(fd, head);
	server_puts(fd, document);
}

static void serve_connection(struct server *s, int fd)
{
	char *length;

	while (!server_read_head(s, fd)) {
		length = strstr(s->head, "content-length: ");
		if (length)
			server_read(fd, NULL, strtoul(length + 16, NULL, 10));
		if (!strncmp(s->head, "GET", 3)) {
			answer_get(s, fd);
		} else if (!strncmp(s->head, "DELETE", 6)) {
			aborted++;
			server_puts(fd, "HTTP/1.1 204 No Content\r\n\r\n");
		} else if (!strncmp(s->head, "POST", 4)) {
			answer_document(fd, manner == NO_NAME ?
					"<InitiateMultipartUploadResult><UploadId></UploadId></InitiateMultipartUploadResult>" :
					strstr(s->head, "uploads") ?
					"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>" :
					"<CompleteMultipartUploadResult><ETag>\"w\"</ETag></CompleteMultipartUploadResult>");
		} else {
			*(strstr(s->head, "partNumber=") ? &parts : &whole) += 1;
			server_puts(fd, manner == NO_ETAG ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" :
				    "HTTP/1.1 200 OK\r\nETag: \"p\"\r\nContent-Length: 0\r\n\r\n");
		}
	}
}

static void serve(struct server *s)
{
	server_accept_each(s, serve_connection);
}

/* ---- what came of it ---- */

static void begin(int how)
{
	manner = how;
	whole = parts = unguarded = aborted = 0;
	server_start(&server, serve, NULL);
	harness_open(&harness, server.port);
	harness.endpoint.part_size = PART;
	harness.endpoint.multipart_threshold = PART;
	harness.endpoint.parallel = 4;
	call.window_size = 2 * OBJECT;
}

static void end(void)
{
	call_free(&call);
	harness_close(&harness);
	server_stop(&server);
}

static void ends(const char *what, int status, const char *message)
{
	harness_run(&harness, &call, 60000);
	if (!tap_ok(call.finished && call.status == status && strstr(call_message(&call), message), "%s: %d %s", what, status, message))
		printf("#   got %s %d %s\n", call.finished ? "" : "(not finished)", call.status, call_message(&call));
}

static void get(int how)
{
	begin(how);
	call_start(&harness, &call, &s3_get_type, request_get("data", "key", ""));
}

static void put(int how, const char *header)
{
	static Nexus__V1__Field field = NEXUS__V1__FIELD__INIT, *fields[] = { &field };
	Nexus__V1__Request *request = (Nexus__V1__Request *)request_put("data", "key", OBJECT);

	begin(how);
	field.name = (char *)header;
	field.value = "AAAAAA==";
	request->put_object->headers = fields;
	request->put_object->n_headers = header != NULL;
	call.upload = bytes;
	call.upload_len = OBJECT;
	call_start(&harness, &call, &s3_put_type, request);
}

static void test_gets(void)
{
	const Nexus__V1__Response *response = &call.op.response;
	bool range = false;

	get(GOOD);
	ends("an object in parts", 0, "");
	tap_ok(call.received_len == OBJECT && !memcmp(call.received, bytes, OBJECT), "every byte is there once");
	tap_is(parts, OBJECT / PART, "by as many requests as it has parts");
	tap_is(unguarded, 0, "all but the first with If-Match");
	for (size_t i = 0; i < response->n_headers; i++)
		range |= !strcmp(response->headers[i]->name, "content-range");
	tap_ok(response->http_status == 200 && response->content_length == OBJECT && !range, "to the guest it is one answer");
	end();

	get(OTHER_VERSION);
	ends("a part of another version", -EPROTO, "another version's");
	end();
	get(OTHER_BYTES);
	ends("other bytes than were asked for", -EPROTO, "other bytes");
	end();
	get(EMPTY);
	ends("an object of no bytes, which has no range", 0, "");
	tap_ok(!call.received_len && whole == 1, "is asked for as a whole");
	end();
}

static void test_puts(void)
{
	put(GOOD, NULL);
	ends("a put in parts", 0, "");
	tap_ok(parts == OBJECT / PART && !whole, "as many as it has");
	end();
	put(GOOD, "x-amz-checksum-crc32");
	ends("a put with a checksum of the whole", 0, "");
	tap_ok(!parts && whole == 1, "is one");
	end();
	put(NO_NAME, NULL);
	ends("an upload without a name", -EPROTO, "without a name");
	tap_is(parts, 0, "gets no parts");
	end();
	put(NO_ETAG, NULL);
	ends("a part answered without an entity tag", -EPROTO, "without an entity tag");
	for (int i = 0; i < 600 && !aborted; i++)
		harness_run_ms(&harness, 100);
	tap_is(aborted, 1, "the upload is aborted");
	end();
}

int main(void)
{
	for (size_t i = 0; i < OBJECT; i++)
		bytes[i] = i * 7;
	test_gets();
	test_puts();
	return tap_done();
}
