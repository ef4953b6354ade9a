// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include "nexus_ring.h"
#include "nexus_wire.h"
#include "response.h"

/* Drops the part with this number; false if there is no such part any more. */
static bool response_drop(Nexus__V1__Response *response, unsigned int part)
{
	char *empty = (char *)protobuf_c_empty_string;
	char **texts[] = {
		&response->version_id, &response->last_modified, &response->content_type,
		&response->request_id, &response->etag,
		response->error ? &response->error->request_id : NULL,
		response->error ? &response->error->message : NULL,
	};

	if (part == 0) {
		response->n_metadata = 0;
		return true;
	}
	if (part == 1) {
		response->n_headers = 0;
		return true;
	}
	if (part == 2) {
		/* Metadata of a gRPC call are not dropped in silence. */
		if (response->grpc && (response->grpc->n_initial || response->grpc->n_trailing)) {
			response->grpc->n_initial = response->grpc->n_trailing = 0;
			response->grpc->status = 8;	/* RESOURCE_EXHAUSTED */
			response->grpc->details = "the metadata have no room in the guest's buffer";
		}
		return true;
	}
	if (part > sizeof(texts) / sizeof(texts[0]) + 2)
		return false;
	if (texts[part - 3])
		*texts[part - 3] = empty;
	return true;
}

/* Fields that response_pack_plain() writes, or knows to be absent: with another one it would be wrong. */
#define PLAIN_FIELDS	15

static void pack_fields(struct nexus_wire *w, unsigned int number, Nexus__V1__Field *const *fields, size_t count)
{
	uint8_t *begin;

	for (size_t i = 0; i < count; i++) {
		begin = nexus_wire_begin(w, number);
		nexus_wire_text(w, 1, fields[i]->name);
		nexus_wire_text(w, 2, fields[i]->value);
		nexus_wire_end(w, begin);
	}
}

/* An answer to GET, HEAD or PUT that succeeded. 0: it is another one, or does not fit. */
static uint32_t response_pack_plain(const Nexus__V1__Response *response, uint32_t capacity, uint8_t *buffer)
{
	struct nexus_wire w = { .at = buffer, .end = buffer + capacity };

	if (response->error || response->object || response->invocation || response->grpc || *response->upload_id || *response->url ||
	    nexus__v1__response__descriptor.n_fields != PLAIN_FIELDS)
		return 0;
	nexus_wire_number(&w, 1, response->http_status);
	nexus_wire_number(&w, 3, response->content_length);
	nexus_wire_text(&w, 4, response->etag);
	nexus_wire_text(&w, 5, response->content_type);
	nexus_wire_text(&w, 6, response->last_modified);
	nexus_wire_text(&w, 7, response->request_id);
	nexus_wire_text(&w, 8, response->version_id);
	pack_fields(&w, 9, response->metadata, response->n_metadata);
	pack_fields(&w, 11, response->headers, response->n_headers);
	return w.overflow ? 0 : w.at - buffer;
}

uint32_t response_pack(Nexus__V1__Response *response, uint32_t capacity, uint8_t *buffer)
{
	uint32_t len;

	if (capacity > NEXUS_MSG_MAX)
		capacity = NEXUS_MSG_MAX;
	len = response_pack_plain(response, capacity, buffer);
	if (len)
		return len;
	for (unsigned int part = 0; nexus__v1__response__get_packed_size(response) > capacity; part++) {
		if (!response_drop(response, part))
			return 0;
	}
	return nexus__v1__response__pack(response, buffer);
}
