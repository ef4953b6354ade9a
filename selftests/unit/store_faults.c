// SPDX-License-Identifier: GPL-2.0-only
/* Stores that close, stall, refuse and cut; guests that lie about lengths; and operations that are aborted. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "../tap.h"
#include "store_harness.h"
#include "store_server.h"

#define OK_EMPTY	"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\n\r\n"
#define OK_HELLO	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define DENIED		"HTTP/1.1 403 Forbidden\r\nContent-Length: 39\r\n\r\n<Error><Code>AccessDenied</Code></Error>"

static struct harness harness;
static struct server server;
static struct call call;

static void serve(void (*script)(struct server *server), void *arg)
{
	server_start(&server, script, arg);
	harness_open(&harness, server.port);
}

static void unserve(void)
{
	harness_close(&harness);
	server_stop(&server);
}

static void ends(const char *what, int status, const char *code, const char *message)
{
	harness_run(&harness, &call, 20000);
	if (!tap_ok(call.finished && call.status == status && !strcmp(call_code(&call), code) &&
		    strstr(call_message(&call), message), "%s: %d %s %s", what, status, code, message))
		printf("#   got %s %d %s: %s\n", call.finished ? "" : "(not finished)", call.status, call_code(&call),
		       call_message(&call));
	call_free(&call);
}

static void get(uint32_t window)
{
	call.window_size = window;
	call_start(&harness, &call, &s3_get_type, request_get("data", "key", ""));
}

static void put(const char *data, size_t len, uint32_t window)
{
	call.upload = data;
	call.upload_len = len;
	call.window_size = window;
	call_start(&harness, &call, &s3_put_type, request_put("data", "key", len));
}

/* ---- stale connections ---- */

/* Answers one request a connection, and closes when the next one comes. */
static void serve_one_each(struct server *s)
{
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		if (!server_read_head(s, fd)) {
			server_read(fd, NULL, strncmp(s->head, "PUT", 3) ? 0 : 3);
			server_puts(fd, OK_EMPTY);
			server_read_head(s, fd);
		}
		close(fd);
	}
}

/* Closes as soon as it has answered. */
static void serve_and_close(struct server *s)
{
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		if (!server_read_head(s, fd))
			server_puts(fd, OK_EMPTY);
		close(fd);
	}
}

/* The second connection answers nothing either. */
static void serve_once(struct server *s)
{
	int fd = server_accept(s);

	if (!server_read_head(s, fd))
		server_puts(fd, OK_EMPTY);
	server_read_head(s, fd);
	close(fd);
	while ((fd = server_accept(s)) >= 0) {
		server_read_head(s, fd);
		close(fd);
	}
}

static void test_stale(void)
{
	struct counters c;

	serve(serve_one_each, NULL);
	get(16);
	ends("a first get", 0, "", "");
	get(16);
	ends("a get on a connection that the store closes is sent again", 0, "", "");
	put("abc", 3, 16);
	ends("so is a put whose window was not given back", 0, "", "");
	c = harness_counters(&harness);
	tap_is(c.store_connections, 3, "on a fresh connection each");
	tap_is(c.store_requests, 5, "once each");
	unserve();

	serve(serve_and_close, NULL);
	for (int i = 0; i < 3; i++) {
		get(16);
		ends("a get after the store closed", 0, "", "");
		harness_run_ms(&harness, 50);	/* it closes, and the loop learns of it */
	}
	tap_is(harness_counters(&harness).store_requests, 3, "a connection seen to be closed is not tried");
	unserve();

	serve(serve_once, NULL);
	get(16);
	ends("a first get", 0, "", "");
	get(16);
	ends("a second failure is final", -ECONNRESET, "NexusConnectionLost", "waiting for the answer");
	tap_is(harness_counters(&harness).store_requests, 3, "after one second try");
	unserve();
}

/* Answers with its name; "first" then closes. */
static void serve_named(struct server *s)
{
	const char *name = s->arg;
	char answer[64];
	int fd;

	snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(name), name);
	while ((fd = server_accept(s)) >= 0) {
		while (!server_read_head(s, fd)) {
			server_puts(fd, answer);
			if (!strcmp(name, "first"))
				break;
		}
		close(fd);
	}
}

static void answers(struct endpoint *endpoint, const char *name)
{
	harness.endpoints[0] = endpoint;
	get(16);
	harness_run(&harness, &call, 20000);
	if (!tap_ok(!call.status && call.received_len == strlen(name) && !memcmp(call.received, name, call.received_len),
		    "who is asked answers: the %s", name))
		printf("#   got %d: %.*s\n", call.status, (int)call.received_len, call.received);
	call_free(&call);
}

/*
 * libcurl looks for dead connections when it opens one, and closes their descriptors; the new connection
 * gets the number. The pool of the old one must not take the new one for its own.
 */
static void test_mistaken(void)
{
	struct server second;
	struct endpoint other;
	char url[64], authority[32];

	serve(serve_named, "first");
	server_start(&second, serve_named, "second");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", second.port);
	snprintf(authority, sizeof(authority), "127.0.0.1:%u", second.port);
	other = harness.endpoint;
	other.url = url;
	other.authority = authority;
	other.port = second.port;

	answers(&harness.endpoint, "first");
	/* It looks once in a second of its clock: wait that long, by the same clock. */
	harness_run_ms(&harness, 1500);
	answers(&other, "second");
	answers(&harness.endpoint, "first");
	answers(&other, "second");
	tap_is(harness_counters(&harness).store_connections, 3, "on a fresh connection where the old one had ended");
	unserve();
	server_stop(&second);
}

/* More than the answer to the second request of a connection, whose head comes as predicted. */
static void serve_surplus(struct server *s)
{
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		for (int i = 0; !server_read_head(s, fd); i++)
			server_puts(fd, i % 2 ? OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nforged" : OK_HELLO);
		close(fd);
	}
}

/* The same behind the rest of a body that comes by itself. */
static void serve_late_surplus(struct server *s)
{
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		for (int i = 0; !server_read_head(s, fd); i++) {
			server_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
			usleep(20000);	/* mostly received by then; if not, it is the other case */
			server_puts(fd, i % 2 ? "lloHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nforged" : "llo");
		}
		close(fd);
	}
}

static void surplus(void (*script)(struct server *server))
{
	serve(script, NULL);
	for (int i = 0; i < 5; i++) {
		get(5);
		harness_run(&harness, &call, 20000);
		tap_ok(call.received_len == 5 && !memcmp(call.received, "hello", 5),
		       "a get with what was sent for it, whatever follows an answer");
		call_free(&call);
	}
	tap_is(harness_counters(&harness).store_connections, 3, "a connection that said too much is not used again");
	unserve();
}

/* ---- nobody there ---- */

static void test_unreachable(void)
{
	harness_open(&harness, 1);
	get(16);
	ends("nobody listens", -ECONNREFUSED, "NexusConnectionFailed", "http://127.0.0.1:1");
	harness_close(&harness);

	harness_open(&harness, 1);
	harness.endpoint.host = "no-such-host.invalid";
	get(16);
	ends("a name that does not resolve", -EHOSTUNREACH, "NexusConnectionFailed", "no-such-host.invalid");
	harness_close(&harness);
}

/* ---- silence ---- */

static void serve_silence(struct server *s)
{
	const char *prefix = s->arg;
	int fd = server_accept(s);

	if (!strcmp(prefix, "deaf")) {
		usleep(500000);
	} else {
		server_read_head(s, fd);
		server_puts(fd, prefix);
		server_read(fd, NULL, 1);
	}
	close(fd);
}

static void test_stalls(void)
{
	static char large[32 << 20];

	serve(serve_silence, "");
	harness.endpoint.stall_timeout_ms = 100;
	get(16);
	ends("no answer", -ETIMEDOUT, "NexusTimeout", "while waiting for the answer, after 0 of 0 bytes");
	unserve();

	serve(serve_silence, "HTTP/1.1 200 OK\r\nContent-Le");
	harness.endpoint.stall_timeout_ms = 100;
	get(16);
	ends("half a head", -ETIMEDOUT, "NexusTimeout", "waiting for the answer");
	unserve();

	serve(serve_silence, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
	harness.endpoint.stall_timeout_ms = 100;
	get(16);
	ends("half a body", -ETIMEDOUT, "NexusTimeout", "while receiving, after 3 of 9 bytes");
	unserve();

	serve(serve_silence, "HTTP/1.1 404 No\r\nContent-Length: 900\r\n\r\n<Error><Code>NoSuchKey</Code>");
	harness.endpoint.stall_timeout_ms = 100;
	get(16);
	ends("half an error", -ENOENT, "NoSuchKey", "");
	unserve();

	serve(serve_silence, "deaf");
	harness.endpoint.stall_timeout_ms = 100;
	put(large, sizeof(large), 1 << 20);
	ends("a store that does not read", -ETIMEDOUT, "NexusTimeout", "while sending");
	unserve();

	/* While the guest brings no window, it is not the store that stalls. */
	serve(serve_silence, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef");
	harness.endpoint.stall_timeout_ms = 100;
	call.manual = true;
	get(3);
	harness_run(&harness, &call, 400);
	tap_ok(!call.finished && call.windows_done == 1, "a guest may take its time");
	call_window(&call, 3);
	ends("and goes on", 0, "", "");
	unserve();
}

/* ---- cuts ---- */

static void serve_cut(struct server *s)
{
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		server_read_head(s, fd);
		server_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
		usleep(20000);
		server_reset(fd);
	}
}

static void test_cuts(void)
{
	serve(serve_cut, NULL);
	get(200);
	ends("cut in mid-body", -ECONNRESET, "NexusConnectionLost", "after 10 of 100 bytes");
	get(4);
	ends("cut after windows were filled", -ECONNRESET, "NexusConnectionLost", "after 10 of 100 bytes");
	unserve();
}

/* ---- refusals of uploads ---- */

static void serve_denial(struct server *s)
{
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		server_read_head(s, fd);
		server_read(fd, NULL, 100000);
		server_puts(fd, s->arg);
		/* Close with bytes unread: the client's sending breaks. */
		usleep(50000);
		close(fd);
	}
}

static void test_refused_uploads(void)
{
	static char large[32 << 20];

	serve(serve_denial, DENIED);
	put(large, sizeof(large), 1 << 20);
	ends("a refusal in the middle of an upload", -EACCES, "AccessDenied", "");
	put(large, sizeof(large), sizeof(large));
	ends("in the middle of a window", -EACCES, "AccessDenied", "");
	unserve();

	serve(serve_denial, OK_EMPTY);
	put(large, sizeof(large), 1 << 20);
	ends("success before the end is none", -EPROTO, "NexusConnectionLost", "before it had the whole request");
	unserve();
}

/* ---- uploads that are not as long as announced ---- */

static atomic_int complete_uploads;

/* Counts the uploads that arrive whole. */
static void serve_uploads(struct server *s)
{
	int fd;
	char *length;
	size_t len;

	while ((fd = server_accept(s)) >= 0) {
		while (!server_read_head(s, fd)) {
			length = strstr(s->head, "content-length: ");
			len = length ? strtoul(length + 16, NULL, 10) : 0;
			if (server_read(fd, NULL, len) < len)
				break;
			complete_uploads++;
			server_puts(fd, OK_EMPTY);
		}
		close(fd);
	}
}

static void lies(const char *what, uint64_t announced, size_t len, uint32_t window, bool late_fin)
{
	static char data[65536];

	call.upload = data;
	call.upload_len = len;
	call.window_size = window;
	call.late_fin = late_fin;
	call_start(&harness, &call, &s3_put_type, request_put("data", "key", announced));
	ends(what, -EINVAL, "NexusBadRequest", "content_length");
}

static void test_lengths(void)
{
	static char data[65536];

	complete_uploads = 0;
	serve(serve_uploads, NULL);
	lies("too much, in one window", 10, 11, 64, false);
	lies("too much, in the last window", 25, 30, 10, false);
	lies("a window after all was there", 20, 30, 10, false);
	lies("FIN too early", 100, 30, 10, false);
	lies("FIN too early, in an empty window", 100, 30, 10, true);
	lies("nothing, but bytes announced", 5, 0, 10, false);
	lies("bytes, but nothing announced", 0, 5, 10, false);
	harness_run_ms(&harness, 50);
	tap_is(complete_uploads, 0, "no such upload was complete for the store");
	for (int late = 0; late < 2; late++) {
		call.late_fin = late;
		put(data, 30, 10);
		ends("the right length", 0, "", "");
		call.late_fin = late;
		put(data, 0, 10);
		ends("the right length, none", 0, "", "");
	}
	tap_is(complete_uploads, 4, "those of the right length were");
	unserve();
}

/* ---- limits ---- */

static atomic_int connections_now, connections_most;

static void serve_slowly(struct server *s, int fd)
{
	if (++connections_now > connections_most)
		connections_most = connections_now;
	while (!server_read_head(s, fd)) {
		usleep(2000);
		server_puts(fd, OK_HELLO);
	}
	connections_now--;
}

static void serve_many(struct server *s)
{
	server_accept_each(s, serve_slowly);
}

static void test_limit(void)
{
	static struct call calls[40];
	int failed = 0;

	serve(serve_many, NULL);
	harness.endpoint.max_connections = 3;
	harness.endpoint.idle_timeout_ms = 300;
	for (int i = 0; i < 40; i++) {
		calls[i].window_size = 16;
		call_start(&harness, &calls[i], &s3_get_type, request_get("data", "key", ""));
	}
	for (int i = 5; i < 40; i += 7)
		call_abort(&calls[i]);
	for (int i = 0; i < 40; i++) {
		harness_run(&harness, &calls[i], 5000);
		failed += !calls[i].finished || calls[i].status != (i % 7 == 5 ? -ECANCELED : 0);
		call_free(&calls[i]);
	}
	tap_is(failed, 0, "40 gets at once, some of them aborted while they wait, share the connections");
	tap_is(connections_most, 3, "of which there are never more than max_connections");
	get(16);
	ends("one more get", 0, "", "");
	harness_run_ms(&harness, 800);
	tap_is(connections_now, 0, "idle connections are closed");
	unserve();
}

/* ---- tenants ---- */

static void test_tenants(void)
{
	struct tenant other;

	serve(serve_many, NULL);
	get(16);
	ends("one tenant's get", 0, "", "");
	other = harness.tenant;
	other.name = "other";
	harness.as = &other;
	get(16);
	ends("another tenant's get", 0, "", "");
	tap_is(harness_counters(&harness).store_connections, 2, "has a connection of its own");
	unserve();
}

/* ---- abort at any point ---- */

static void serve_drip(struct server *s)
{
	static const char response[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n";
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		if (!server_read_head(s, fd)) {
			server_read(fd, NULL, strncmp(s->head, "PUT", 3) ? 0 : 30000);
			for (size_t i = 0; i < sizeof(response) - 1; i++) {
				server_write(fd, response + i, 1);
				usleep(300);
			}
		}
		close(fd);
	}
}

static void test_aborts(void)
{
	static char data[30000];
	unsigned int ended = 0;

	serve(serve_drip, NULL);
	for (unsigned int ms = 0; ms < 40; ms++) {
		if (ms & 1)
			put(data, sizeof(data), 1000);
		else
			get(3);
		if (ms)
			harness_run(&harness, &call, ms);
		ended += call.finished;
		call_abort(&call);
		call_free(&call);
	}
	tap_ok(ended < 40, "operations aborted after 0 to 39 ms leave nothing behind (%u had ended)", ended);
	get(16);
	ends("and the next one works", 0, "", "");
	unserve();
}

int main(void)
{
	test_stale();
	test_mistaken();
	surplus(serve_surplus);
	surplus(serve_late_surplus);
	test_unreachable();
	test_stalls();
	test_cuts();
	test_refused_uploads();
	test_lengths();
	test_limit();
	test_tenants();
	test_aborts();
	return tap_done();
}
