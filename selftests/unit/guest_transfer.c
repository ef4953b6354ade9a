// SPDX-License-Identifier: GPL-2.0-only
/* Objects through the library: every way to move payload, against a peer that keeps the rules. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "../tap.h"
#include "guest_peer.h"

#define BUCKET		"bucket"
#define WINDOW		8192

static struct peer peer;
static struct nexus *nx;
static const struct nexus_options small = { .size = sizeof(small), .window = WINDOW };

static bool is_object(const uint8_t *data, uint64_t n, uint64_t from)
{
	for (uint64_t i = 0; i < n; i++)
		if (data[i] != peer_byte(from + i))
			return false;
	return true;
}

static const char *key_of(uint64_t size)
{
	static char key[32];

	snprintf(key, sizeof(key), "%llu", (unsigned long long)size);
	return key;
}

static uint64_t copied(void)
{
	struct nexus_info info = NEXUS_INFO_INIT;

	nexus_info(nx, &info);
	return info.copied;
}

static void test_arena_get(void)
{
	uint8_t *buf = nexus_alloc(nx, 100000);
	struct nexus_op *op;

	tap_is(nexus_get(nx, BUCKET, "100000", buf, 100000, NULL, &op), 100000, "get of exactly the buffer's size");
	tap_ok(is_object(buf, 100000, 0), "the bytes are the object's");
	tap_is(copied(), 0, "and were not copied");
	tap_is(nexus_op_content_length(op), 100000, "content length");
	tap_ok(!strcmp(nexus_op_etag(op), "\"tag\"") && !strcmp(nexus_op_metadata(op, "color"), "blue"),
	       "entity tag and metadata, whose names have no case");
	tap_ok(!nexus_op_metadata(op, "size"), "metadata that is not there");
	tap_ok(!*nexus_op_error_code(op), "no error");
	nexus_op_free(op);
	tap_is(nexus_get(nx, BUCKET, "100001", buf, 100000, NULL, &op), -EFBIG, "an object larger than the buffer");
	tap_is(nexus_op_content_length(op), 100001, "says how large it is");
	nexus_op_free(op);
	tap_is(nexus_get(nx, BUCKET, "0", buf, 100000, NULL, NULL), 0, "an empty object");
	tap_is(nexus_get(nx, BUCKET, "10", buf + 99990, 100, NULL, NULL), -EINVAL, "a buffer that leaves its allocation");
	nexus_free(nx, buf);
	tap_is(nexus_get(nx, BUCKET, "10", buf, 10, NULL, NULL), -EINVAL, "a buffer that was freed");
}

static void test_plain_get(void)
{
	static const uint64_t sizes[] = { 1, WINDOW - 1, WINDOW, WINDOW + 1, 10 * WINDOW, 1000001 };
	static uint8_t buf[1000001];
	bool ok = true;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(buf, 0xee, sizeof(buf));
		ok &= nexus_get(nx, BUCKET, key_of(sizes[i]), buf, sizeof(buf), &small, NULL) == (ssize_t)sizes[i] &&
		      is_object(buf, sizes[i], 0);
		ok &= nexus_get(nx, BUCKET, key_of(sizes[i]), buf, sizes[i], &small, NULL) == (ssize_t)sizes[i];
		ok &= nexus_get(nx, BUCKET, key_of(sizes[i] + 1), buf, sizes[i], &small, NULL) == -EFBIG;
	}
	tap_ok(ok, "get into plain memory, around the window's size");
	tap_ok(copied() > 1000001, "its copies are counted");
	tap_is(nexus_get(nx, BUCKET, "cut-20000", buf, sizeof(buf), &small, NULL), -EIO, "an object cut in the middle");
}

static void test_streams(void)
{
	const uint64_t size = 5000003;
	uint64_t done = 0, n_windows = 0;
	struct nexus_op *op;
	uint8_t piece[777];
	const void *data;
	bool ok = true;
	ssize_t n;

	op = nexus_get_stream(nx, BUCKET, key_of(size), &small);
	while ((n = nexus_read_window(op, &data)) > 0) {
		ok &= is_object(data, n, done);
		done += n;
		n_windows++;
	}
	tap_ok(ok && !n && done == size, "stream by windows, to the last byte");
	tap_ok(n_windows >= size / WINDOW, "in windows of the size asked for");
	tap_is(nexus_read_window(op, &data), 0, "the end stays the end");
	tap_is(nexus_op_status(op), 0, "status of a stream read to its end");
	nexus_op_free(op);

	op = nexus_get_stream(nx, BUCKET, key_of(size), &small);
	for (done = 0; (n = nexus_read(op, piece, sizeof(piece))) > 0; done += n)
		ok &= is_object(piece, n, done);
	tap_ok(ok && !n && done == size, "stream by nexus_read()");
	nexus_op_free(op);

	op = nexus_get_stream(nx, BUCKET, key_of(size), &small);
	n = nexus_read(op, piece, 100);
	ok = n == 100 && (n = nexus_read_window(op, &data)) == WINDOW - 100 && is_object(data, n, 100);
	tap_ok(ok, "nexus_read() and nexus_read_window() mixed");
	nexus_op_free(op);
	tap_ok(true, "a stream given up in the middle");

	op = nexus_get_stream(nx, BUCKET, "missing", NULL);
	tap_is(nexus_read_window(op, &data), -ENOENT, "stream of an object that is not there");
	tap_ok(!strcmp(nexus_op_error_code(op), "NoSuchKey") && !strcmp(nexus_op_request_id(op), "id-2"),
	       "the store's own code and request id");
	nexus_op_free(op);

	op = nexus_get_stream(nx, BUCKET, "cut-20000", &small);
	for (done = 0; (n = nexus_read_window(op, &data)) > 0; done += n)
		;
	tap_ok(n == -EIO && done == 20000 && !strcmp(nexus_op_error_code(op), "Cut"),
	       "a stream that is cut gives what it got, then the error");
	tap_ok(!strcmp(nexus_op_etag(op), "\"tag\""), "and keeps its headers");
	nexus_op_free(op);
}

static uint32_t object_crc(uint64_t size)
{
	uint32_t crc = 0;

	for (uint64_t i = 0; i < size; i++) {
		uint8_t b = peer_byte(i);

		crc = crc32(crc, &b, 1);
	}
	return crc;
}

static void test_put(void)
{
	static uint8_t plain[300001];
	uint8_t *buf = nexus_alloc(nx, sizeof(plain));
	struct nexus_op *op;
	uint64_t before;
	bool ok = true;

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = buf[i] = peer_byte(i);
	before = copied();
	tap_is(nexus_put(nx, BUCKET, "a", buf, sizeof(plain), NULL, &op), 0, "put from the arena");
	tap_ok(peer.last_size == sizeof(plain) && peer.last_crc == object_crc(sizeof(plain)), "the store has all of it");
	tap_is(copied() - before, 0, "and nothing was copied");
	tap_ok(!strcmp(nexus_op_etag(op), "\"tag\""), "its entity tag");
	nexus_op_free(op);
	for (size_t n = WINDOW - 1; n <= WINDOW + 1; n++)
		ok &= !nexus_put(nx, BUCKET, "a", plain, n, &small, NULL) && peer.last_crc == object_crc(n);
	ok &= !nexus_put(nx, BUCKET, "a", plain, sizeof(plain), &small, NULL) &&
	      peer.last_crc == object_crc(sizeof(plain));
	tap_ok(ok, "put from plain memory, around the window's size");
	tap_is(nexus_put(nx, BUCKET, "a", NULL, 0, NULL, NULL), 0, "put of nothing");
	tap_is(nexus_put(nx, BUCKET, "full-20000", plain, sizeof(plain), &small, &op), -EIO,
	       "a store that fails in the middle of an upload");
	tap_ok(!strcmp(nexus_op_error_code(op), "EntityTooLarge"), "with its own code");
	nexus_op_free(op);
	nexus_free(nx, buf);
}

static void test_put_stream(void)
{
	const uint64_t size = 3000017;
	struct nexus_op *op = nexus_put_stream(nx, BUCKET, "a", size, &small);
	uint8_t piece[1000];
	uint64_t done = 0;
	void *data;
	size_t cap;
	int ret = 0;

	while (!ret && done < size) {
		ret = nexus_write_window(op, &data, &cap);
		for (size_t i = 0; !ret && i < cap; i++)
			((uint8_t *)data)[i] = peer_byte(done + i);
		done += cap;
		ret = ret ? ret : nexus_write_commit(op, cap);
	}
	tap_is(ret ? ret : nexus_finish(op), 0, "upload by windows");
	tap_ok(peer.last_size == size && peer.last_crc == object_crc(size), "the store has all of it");
	nexus_op_free(op);

	op = nexus_put_stream(nx, BUCKET, "a", size, &small);
	for (done = 0; done < size; done += cap) {
		cap = size - done < sizeof(piece) ? size - done : sizeof(piece);
		for (size_t i = 0; i < cap; i++)
			piece[i] = peer_byte(done + i);
		if (nexus_write(op, piece, cap) != (ssize_t)cap)
			break;
	}
	tap_is(nexus_write(op, piece, 1), -EINVAL, "nexus_write() beyond the length that was announced");
	tap_is(nexus_finish(op), 0, "upload by nexus_write()");
	tap_ok(peer.last_size == size && peer.last_crc == object_crc(size), "the store has all of it");
	nexus_op_free(op);

	op = nexus_put_stream(nx, BUCKET, "a", 10, NULL);
	tap_is(nexus_write(op, piece, 5), 5, "half of an upload");
	tap_is(nexus_finish(op), -EINVAL, "cannot be finished");
	nexus_op_free(op);

	op = nexus_put_stream(nx, BUCKET, "full-20000", size, &small);
	for (done = 0, ret = 0; !ret && done < size; done += sizeof(piece))
		ret = nexus_write(op, piece, sizeof(piece)) < 0;
	tap_ok(ret && done < size && nexus_op_status(op) == -EIO, "an upload ends early when the store fails");
	tap_is(nexus_finish(op), -EIO, "and says so when it is finished");
	tap_ok(!strcmp(nexus_op_error_code(op), "EntityTooLarge"), "with the store's code");
	nexus_op_free(op);

	op = nexus_put_stream(nx, BUCKET, "a", 0, NULL);
	tap_is(nexus_finish(op), 0, "an empty upload");
	nexus_op_free(op);
}

/* Who waits before each window has as many on their way as who does not. */
static void test_put_waits(void)
{
	unsigned int windows = 0;
	struct nexus_op *op;
	void *data;
	size_t cap;

	op = nexus_put_stream(nx, BUCKET, "hang", 10 * WINDOW, &small);
	while (!nexus_op_wait(op, 50) && !nexus_write_window(op, &data, &cap) && !nexus_write_commit(op, cap))
		windows++;
	tap_is(windows, 3, "an upload that waits for each window fills three ahead of the host");
	nexus_op_cancel(op);
	nexus_op_free(op);
}

/* A window that was given out can be sent, whatever others start until then. */
static void test_put_crowded(void)
{
	struct nexus_op *op = nexus_put_stream(nx, BUCKET, "hang", 10 * WINDOW, &small), *more[64];
	unsigned int refused = 0;
	void *data;
	size_t cap;

	for (int i = 0; i < 2; i++)
		tap_ok(!nexus_write_window(op, &data, &cap) && !nexus_write_commit(op, cap), "window %d of an upload", i);
	tap_is(nexus_write_window(op, &data, &cap), 0, "a third one is being filled");
	for (size_t i = 0; i < 64; i++) {
		more[i] = nexus_get_start(nx, BUCKET, "hang", NULL, 0, NULL);
		refused += nexus_op_status(more[i]) == -EAGAIN;
	}
	tap_ok(refused, "while others take all slots but its own");
	tap_is(nexus_write_commit(op, cap), 0, "and is sent");
	nexus_op_cancel(op);
	for (size_t i = 0; i < 64; i++)
		nexus_op_cancel(more[i]);
	for (size_t i = 0; i < 64; i++) {
		nexus_op_wait(more[i], 5000);
		nexus_op_free(more[i]);
	}
	nexus_op_wait(op, 5000);
	nexus_op_free(op);
}

static void test_many(void)
{
	enum { NR = 40 };
	struct nexus_op *ops[NR], *more[70];
	uint8_t *bufs[NR];
	unsigned int done = 0, refused = 0;
	bool ok = true;

	for (int i = 0; i < NR; i++) {
		bufs[i] = nexus_alloc(nx, 5000 + i);
		ops[i] = nexus_get_start(nx, BUCKET, key_of(5000 + i), bufs[i], 5000 + i, NULL);
	}
	while (done < NR) {
		int i = nexus_wait_any(nx, ops, NR, 5000);

		if (i < 0)
			break;
		ok &= !nexus_op_status(ops[i]) && is_object(bufs[i], 5000 + i, 0);
		nexus_op_free(ops[i]);
		nexus_free(nx, bufs[i]);
		ops[i] = NULL;
		done++;
	}
	tap_ok(ok && done == NR, "many gets in flight, each with its own bytes");

	for (size_t i = 0; i < 70; i++) {
		more[i] = nexus_get_start(nx, BUCKET, "hang", NULL, 0, NULL);
		refused += nexus_op_status(more[i]) == -EAGAIN;
	}
	tap_is(refused, 7, "63 requests fit into 64 slots, the others are refused at once");
	ok = true;
	for (size_t i = 0; i < 70; i++)
		nexus_op_cancel(more[i]);
	for (size_t i = 0; i < 70; i++) {
		ok &= !nexus_op_wait(more[i], 5000) && nexus_op_status(more[i]) == (i < 63 ? -ECANCELED : -EAGAIN);
		nexus_op_free(more[i]);
	}
	tap_ok(ok, "all of them can be cancelled");
}

static void test_time(void)
{
	const struct nexus_options quick = { .size = sizeof(quick), .timeout_ms = 1 };
	uint8_t *buf = nexus_alloc(nx, 4096);
	struct nexus_op *op;
	char plain[10];

	op = nexus_get_start(nx, BUCKET, "hang", buf, 4096, NULL);
	tap_is(nexus_op_wait(op, 30), -ETIMEDOUT, "nexus_op_wait() gives up in time");
	tap_is(nexus_op_status(op), -EINPROGRESS, "the operation goes on");
	tap_is(nexus_op_poll(op), 0, "nexus_op_poll() does not wait");
	nexus_free(nx, buf);
	nexus_op_free(op);
	tap_is(nexus_get(nx, BUCKET, "hang", plain, sizeof(plain), &quick, &op), -ETIMEDOUT,
	       "a host that keeps no time is given up");
	tap_ok(!strcmp(nexus_op_error_code(op), "NexusTimeout"), "with a code of its own");
	nexus_op_free(op);
	tap_is(nexus_null(nx, NULL, NULL), 0, "the channel is fine after that");
}

static void *reader(void *arg)
{
	uint8_t *buf = malloc(200000);
	uintptr_t ok = 1;

	for (int i = 0; i < 200; i++) {
		uint64_t size = 1 + (uintptr_t)arg * 7919 + i * 401;
		char key[32];

		snprintf(key, sizeof(key), "%llu", (unsigned long long)size);
		ok &= nexus_get(nx, BUCKET, key, buf, 200000, &small, NULL) == (ssize_t)size && is_object(buf, size, 0);
	}
	free(buf);
	return (void *)ok;
}

static void test_threads(void)
{
	pthread_t threads[6];
	bool ok = true;

	for (uintptr_t i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, reader, (void *)i);
	for (int i = 0; i < 6; i++) {
		void *ret;

		pthread_join(threads[i], &ret);
		ok &= ret != NULL;
	}
	tap_ok(ok, "six threads at once");
}

static void test_memory(void)
{
	struct nexus_info info = NEXUS_INFO_INIT;
	void *buf;

	tap_ok(peer.max_pages > 16 && peer.max_pages < 1024, "the arena grew with need, not with the objects");
	tap_is(nexus_trim(nx), 0, "nexus_trim()");
	nexus_info(nx, &info);
	tap_is(info.arena_size, 65536, "all of what it grew is given back");
	tap_is(peer.pages, 16, "as the host knows");
	buf = nexus_alloc(nx, 3 << 20);
	tap_ok(buf != NULL, "it grows again");
	nexus_free(nx, buf);
	usleep(1100000);
	nexus_null(nx, NULL, NULL);
	tap_is(peer.pages, 16, "and shrinks by itself when idle");
	tap_ok(!nexus_alloc(nx, 65 << 20) && errno == ENOSPC, "not beyond its maximum");
}

static void test_options(void)
{
	struct { struct nexus_options o; char more[8]; } future = { .o = { .size = sizeof(future) }, .more = { 0 } };
	const struct nexus_options range = { .size = sizeof(range), .range = "bytes=0-1" };
	struct nexus_op *op;
	char buf[8];

	tap_is(nexus_get(nx, BUCKET, "5", buf, 8, &future.o, NULL), 5, "options of a later header, none used");
	future.more[0] = 1;
	tap_is(nexus_get(nx, BUCKET, "5", buf, 8, &future.o, NULL), -E2BIG, "one used");
	tap_is(nexus_delete(nx, BUCKET, "5", &range, &op), -EINVAL, "an option that the operation does not take");
	tap_ok(strstr(nexus_op_error_message(op), "range"), "is named");
	nexus_op_free(op);
	tap_is(nexus_head(nx, BUCKET, "", NULL, NULL), -EINVAL, "no key");
}

int main(void)
{
	peer_init(&peer);
	if (peer_connect(&peer, &nx, NULL))
		tap_bail(nexus_open_error());
	peer_serve(&peer);
	tap_is(nexus_null(nx, NULL, NULL), 0, "null");
	test_arena_get();
	test_plain_get();
	test_streams();
	test_put();
	test_put_stream();
	test_put_waits();
	test_put_crowded();
	test_many();
	test_time();
	test_threads();
	test_options();
	test_memory();
	peer_stop(&peer);
	nexus_close(nx);
	peer_fini(&peer);
	return tap_done();
}
