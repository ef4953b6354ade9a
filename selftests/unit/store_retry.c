// SPDX-License-Identifier: GPL-2.0-only
/* What is sent again and what is not, the circuit breaker, and objects in parts, against scripted stores. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../tap.h"
#include "breaker.h"
#include "retry.h"
#include "store_harness.h"
#include "store_server.h"

static struct harness harness;
static struct server server;
static struct call call;

static void serve(void (*script)(struct server *server), void *arg)
{
	server_start(&server, script, arg);
	harness_open(&harness, server.port);
	harness.endpoint.max_attempts = 3;
	harness.endpoint.retry_backoff_ms = 1;
}

static void unserve(void)
{
	harness_close(&harness);
	server_stop(&server);
}

static void ends(const char *what, int status, const char *code)
{
	harness_run(&harness, &call, 20000);
	if (!tap_ok(call.finished && call.status == status && !strcmp(call_code(&call), code), "%s: %d %s", what, status, code))
		printf("#   got %s %d %s: %s\n", call.finished ? "" : "(not finished)", call.status, call_code(&call),
		       call_message(&call));
}

static void get(uint32_t window)
{
	call.window_size = window;
	call_start(&harness, &call, &s3_get_type, request_get("data", "key", ""));
}

/* ---- which errors, how long, how many ---- */

static void test_classes(void)
{
	static const struct {
		unsigned int status;
		const char *code;
		enum retry_class class;
	} cases[] = {
		{ 500, "InternalError", RETRY_TRANSIENT }, { 502, "", RETRY_TRANSIENT }, { 503, "ServiceUnavailable", RETRY_TRANSIENT },
		{ 504, "", RETRY_TRANSIENT }, { 501, "NotImplemented", RETRY_NEVER }, { 400, "RequestTimeout", RETRY_TIMEOUT },
		{ 408, "", RETRY_TIMEOUT }, { 429, "", RETRY_THROTTLED }, { 503, "SlowDown", RETRY_THROTTLED },
		{ 400, "ThrottlingException", RETRY_THROTTLED }, { 400, "ProvisionedThroughputExceededException", RETRY_THROTTLED },
		{ 400, "RequestLimitExceeded", RETRY_THROTTLED }, { 200, "InternalError", RETRY_TRANSIENT },
		{ 404, "NoSuchKey", RETRY_NEVER }, { 403, "AccessDenied", RETRY_NEVER }, { 412, "PreconditionFailed", RETRY_NEVER },
		{ 400, "BadRequest", RETRY_NEVER }, { 507, "", RETRY_NEVER },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok(retry_classify(cases[i].status, cases[i].code) == cases[i].class, "%u %s", cases[i].status, cases[i].code);
}

static void test_delays(void)
{
	uint64_t least = UINT64_MAX, most = 0, late = 0, delay;

	for (int i = 0; i < 1000; i++) {
		delay = retry_delay_ms(3, 1000, 0);
		least = delay < least ? delay : least;
		most = delay > most ? delay : most;
		delay = retry_delay_ms(30, 1000, 0);
		late = delay > late ? delay : late;
	}
	tap_ok(least < 400 && most > 3600 && most < 4000, "before the fourth attempt: anything up to 4 s (%u to %u ms)",
	       (unsigned int)least, (unsigned int)most);
	tap_ok(late > 18000 && late < 20000, "never more than 20 s");
	tap_ok(retry_delay_ms(1, 1, 5000) == 5000, "as late as the store asks");
}

static void test_quota(void)
{
	struct retry_quota quota = { 0 };
	unsigned int tries = 0;
	uint32_t cost;

	while (retry_quota_take(&quota, RETRY_TRANSIENT, &cost))
		tries++;
	tap_is(tries, 100, "a hundred retries without a success use up the quota");
	retry_quota_refill(&quota, cost);
	tap_ok(retry_quota_take(&quota, RETRY_THROTTLED, &cost), "one that succeeds gives its price back");
	for (int i = 0; i < 9; i++)
		retry_quota_refill(&quota, 0);
	tap_ok(!retry_quota_take(&quota, RETRY_TIMEOUT, &cost), "a retry after a time-out costs ten");
	retry_quota_refill(&quota, 0);
	tap_ok(retry_quota_take(&quota, RETRY_TIMEOUT, &cost), "and ten first successes pay for it");
}

/* ---- retries ---- */

struct answers {
	const char *first;		/* to so many requests */
	int count;
	const char *then;
	atomic_int requests;
};

/* One request a connection. */
static void serve_answers(struct server *s)
{
	struct answers *answers = s->arg;
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		if (!server_read_head(s, fd))
			server_puts(fd, answers->requests++ < answers->count ? answers->first : answers->then);
		close(fd);
	}
}

#define ANSWER_OK	"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
#define ANSWER_500	"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nX-Of: first\r\nContent-Type: of-first\r\nConnection: close\r\n\r\n"
#define ANSWER_403	"HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define ANSWER_LATER	"HTTP/1.1 503 Later\r\nRetry-After: 21\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

static void test_retries(void)
{
	struct answers answers = { ANSWER_500, 2, ANSWER_OK, 0 };

	serve(serve_answers, &answers);
	get(16);
	ends("two failures, then an answer", 0, "");
	tap_ok(call.received_len == 5 && !strcmp(call.op.response.content_type, ""), "of which only the last is seen");
	tap_is(harness_counters(&harness).retries, 2, "two retries are counted");
	call_free(&call);

	answers.requests = 0;
	answers.count = 3;
	get(16);
	ends("three failures are told", -EIO, "InternalError");
	tap_ok(strstr(call_message(&call), "; after 3 attempts") != NULL, "with the number of attempts");
	call_free(&call);

	answers.requests = 0;
	answers.first = ANSWER_403;
	get(16);
	ends("a refusal", -EACCES, "Forbidden");
	tap_is(answers.requests, 1, "is not tried again");
	call_free(&call);

	answers.requests = 0;
	answers.first = ANSWER_LATER;
	get(16);
	ends("Retry-After beyond 20 s", -EAGAIN, "ServiceUnavailable");
	tap_is(answers.requests, 1, "is not waited for");
	call_free(&call);

	answers.requests = 0;
	answers.first = "";
	get(16);
	ends("connections that are lost at once", -ECONNRESET, "NexusConnectionLost");
	tap_is(answers.requests, 3, "are tried three times");
	call_free(&call);
	unserve();
}

/* ---- resuming ---- */

struct object {
	char bytes[1000];
	unsigned int piece;		/* bytes sent before each reset */
	bool changes;			/* to another version after the first answer */
	bool ignores_ranges;
	atomic_int requests;
};

static void serve_object(struct server *s)
{
	struct object *object = s->arg;
	unsigned int first, last, len;
	char head[256], *range;
	int fd;

	while ((fd = server_accept(s)) >= 0) {
		if (server_read_head(s, fd)) {
			close(fd);
			continue;
		}
		first = 0, last = sizeof(object->bytes) - 1;
		range = strstr(s->head, "range: bytes=");
		if (range && !object->ignores_ranges)
			sscanf(range, "range: bytes=%u-%u", &first, &last);
		if (object->requests++ && object->changes) {
			server_puts(fd, "HTTP/1.1 412 Other\r\nContent-Length: 0\r\n\r\n");
			close(fd);
			continue;
		}
		if (object->requests > 1 && !strstr(s->head, "if-match: \"v1\"")) {
			server_puts(fd, ANSWER_403);
			close(fd);
			continue;
		}
		len = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nETag: \"v1\"\r\nContent-Length: %u\r\n",
			       range && !object->ignores_ranges ? "206 Part" : "200 OK", last - first + 1);
		if (range && !object->ignores_ranges)
			len += snprintf(head + len, sizeof(head) - len, "Content-Range: bytes %u-%u/%zu\r\n", first, last,
					sizeof(object->bytes));
		len += snprintf(head + len, sizeof(head) - len, "\r\n");
		server_write(fd, head, len);
		server_write(fd, object->bytes + first, object->piece < last - first + 1 ? object->piece : last - first + 1);
		usleep(10000);
		server_reset(fd);
	}
}

static void test_resume(void)
{
	static struct object object = { .piece = 150 };

	for (size_t i = 0; i < sizeof(object.bytes); i++)
		object.bytes[i] = i * 7;
	serve(serve_object, &object);
	get(90);
	ends("cut every 150 bytes, in windows of 90", 0, "");
	tap_ok(call.received_len == 1000 && !memcmp(call.received, object.bytes, 1000), "every byte is there once");
	tap_is(harness_counters(&harness).resumed, 6, "six times the rest was asked for");
	call_free(&call);

	object.requests = 0;
	object.piece = 0;
	get(90);
	ends("cut without a byte", -ECONNRESET, "NexusConnectionLost");
	tap_is(object.requests, 3, "three times only");
	call_free(&call);

	object.requests = 0;
	object.piece = 150;
	object.changes = true;
	get(90);
	ends("the object changes meanwhile", -ESTALE, "PreconditionFailed");
	tap_ok(call.received_len == 150, "what came is of one version");
	call_free(&call);

	object.requests = 0;
	object.changes = false;
	object.ignores_ranges = true;
	get(90);
	ends("a store that ignores ranges", -EPROTO, "NexusConnectionLost");
	tap_ok(call.received_len == 150, "no byte comes twice");
	call_free(&call);
	unserve();
}

/* ---- the breaker ---- */

static void test_breaker(void)
{
	struct answers answers = { ANSWER_500, 4, ANSWER_OK, 0 };

	serve(serve_answers, &answers);
	harness.endpoint.max_attempts = 1;
	harness.endpoint.breaker_failures = 3;
	harness.endpoint.breaker_cooldown_ms = 100;
	for (int i = 0; i < 3; i++) {
		get(16);
		ends("a failure", -EIO, "InternalError");
		call_free(&call);
	}
	get(16);
	ends("after three of them", -EHOSTDOWN, "NexusCircuitOpen");
	call_free(&call);
	tap_is(answers.requests, 3, "the store is not asked");
	harness_run_ms(&harness, 150);
	get(16);
	ends("later one is let through, and fails", -EIO, "InternalError");
	call_free(&call);
	get(16);
	ends("so it stays open", -EHOSTDOWN, "NexusCircuitOpen");
	call_free(&call);
	harness_run_ms(&harness, 150);
	get(16);
	ends("later one is let through, and succeeds", 0, "");
	call_free(&call);
	get(16);
	ends("and so do the next", 0, "");
	call_free(&call);
	tap_is(answers.requests, 6, "the store was asked six times in all");
	answers.requests = 0;
	answers.first = ANSWER_403;
	answers.count = 100;
	for (int i = 0; i < 5; i++) {
		get(16);
		harness_run(&harness, &call, 5000);
		call_free(&call);
	}
	tap_is(answers.requests, 5, "refusals open no circuit");
	unserve();
}

/* Its states one by one, by a clock of ours. */
static void test_breaker_states(void)
{
	static const struct endpoint endpoint = { .breaker_failures = 3, .breaker_cooldown_ms = 100 };
	struct breaker breaker;
	char text[512];

	breaker_init(&breaker, "test", "http://store");
	for (int i = 0; i < 2; i++)
		breaker_failure(&breaker, &endpoint, 1000, "down");
	breaker_success(&breaker);
	for (int i = 0; i < 2; i++)
		breaker_failure(&breaker, &endpoint, 1000, "down");
	tap_is(breaker_enter(&breaker, 1000, text, sizeof(text)), 0, "only failures in a row open it");
	breaker_failure(&breaker, &endpoint, 1000, "down");
	tap_is(breaker_enter(&breaker, 1099, text, sizeof(text)), -EHOSTDOWN, "the third opens it until the cooldown is over");
	tap_is(breaker_enter(&breaker, 1100, text, sizeof(text)), 1, "then one goes as the probe");
	tap_is(breaker_enter(&breaker, 1200, text, sizeof(text)), -EHOSTDOWN, "and no other one beside it");
	breaker_failure(&breaker, &endpoint, 1200, "down");
	tap_is(breaker_enter(&breaker, 1299, text, sizeof(text)), -EHOSTDOWN, "a probe that failed opens it again");
	tap_is(breaker_enter(&breaker, 1300, text, sizeof(text)), 1, "for as long");
	breaker_unknown(&breaker, 1310);
	tap_is(breaker_enter(&breaker, 1310, text, sizeof(text)), 1, "after one that was given up the next may go at once");
	breaker_success(&breaker);
	tap_is(breaker_enter(&breaker, 1310, text, sizeof(text)), 0, "a probe that came through closes it");
	tap_is(breaker.opens, 1, "it opened once in that time");
	breaker_destroy(&breaker);
}

int main(void)
{
	test_classes();
	test_delays();
	test_quota();
	test_retries();
	test_resume();
	test_breaker();
	test_breaker_states();
	return tap_done();
}
