// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prefetches through a real daemon and store. NEXUS_TARGET is where most of it happens, SLOW the
 * socket of a tenant whose store answers slowly, FEW that of one with max_in_flight 8. Ends with
 * the numbers that the daemon should have counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../guest-lib/nexus.h"
#include "../tap.h"

#define BUCKET	"nexus-test"
#define BIG	1000000

static struct nexus *nx, *other;	/* other: as another process would have it */
static char *buf;			/* arena memory of nx, BIG bytes */
static uint64_t hits, useless;

static struct nexus_info info(struct nexus *of)
{
	struct nexus_info i = NEXUS_INFO_INIT;

	nexus_info(of, &i);
	return i;
}

static void store(struct nexus *by, const char *key, const char *text)
{
	if (nexus_put(by, BUCKET, key, text, strlen(text), NULL, NULL))
		tap_bail(key);
}

/* Let what is under way arrive, without looking at the ring. */
static void let_arrive(void)
{
	usleep(300000);
}

static bool get_is(const char *key, const struct nexus_options *o, const char *text)
{
	char plain[64] = "";
	ssize_t n = nexus_get(nx, BUCKET, key, plain, sizeof(plain), o, NULL);

	return n == (ssize_t)strlen(text) && !memcmp(plain, text, n);
}

static uint64_t hits_of(const char *key, const struct nexus_options *o, const char *text)
{
	uint64_t before = info(nx).prefetch_hits;

	if (!get_is(key, o, text))
		return 99;
	return info(nx).prefetch_hits - before;
}

static int prefetch(const char *key)
{
	return nexus_prefetch(nx, BUCKET, key, NULL);
}

static void test_arrived(void)
{
	struct nexus_info before, after;
	struct nexus_op *op;
	const void *data;
	ssize_t n;

	store(nx, "prefetch/a", "alpha");
	tap_is(prefetch("prefetch/a"), 0, "prefetch");
	tap_is(prefetch("prefetch/a"), 0, "twice is once");
	let_arrive();
	before = info(nx);
	n = nexus_get(nx, BUCKET, "prefetch/a", buf, BIG, NULL, &op);
	after = info(nx);
	tap_ok(n == 5 && !memcmp(buf, "alpha", 5), "get of what has arrived");
	tap_ok(nexus_op_content_length(op) == 5 && *nexus_op_etag(op) == '"', "with its headers");
	nexus_op_free(op);
	tap_is(after.kicks + after.waits + after.requests, before.kicks + before.waits + before.requests,
	       "costs no hypercall and no request");
	tap_is(after.prefetch_hits - before.prefetch_hits, 1, "and counts as a hit");
	tap_is(hits_of("prefetch/a", NULL, "alpha"), 0, "the next get runs by itself");

	prefetch("prefetch/a");
	let_arrive();
	before = info(nx);
	op = nexus_get_stream(nx, BUCKET, "prefetch/a", NULL);
	n = nexus_read_window(op, &data);
	tap_ok(n == 5 && !memcmp(data, "alpha", 5) && !nexus_read_window(op, &data), "a stream hands out the window");
	after = info(nx);
	tap_ok(after.copied == before.copied && after.requests == before.requests, "nothing was copied or requested");
	nexus_op_free(op);

	prefetch("prefetch/a");
	let_arrive();
	before = info(nx);
	op = nexus_get_start(nx, BUCKET, "prefetch/a", buf, BIG, NULL);
	tap_ok(!nexus_op_wait(op, 1000) && nexus_op_transferred(op) == 5 && info(nx).requests == before.requests,
	       "get_start takes it too");
	nexus_op_free(op);
	prefetch("prefetch/a");
	let_arrive();
	tap_is(nexus_get(nx, BUCKET, "prefetch/a", buf, 3, NULL, NULL), -EFBIG, "a buffer too small for it");
	hits = 4;
}

static void test_under_way(struct nexus *slow)
{
	struct nexus_info before = info(slow), after;
	char plain[8];
	int again = 0;

	store(other, "prefetch/slow", "sloth");
	nexus_prefetch(slow, BUCKET, "prefetch/slow", NULL);
	tap_is(nexus_get(slow, BUCKET, "prefetch/slow", plain, sizeof(plain), NULL, NULL), 5,
	       "get of what is under way waits for it");
	after = info(slow);
	tap_is(after.requests - before.requests, 1, "and asks no second time");
	for (int i = 0; i < 10; i++) {
		struct nexus_prefetch_options o = NEXUS_PREFETCH_OPTIONS_INIT;

		o.if_match = "\"no such tag\"";
		nexus_prefetch(slow, BUCKET, "prefetch/slow", &o);
		again += nexus_get(slow, BUCKET, "prefetch/slow", plain, sizeof(plain), NULL, NULL) == 5;
	}
	tap_is(again, 10, "one that fails meanwhile becomes the get itself");
	nexus_prefetch(slow, BUCKET, "prefetch/none", NULL);
	tap_is(nexus_get(slow, BUCKET, "prefetch/none", plain, sizeof(plain), NULL, NULL), -ENOENT,
	       "whose own error is what counts");
	hits += info(slow).prefetch_hits;
	useless += info(slow).prefetch_useless;
}

static void test_never_stale(void)
{
	struct nexus_options match = { .size = sizeof(match), .if_match = "\"another\"" };
	struct nexus_prefetch_options aged = NEXUS_PREFETCH_OPTIONS_INIT;
	struct nexus_op *op;
	char tag[64];

	store(nx, "prefetch/b", "one");
	prefetch("prefetch/b");
	let_arrive();
	tap_is(nexus_get(nx, BUCKET, "prefetch/b", buf, BIG, &match, NULL), -ESTALE, "a get of another entity tag runs by itself");
	nexus_head(nx, BUCKET, "prefetch/b", NULL, &op);
	snprintf(tag, sizeof(tag), "%s", nexus_op_etag(op));
	nexus_op_free(op);
	match.if_match = tag;
	tap_is(hits_of("prefetch/b", &match, "one"), 1, "of this tag it does not");

	prefetch("prefetch/b");
	let_arrive();
	store(nx, "prefetch/b", "two");
	tap_is(hits_of("prefetch/b", NULL, "two"), 0, "after a put the new object is got");
	prefetch("prefetch/b");
	let_arrive();
	op = nexus_put_stream(nx, BUCKET, "prefetch/b", 5, NULL);
	nexus_write(op, "th", 2);
	tap_is(hits_of("prefetch/b", NULL, "two"), 0, "nothing is served from the start of a put on");
	prefetch("prefetch/b");
	let_arrive();
	nexus_write(op, "ree", 3);
	tap_is(nexus_finish(op), 0, "a put with a prefetch in the middle");
	nexus_op_free(op);
	tap_is(hits_of("prefetch/b", NULL, "three"), 0, "and it is not the old object that is got");
	prefetch("prefetch/b");
	let_arrive();
	nexus_delete(nx, BUCKET, "prefetch/b", NULL, NULL);
	tap_is(nexus_get(nx, BUCKET, "prefetch/b", buf, BIG, NULL, NULL), -ENOENT, "nor after a delete");

	store(nx, "prefetch/c", "old");
	aged.max_age_ms = 400;
	nexus_prefetch(nx, BUCKET, "prefetch/c", &aged);
	let_arrive();
	store(other, "prefetch/c", "new");
	usleep(200000);
	tap_is(hits_of("prefetch/c", NULL, "new"), 0, "max_age is kept");
	prefetch("prefetch/c");
	let_arrive();
	store(other, "prefetch/c", "newer");
	usleep(900000);
	tap_is(hits_of("prefetch/c", NULL, "newer"), 0, "it is a second outside of an invocation");
	aged = (struct nexus_prefetch_options){ .size = sizeof(aged), .version_id = "null" };
	nexus_prefetch(nx, BUCKET, "prefetch/c", &aged);
	let_arrive();
	tap_is(hits_of("prefetch/c", NULL, "newer"), 0, "a named version is not served as the present one");
	hits++;
}

static void test_ranges(void)
{
	struct nexus_prefetch_options first = NEXUS_PREFETCH_OPTIONS_INIT;
	struct nexus_options range = { .size = sizeof(range), .range = "bytes=1-2" };
	struct nexus_options another = { .size = sizeof(range), .range = "bytes=0-1" };

	store(nx, "prefetch/r", "abcdef");
	first.range = "bytes=1-2";
	nexus_prefetch(nx, BUCKET, "prefetch/r", &first);
	let_arrive();
	tap_is(hits_of("prefetch/r", NULL, "abcdef"), 0, "a piece is not the whole");
	tap_is(hits_of("prefetch/r", &another, "ab"), 0, "nor another piece");
	tap_is(hits_of("prefetch/r", &range, "bc"), 1, "but itself");
	hits++;
}

static void test_large(void)
{
	struct nexus_prefetch_options o = NEXUS_PREFETCH_OPTIONS_INIT;
	char *back = malloc(BIG);
	uint64_t before;

	for (int i = 0; i < BIG; i++)
		buf[i] = i * 7 + i / 256;
	nexus_put(nx, BUCKET, "prefetch/big", buf, BIG, NULL, NULL);
	o.window = 65536;
	for (int i = 0; i < 2; i++) {
		before = info(nx).prefetch_hits;
		nexus_prefetch(nx, BUCKET, "prefetch/big", &o);
		if (i)
			let_arrive();
		memset(back, 0, BIG);
		tap_ok(nexus_get(nx, BUCKET, "prefetch/big", back, BIG, NULL, NULL) == BIG && !memcmp(back, buf, BIG) &&
		       info(nx).prefetch_hits == before + 1,
		       "of an object larger than the window the get brings the rest (%s)", i ? "arrived" : "under way");
	}
	hits += 2;
	if (getenv("FULL")) {
		nexus_prefetch(nx, BUCKET, "prefetch/big", &(struct nexus_prefetch_options){
			.size = sizeof(o), .window = 65536, .max_age_ms = 60000 });
		sleep(6);
		before = info(nx).prefetch_hits;
		tap_ok(nexus_get(nx, BUCKET, "prefetch/big", back, BIG, NULL, NULL) == BIG &&
		       info(nx).prefetch_hits == before, "but not after it held a connection for 5 s");
	}
	free(back);
}

static void test_failures(void)
{
	struct nexus_options none = { .size = sizeof(none) };
	struct nexus_op *op;

	nexus_delete(nx, BUCKET, "prefetch/late", NULL, NULL);
	tap_is(prefetch("prefetch/late"), 0, "prefetch of what is not there");
	let_arrive();
	store(other, "prefetch/late", "here");
	tap_is(hits_of("prefetch/late", &none, "here"), 0, "is no error once it is there");
	tap_is(nexus_prefetch(nx, "nexus-other", "secret", NULL), 0, "prefetch of what is denied");
	let_arrive();
	tap_is(nexus_get(nx, "nexus-other", "secret", buf, BIG, NULL, &op), -EACCES, "the get is denied");
	tap_ok(!strcmp(nexus_op_error_code(op), "NexusPolicyDenied"), "as any");
	nexus_op_free(op);
	tap_is(nexus_prefetch(nx, "", "key", NULL), -EINVAL, "no bucket");
	tap_is(nexus_prefetch(nx, BUCKET, "", NULL), -EINVAL, "no key");
	tap_is(nexus_prefetch(nx, BUCKET, "key", &(struct nexus_prefetch_options){ 0 }), -EINVAL, "options without a size");
}

static void test_bounds(struct nexus *few)
{
	struct nexus_prefetch_options huge = NEXUS_PREFETCH_OPTIONS_INIT;
	struct nexus_info before = info(nx);
	char key[32];
	int ok = 0;

	huge.window = 17 << 20;
	tap_is(nexus_prefetch(nx, BUCKET, "prefetch/a", &huge), -ENOSPC, "more than a quarter of the arena");
	for (int i = 0; i < 16; i++) {
		snprintf(key, sizeof(key), "prefetch/none/%d", i);
		ok += !prefetch(key);
	}
	tap_is(ok, 16, "sixteen at a time");
	let_arrive();
	tap_is(prefetch("prefetch/a"), 0, "those that failed make room");
	let_arrive();
	usleep(900000);
	tap_is(prefetch("prefetch/a"), 0, "and those that are too old");
	tap_is(info(nx).prefetch_useless - before.prefetch_useless, 17, "all of which were useless");

	/* Six of eight: three quarters. */
	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "prefetch/few/%d", i);
		nexus_prefetch(few, BUCKET, key, NULL);
	}
	tap_is(nexus_null(few, NULL, NULL), 0, "what the guest waits for finds room beside ten prefetches");
	let_arrive();
	tap_is(nexus_prefetch(few, BUCKET, "prefetch/few/new", NULL), 0, "a prefetch sweeps");
	tap_ok(info(few).prefetch_useless >= 4, "the daemon refused some of them");
}

int main(void)
{
	struct nexus *slow, *few;

	if (nexus_open(&nx, NULL) || nexus_open(&other, NULL) || nexus_open(&slow, getenv("SLOW")) ||
	    nexus_open(&few, getenv("FEW")))
		tap_bail(nexus_open_error());
	buf = nexus_alloc(nx, BIG);
	test_arrived();
	test_never_stale();
	test_ranges();
	test_large();
	test_failures();
	tap_is(info(nx).prefetch_hits, hits, "hits in all");
	useless = info(nx).prefetch_useless;
	test_under_way(slow);
	test_bounds(few);
	useless += info(nx).prefetch_useless - useless;
	nexus_null(nx, NULL, NULL);	/* the daemon reads the numbers with a submission */
	printf("# hits=%llu\n", (unsigned long long)hits);
	nexus_close(few);
	nexus_close(slow);
	nexus_close(other);
	nexus_close(nx);
	return tap_done();
}
