// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages that the daemon writes and reads by hand: the bytes of answers are those of libprotobuf-c, however
 * little room there is; requests mean what they mean to libprotobuf-c, whatever their bytes are.
 */
#include <stdlib.h>
#include <string.h>
#include "../tap.h"
#include "nexus_ring.h"
#include "request.h"
#include "response.h"

static unsigned int seed = 1;

static unsigned int pick(unsigned int n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static char *text(void)
{
	static char texts[64][512];
	static unsigned int n;
	static const unsigned int most[] = { 1, 20, 130, 400 };
	char *to = texts[n++ % 64];
	unsigned int len = pick(most[pick(4)]);

	memset(to, 'a' + pick(26), len);
	to[len] = '\0';
	return to;
}

static size_t fill(Nexus__V1__Field *fields, Nexus__V1__Field **list)
{
	size_t count = pick(3) ? pick(8) : 0;

	for (size_t i = 0; i < count; i++) {
		nexus__v1__field__init(&fields[i]);
		fields[i].name = text();
		fields[i].value = text();
		list[i] = &fields[i];
	}
	return count;
}

/* One answer of everything that may be in one, with capacity for all of it, and a byte less. */
static bool packs(void)
{
	Nexus__V1__Response response = NEXUS__V1__RESPONSE__INIT;
	Nexus__V1__Field fields[16], *headers[8], *metadata[8];
	uint8_t want[NEXUS_MSG_MAX], got[NEXUS_MSG_MAX];
	size_t len;

	response.http_status = pick(2) * 200;
	response.content_length = pick(3) ? (uint64_t)pick(65536) << pick(45) : 0;
	response.etag = text();
	response.content_type = text();
	response.last_modified = text();
	response.request_id = text();
	response.version_id = text();
	response.n_headers = fill(fields, headers);
	response.n_metadata = fill(fields + 8, metadata);
	response.headers = headers;
	response.metadata = metadata;
	len = nexus__v1__response__pack(&response, want);
	if (response_pack(&response, NEXUS_MSG_MAX, got) != len || memcmp(got, want, len))
		return false;
	if (response_pack(&response, len, got) != len || memcmp(got, want, len))
		return false;
	return !len || response_pack(&response, len - 1, got) < len;
}

/* A GET of anything that may be in one; now and then with what unpack_get() leaves to the library. */
static size_t pack_get(uint8_t *packed)
{
	Nexus__V1__Request request = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__GetObject get = NEXUS__V1__GET_OBJECT__INIT;
	Nexus__V1__ObjectName object = NEXUS__V1__OBJECT_NAME__INIT;
	Nexus__V1__Field fields[8], *headers[8];

	object.bucket = text();
	object.key = text();
	get.object = pick(20) ? &object : NULL;
	get.range = text();
	get.if_match = text();
	get.version_id = text();
	get.if_none_match = text();
	get.if_modified_since = text();
	get.if_unmodified_since = text();
	get.n_headers = pick(4) ? 0 : fill(fields, headers);
	get.headers = headers;
	get.prefetch = pick(2);
	request.timeout_ms = pick(2) ? 0 : (uint32_t)pick(65536) << pick(17);
	request.op_case = NEXUS__V1__REQUEST__OP_GET_OBJECT;
	request.get_object = &get;
	return nexus__v1__request__pack(&request, packed);
}

static unsigned int allocations;

static void *counting_alloc(void *data, size_t size)
{
	(void)data;
	allocations++;
	return malloc(size);
}

static void counting_free(void *data, void *p)
{
	(void)data;
	free(p);
}

/* The same to both? What it is is told by packing it again. by_hand: it was read at once. */
static bool unpacks(const uint8_t *packed, size_t len, unsigned int *by_hand)
{
	ProtobufCAllocator allocator = { counting_alloc, counting_free, NULL };
	uint8_t *copy = memcpy(malloc(len ? len : 1), packed, len);	/* so that reading beyond it is seen */
	Nexus__V1__Request *want = nexus__v1__request__unpack(NULL, len, packed), *got;
	static uint8_t want_bytes[4 * NEXUS_MSG_MAX], got_bytes[4 * NEXUS_MSG_MAX];
	size_t want_len = 0, got_len = 0;
	bool one;

	allocations = 0;
	got = request_unpack(&allocator, len, copy);
	one = got && allocations == 1 && got->op_case == NEXUS__V1__REQUEST__OP_GET_OBJECT;
	*by_hand += one;
	if (want)
		want_len = nexus__v1__request__pack(want, want_bytes);
	if (got)
		got_len = nexus__v1__request__pack(got, got_bytes);
	if (one)
		free(got);
	else if (got)
		nexus__v1__request__free_unpacked(got, &allocator);
	if (want)
		nexus__v1__request__free_unpacked(want, NULL);
	free(copy);
	return !want == !got && want_len == got_len && !memcmp(want_bytes, got_bytes, want_len);
}

static void test_unpack(void)
{
	/* The parts of a message that comes twice are one: an object's bucket, and its key. */
	static const uint8_t apart[] = { 0x4a, 12, 0x0a, 4, 0x0a, 2, 'b', 'b', 0x0a, 4, 0x12, 2, 'k', 'k' };
	static uint8_t packed[2 * NEXUS_MSG_MAX];
	unsigned int wrong = 0, by_hand = 0, by_hand_wrong = 0;
	size_t len, at;

	for (unsigned int i = 0; i < 20000; i++) {
		len = pack_get(packed);
		wrong += !unpacks(packed, len, &by_hand);
	}
	tap_is(wrong, 0, "20000 requests mean what they mean to the library");
	tap_ok(by_hand > 10000 && by_hand < 20000, "%u of them were unpacked by hand", by_hand);
	tap_ok(unpacks(apart, sizeof(apart), &by_hand_wrong), "an object in two parts does, too");
	for (unsigned int i = 0; i < 100000; i++) {
		len = pack_get(packed);
		for (unsigned int n = pick(3); n < 3; n++) {
			at = len ? pick(pick(2) || len < 12 ? len : 12) : 0;
			packed[at] = pick(2) ? pick(256) : packed[at] ^ 1U << pick(8);
		}
		if (!pick(4))
			len -= len ? pick(len) : 0;
		wrong += !unpacks(packed, len, &by_hand_wrong);
	}
	tap_is(wrong, 0, "100000 with some wrong bytes, too");
	tap_ok(by_hand_wrong > 10000, "%u of these were unpacked by hand", by_hand_wrong);
}

int main(void)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < 20000; i++)
		wrong += !packs();
	tap_is(wrong, 0, "20000 answers have the library's bytes, and fit where those fit");
	tap_is(nexus__v1__response__descriptor.n_fields, 15, "response.c knows all fields of a Response");
	test_unpack();
	return tap_done();
}
