// SPDX-License-Identifier: GPL-2.0-only
/* Messages that the library writes by hand: the bytes are those of libprotobuf-c. */
#include <string.h>
#include "../tap.h"
#include "guest_peer.h"
#include "nexus.pb-c.h"

static struct peer peer;
static struct nexus *nx;

static const char *text(size_t len)
{
	static char texts[16][2048];
	static unsigned int n;
	char *to = texts[n++ % 16];

	memset(to, 'a' + n % 26, len);
	to[len] = '\0';
	return to;
}

static bool same(const char *got, const char *want)
{
	return !strcmp(got, want ? want : "");
}

/* The request of a GET, as it lies in the arena. */
static bool get_packs(const char *bucket, const char *key, const struct nexus_options *o)
{
	struct nexus_op *op = nexus_get_start(nx, bucket, key, NULL, 0, o);
	struct nexus_slot slot;
	uint32_t number = peer_take(&peer, &slot);
	const uint8_t *message = (uint8_t *)peer.header + slot.msg_off;
	Nexus__V1__Request *request = nexus__v1__request__unpack(NULL, slot.msg_len, message);
	uint8_t packed[8192];
	bool ok = request && request->op_case == NEXUS__V1__REQUEST__OP_GET_OBJECT;

	if (ok) {
		const Nexus__V1__GetObject *get = request->get_object;

		ok = same(get->object->bucket, bucket) && same(get->object->key, key) && same(get->range, o->range) &&
		     same(get->if_match, o->if_match) && same(get->version_id, o->version_id) &&
		     same(get->if_none_match, o->if_none_match) && same(get->if_modified_since, o->if_modified_since) &&
		     same(get->if_unmodified_since, o->if_unmodified_since) && get->n_headers == o->nr_headers &&
		     request->timeout_ms == o->timeout_ms &&
		     nexus__v1__request__pack(request, packed) == slot.msg_len && !memcmp(packed, message, slot.msg_len);
	}
	if (request)
		nexus__v1__request__free_unpacked(request, NULL);
	peer_complete(&peer, number, 0, 0, 0, NULL, 0);
	ok &= !nexus_op_wait(op, 10000) && !nexus_op_status(op);
	nexus_op_free(op);
	return ok;
}

int main(void)
{
	static const size_t lengths[] = { 1, 90, 110, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126,
					  127, 128, 129, 200, 300, 400, 440, 460, 470, 480, 490, 500, 512, 600, 1024 };
	const struct nexus_field header = { "x-amz-request-payer", "requester" };
	struct nexus_options options;
	unsigned int wrong = 0;

	peer_init(&peer);
	if (peer_connect(&peer, &nx, NULL))
		tap_bail(nexus_open_error());
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		options = (struct nexus_options)NEXUS_OPTIONS_INIT;
		wrong += !get_packs("bucket", text(lengths[i]), &options);
		options.range = "bytes=0-99";
		options.timeout_ms = 70000;
		wrong += !get_packs("bucket", text(lengths[i]), &options);
	}
	tap_is(wrong, 0, "a GET of a key of any length");
	options = (struct nexus_options)NEXUS_OPTIONS_INIT;
	options.range = text(40);
	options.if_match = text(34);
	options.version_id = text(32);
	options.if_none_match = text(20);
	options.if_modified_since = text(29);
	options.if_unmodified_since = text(30);
	tap_ok(get_packs("bucket", "key", &options), "with every option");
	options = (struct nexus_options)NEXUS_OPTIONS_INIT;
	options.headers = &header;
	options.nr_headers = 1;
	tap_ok(get_packs("bucket", "key", &options), "with a header");
	tap_is(nexus__v1__get_object__descriptor.n_fields, 9, "start.c knows all fields of a GetObject");
	nexus_close(nx);
	peer_fini(&peer);
	return tap_done();
}
