// SPDX-License-Identifier: GPL-2.0-only
/* How responses are framed: heads, bodies, predictions, and what breaks the rules. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "../tap.h"
#include "chunk.h"
#include "http_head.h"
#include "store_harness.h"
#include "store_server.h"

/* A response that every request gets, in two pieces if split. */
struct answer {
	const char *bytes;
	size_t len, split;
	bool close;
};

static struct harness harness;
static struct server server;
static struct call call;

static void serve_answer(struct server *s)
{
	struct answer *answer = s->arg;
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		while (!server_read_head(s, fd)) {
			if (answer->split) {
				server_write(fd, answer->bytes, answer->split);
				usleep(1500);
			}
			server_write(fd, answer->bytes + answer->split, answer->len - answer->split);
			if (answer->close)
				break;
		}
		close(fd);
	}
}

static void serve(struct answer *answer)
{
	server_start(&server, serve_answer, answer);
	harness_open(&harness, server.port);
}

static void unserve(void)
{
	harness_close(&harness);
	server_stop(&server);
}

static void get(uint32_t window)
{
	call.window_size = window;
	call_start(&harness, &call, &s3_get_type, request_get("data", "key", ""));
	harness_run(&harness, &call, 10000);
}

static bool got(int status, const char *want, size_t len)
{
	bool ok = call.finished && call.status == status && call.received_len == len &&
		  !memcmp(call.received ? call.received : "", want, len);

	if (!ok)
		printf("# status %d %s %s, %zu bytes\n", call.status, call_code(&call), call_message(&call), call.received_len);
	call_free(&call);
	return ok;
}

/* ---- whole responses, split anywhere ---- */

static void split_everywhere(const char *what, const char *response, const char *want, bool close_after)
{
	struct answer answer = { .bytes = response, .len = strlen(response), .close = close_after };
	static const uint32_t windows[] = { 4096, 1, 3, 0 };
	unsigned int wrong = 0;
	size_t len = strlen(want);

	serve(&answer);
	for (answer.split = 0; answer.split < answer.len; answer.split++) {
		/* A window of exactly the body's size is the common one. */
		get(answer.split % 5 == 4 ? len : windows[answer.split % 5] ? windows[answer.split % 5] : 2);
		wrong += !got(0, want, len);
	}
	unserve();
	tap_is(wrong, 0, what);
}

static void test_splits(void)
{
	split_everywhere("Content-Length, split at every byte",
			 "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 11\r\n\r\nhello world", "hello world", false);
	split_everywhere("chunked, split at every byte",
			 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "5\r\nhello\r\n1;name=value\r\n \r\n00005\r\nworld\r\n0\r\nTrailer: x\r\n\r\n", "hello world", false);
	split_everywhere("until close, split at every byte",
			 "HTTP/1.1 200 OK\r\nETag: \"x\"\r\n\r\nhello world", "hello world", true);
	split_everywhere("HTTP/1.0, split at every byte",
			 "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", true);
	split_everywhere("an interim response first, split at every byte",
			 "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", false);
}

/* ---- what breaks the rules ---- */

static void refuses(const char *what, const char *response, int status, const char *code)
{
	struct answer answer = { .bytes = response, .len = strlen(response), .close = true };

	serve(&answer);
	get(64);
	if (!tap_ok(call.finished && call.status == status && !strcmp(call_code(&call), code), "%s: %d %s", what, status, code))
		printf("#   got %d %s %s\n", call.status, call_code(&call), call_message(&call));
	call_free(&call);
	unserve();
}

static void test_refusals(void)
{
	static const char lost[] = "NexusConnectionLost";
	static char large[40000];

	refuses("Content-Length and chunked", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		-EPROTO, lost);
	refuses("Content-Length twice", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", -EPROTO, lost);
	refuses("a Content-Length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello", -EPROTO, lost);
	refuses("a negative Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", -EPROTO, lost);
	refuses("a list as Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", -EPROTO, lost);
	refuses("a Content-Length beyond 64 bits", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nh", -EPROTO, lost);
	refuses("an unknown Transfer-Encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", -EPROTO, lost);
	refuses("no HTTP at all", "220 mail.example ESMTP\r\n\r\n", -EPROTO, lost);
	refuses("a folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n", -EPROTO, lost);
	refuses("a space before a colon", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello", -EPROTO, lost);
	refuses("a status below 100", "HTTP/1.1 99 No\r\nContent-Length: 0\r\n\r\n", -EPROTO, lost);
	refuses("a switch of protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", -EPROTO, lost);
	refuses("a chunk's size that is no number", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", -EPROTO, lost);
	refuses("a chunk's size beyond 64 bits", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
		-EPROTO, lost);
	refuses("a chunk that is longer than it said", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
		-EPROTO, lost);
	refuses("a cut head", "HTTP/1.1 200 OK\r\nContent-Le", -ECONNRESET, lost);
	refuses("no answer", "", -ECONNRESET, lost);
	refuses("a cut body", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello", -ECONNRESET, lost);
	refuses("a cut chunked body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", -ECONNRESET, lost);
	memset(large, 'a', sizeof(large) - 1);
	memcpy(large, "HTTP/1.1 200 OK\r\nA: ", 20);
	refuses("a head of more than 32 KiB", large, -EPROTO, lost);
}

/* ---- errors with and without a document ---- */

static void test_error_bodies(void)
{
	static char large[200000];

	refuses("an error's document", "HTTP/1.1 404 Not Found\r\nContent-Length: 97\r\n\r\n"
		"<?xml version=\"1.0\"?><Error><Code>NoSuch&#75;ey</Code><Message>a &amp; b</Message><X>y</X></Error>",
		-ENOENT, "NoSuchKey");
	refuses("an error's document that is cut", "HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\n"
		"<Error><Code>NoSuchKey</Code><Mess", -ENOENT, "NoSuchKey");
	refuses("an error in chunks", "HTTP/1.1 503 Slow Down\r\nTransfer-Encoding: chunked\r\n\r\n"
		"f\r\n<Error><Code>Sl\r\n15\r\nowDown</Code></Error>\r\n0\r\n\r\n", -EAGAIN, "SlowDown");
	refuses("an error until close", "HTTP/1.1 500 Oops\r\n\r\n<Error><Code>InternalError</Code></Error>", -EIO, "InternalError");
	refuses("an error without a document", "HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n", -ERANGE, "InvalidRange");
	refuses("an error that is a web page", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 25\r\n\r\n<html><h1>Bad!</h1><br></",
		-EIO, "UnexpectedStatus");
	refuses("a document type", "HTTP/1.1 403 No\r\nContent-Length: 73\r\n\r\n"
		"<!DOCTYPE x [<!ENTITY a \"aa\">]><Error><Code>&a;&a;&a;&a;&a;</Code></Error>", -EACCES, "Forbidden");
	refuses("a redirect", "HTTP/1.1 307 Elsewhere\r\nLocation: http://example/\r\nContent-Length: 0\r\n\r\n",
		-EREMCHG, "TemporaryRedirect");
	memset(large, ' ', sizeof(large) - 1);
	memcpy(large, "HTTP/1.1 400 Bad\r\nContent-Length: 199900\r\n\r\n<Error><Code>TooMuch</Code>", 72);
	refuses("an error of 200 KB", large, -EINVAL, "TooMuch");
}

/* ---- prediction ---- */

struct lengths {
	unsigned int pad[8];	/* bytes of padding in the head of each response */
	unsigned int count;
};

static void serve_lengths(struct server *s)
{
	struct lengths *lengths = s->arg;
	char response[512];
	int fd = server_accept(s), len;

	for (unsigned int i = 0; i < lengths->count && !server_read_head(s, fd); i++) {
		len = snprintf(response, sizeof(response), "HTTP/1.1 200 OK\r\nX-Pad: %0*d\r\nContent-Length: 100\r\n\r\n%0100d",
			       lengths->pad[i], 1, 7);
		server_write(fd, response, len);
	}
	server_read(fd, NULL, 1);
	close(fd);
}

static void test_prediction(void)
{
	struct lengths lengths = { { 200, 200, 200, 190, 190, 203, 203, 203 }, 8 };
	static const uint64_t want[] = { 0, 0, 0, 10, 0, 0, 0, 0 };
	struct counters before;

	server_start(&server, serve_lengths, &lengths);
	harness_open(&harness, server.port);
	for (unsigned int i = 0; i < lengths.count; i++) {
		before = harness_counters(&harness);
		get(100);
		call_free(&call);
		if (i)
			tap_ok(harness_counters(&harness).bytes_copied - before.bytes_copied == want[i],
			       "a head %s: %u bytes are copied",
			       lengths.pad[i] == lengths.pad[i - 1] ? "as long as predicted" :
			       lengths.pad[i] < lengths.pad[i - 1] ? "10 bytes shorter than predicted" : "longer than predicted",
			       (unsigned int)want[i]);
		else
			tap_ok(harness_counters(&harness).bytes_copied < 64, "the first head: less than 64 bytes are copied");
	}
	tap_is(harness_counters(&harness).bytes_from_store, 800, "all payload is counted");
	tap_is(harness_counters(&harness).store_connections, 1, "over one connection");
	harness_close(&harness);
	server_stop(&server);
}

/* ---- a head and its body at once, once the heads' length seems known ---- */

#define PRIMES	8

struct surprise {
	const char *bytes;
	size_t len, split;
};

/* Answers of one shape, then another one, then the first again. */
static void serve_surprise(struct server *s)
{
	static const char prime[] = "HTTP/1.1 200 OK\r\nX-Some: filler\r\nContent-Length: 10\r\n\r\n0123456789";
	struct surprise *surprise = s->arg;
	unsigned int count = 0;
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		while (!server_read_head(s, fd)) {
			if (count++ != PRIMES) {
				server_write(fd, prime, sizeof(prime) - 1);
				continue;
			}
			if (surprise->split) {
				server_write(fd, surprise->bytes, surprise->split);
				usleep(1500);
			}
			server_write(fd, surprise->bytes + surprise->split, surprise->len - surprise->split);
		}
		close(fd);
	}
}

static void surprised(const char *bytes, size_t split, uint32_t window, int status, const char *want, bool kept,
		      const char *what)
{
	struct surprise surprise = { bytes, strlen(bytes), split };
	unsigned int wrong = 0;
	uint64_t copied;
	bool ok;

	server_start(&server, serve_surprise, &surprise);
	harness_open(&harness, server.port);
	for (unsigned int i = 0; i < PRIMES; i++) {
		copied = harness_counters(&harness).bytes_copied;
		get(10);
		wrong += !got(0, "0123456789", 10) || (i && harness_counters(&harness).bytes_copied != copied);
	}
	get(window);
	ok = got(status, want, strlen(want));
	get(10);
	wrong += !got(0, "0123456789", 10);
	tap_ok(!wrong && ok && (harness_counters(&harness).store_connections == 1) == kept, "%s: as it is, %s%s", what,
	       kept ? "over the same connection" : "and the connection ends", split ? ", in two pieces" : "");
	harness_close(&harness);
	server_stop(&server);
}

static void test_surprises(void)
{
	static const char error[] = "<Error><Code>NoSuchKey</Code></Error>";
	static const char same[] = "HTTP/1.1 200 OK\r\nX-Some: filler\r\nContent-Length: 10\r\n\r\nabcdefghij";
	char missing[256];

	for (size_t split = 0; split < sizeof(same) - 1; split++)
		surprised(same, split, 10, 0, "abcdefghij", true, "a head of the same length");
	surprised("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcdefghij", 0, 10, 0, "abcdefghij", true, "a shorter head");
	surprised("HTTP/1.1 200 OK\r\nX-Some: filler, more\r\nContent-Length: 10\r\n\r\nabcdefghij", 0, 10, 0, "abcdefghij",
		  false, "a longer head");
	surprised("HTTP/1.1 200 OK\r\nX-Some: fillers\r\nContent-Length: 4\r\n\r\nabcd", 0, 10, 0, "abcd", true,
		  "a shorter body");
	surprised("HTTP/1.1 200 OK\r\nX-Some: filler\r\nContent-Length: 25\r\n\r\nabcdefghijklmnopqrstuvwxy", 0, 10, 0,
		  "abcdefghijklmnopqrstuvwxy", true, "a body of several windows");
	surprised("HTTP/1.1 200 OK\r\nX-Some: filler\r\nContent-Length: 10\r\n\r\nabcdefghijX", 0, 10, 0, "abcdefghij", false,
		  "a byte too many");
	surprised("HTTP/1.1 200 OK\r\nX-Some: fillers\r\nContent-Length: 4\r\n\r\nabcdXY", 0, 10, 0, "abcd", false,
		  "bytes too many where the window goes on");
	surprised("HTTP/1.1 200 OK\r\nX: 789\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n", 0, 10, 0, "abcd", false,
		  "a chunked body behind a head of the same length");
	surprised("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Some: filler\r\nContent-Length: 10\r\n\r\nabcdefghij", 0, 10, 0,
		  "abcdefghij", false, "an interim head before");
	surprised("HTTP/1.1 200 OK\r\nX-Some: filler\r\nContent-Length: 00\r\n\r\n", 0, 10, 0, "", true, "no body");
	snprintf(missing, sizeof(missing), "HTTP/1.1 404 No\r\nX-Some: filler\r\nContent-Length: %zu\r\n\r\n%s", sizeof(error) - 1,
		 error);
	surprised(missing, 0, 10, -ENOENT, "", true, "an error with a head of the same length");
	surprised(missing, 70, 10, -ENOENT, "", true, "an error with a head of the same length");
}

/* ---- windows ---- */

static void test_windows(void)
{
	struct answer answer = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678", .len = 46 };

	serve(&answer);
	call.manual = true;
	call.window_size = 0;
	call_start(&harness, &call, &s3_get_type, request_get("data", "key", ""));
	harness_run(&harness, &call, 100);
	tap_ok(!call.finished && call.windows_done == 1 && call.op.response.content_length == 8,
	       "a first window of no bytes gets the head, and the stream goes on");
	call_window(&call, 5);
	harness_run(&harness, &call, 100);
	tap_ok(!call.finished && call.windows_done == 2 && call.received_len == 5, "a full window goes back at once");
	call_window(&call, 3);
	harness_run(&harness, &call, 1000);
	tap_ok(got(0, "12345678", 8), "the last byte ends the stream though the window is exactly full");
	unserve();
}

static void test_no_content(void)
{
	struct answer answer = { .bytes = "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", .len = 46 };

	serve(&answer);
	get(64);
	tap_is(call.op.response.content_length, 0, "204 has no content, whatever length it tells");
	tap_ok(got(0, "", 0), "and ends with its head");
	unserve();
}

/* ---- heads and chunks on their own ---- */

static void test_head_need(void)
{
	tap_is(http_head_need("a", 1), 4, "four bytes are missing at least");
	tap_is(http_head_need("a\r", 2), 3, "three after CR");
	tap_is(http_head_need("a\r\n", 3), 2, "two after CR LF");
	tap_is(http_head_need("a\r\n\r", 4), 1, "one after CR LF CR");
	tap_is(http_head_find("a\r\n\r\nb", 6, 0), 5, "the end is found");
	tap_is(http_head_find("a\r\n\r\nb", 6, 4), 5, "from within the end, too");
	tap_is(http_head_find("a\n\nb", 4, 0), 0, "bare line feeds end no head");
}

static bool field_same(const struct http_field *a, const struct http_field *b)
{
	return a->name_len == b->name_len && !memcmp(a->name, b->name, a->name_len) &&
	       a->value_len == b->value_len && !memcmp(a->value, b->value, a->value_len);
}

/*
 * A field whose value has a tab keeps the quick way from being taken: without it the head must
 * mean the same, and be refused where the other is.
 */
static bool head_means_the_same(char *head, size_t len)
{
	static const char tab[] = "X: a\tb\r\n\r\n";
	struct http_head quick, slow;
	const char *reason;
	char other[256];
	int a, b;

	memcpy(other, head, len - 2);
	memcpy(other + len - 2, tab, sizeof(tab) - 1);
	a = http_head_parse(&quick, head, len, false, &reason);
	b = http_head_parse(&slow, other, len - 2 + sizeof(tab) - 1, false, &reason);
	if (a || b)
		return a == b;
	if (quick.status != slow.status || quick.keep_alive != slow.keep_alive || quick.framing != slow.framing ||
	    quick.content_length != slow.content_length || quick.field_count + 1 != slow.field_count)
		return false;
	for (unsigned int i = 0; i < quick.field_count; i++) {
		if (!field_same(&quick.fields[i], &slow.fields[i]))
			return false;
	}
	return true;
}

static void test_head_ways(void)
{
	static const char *const heads[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nETag:  \"0123456789abcdef\" \r\nX-Empty:\r\n\r\n",
		"HTTP/1.1 404\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.0 206 Partial\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n",
	};
	struct http_head head;
	const char *reason;
	unsigned int wrong = 0, refused = 0;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		size_t len = strlen(heads[i]);
		char text[200];

		memcpy(text, heads[i], len);
		/* The last four bytes are what ends a head. */
		for (size_t at = 0; at < len - 4; at++) {
			for (int byte = 0; byte < 256; byte++) {
				text[at] = byte;
				if (http_head_find(text, len, 0) != len || head_means_the_same(text, len)) {
					refused += http_head_parse(&head, text, len, false, &reason) != 0;
					continue;
				}
				printf("# head %zu with byte %02x at %zu\n", i, byte, at);
				wrong++;
			}
			text[at] = heads[i][at];
		}
	}
	tap_is(wrong, 0, "a head means the same to the quick parser and to the library's, whatever byte is changed");
	tap_ok(refused > 1000, "%u of them are refused", refused);
}

static void test_chunk_need(void)
{
	static const char frames[] = "3\r\nabc\r\n10;x\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\n";
	struct chunk chunk = { 0 };
	size_t at = 0, need, data = 0;
	int ret = 0;

	while (!ret && chunk.state != CHUNK_END) {
		need = chunk_need(&chunk);
		if (!need) {
			data += chunk.size;
			at += chunk.size;
			chunk.size = 0;
		} else {
			ret = chunk_feed(&chunk, frames + at, need);
			at += need;
		}
	}
	tap_ok(!ret && at == sizeof(frames) - 1 && data == 19, "reading what is needed never reads beyond");
}

int main(void)
{
	test_head_need();
	test_head_ways();
	test_chunk_need();
	test_splits();
	test_refusals();
	test_error_bodies();
	test_prediction();
	test_surprises();
	test_windows();
	test_no_content();
	return tap_done();
}
