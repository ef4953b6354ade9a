// SPDX-License-Identifier: GPL-2.0-only
/* Answers that the daemon writes by hand: the bytes are those of libprotobuf-c, however little room there is. */
#include <string.h>
#include "../tap.h"
#include "nexus_ring.h"
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

int main(void)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < 20000; i++)
		wrong += !packs();
	tap_is(wrong, 0, "20000 answers have the library's bytes, and fit where those fit");
	tap_is(nexus__v1__response__descriptor.n_fields, 15, "response.c knows all fields of a Response");
	return tap_done();
}
