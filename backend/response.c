// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include "nexus_ring.h"
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

uint32_t response_pack(Nexus__V1__Response *response, uint32_t capacity, uint8_t *buffer)
{
	if (capacity > NEXUS_MSG_MAX)
		capacity = NEXUS_MSG_MAX;
	for (unsigned int part = 0; nexus__v1__response__get_packed_size(response) > capacity; part++) {
		if (!response_drop(response, part))
			return 0;
	}
	return nexus__v1__response__pack(response, buffer);
}
