// SPDX-License-Identifier: GPL-2.0-only
/*
 * The most frequent request, a GET without headers of its own, is unpacked by hand: libprotobuf-c
 * takes some two thousand instructions for it. What is not one, or is written in another way than
 * a library for guests would, is libprotobuf-c's to judge.
 */
#include <stdbool.h>
#include <string.h>
#include "request.h"

/* A field as it was found. */
struct field {
	const uint8_t *at;	/* a text's or a message's bytes; NULL: there is none */
	uint32_t n;		/* how many they are; or the number */
};

#define FIELD(number)	(1U << (number))
#define FIELDS_MAX	10	/* numbers from 0 on that may be asked for */

/* A number of at most 28 bits. */
static bool take_number(const uint8_t **p, const uint8_t *end, uint32_t *n)
{
	*n = 0;
	for (unsigned int shift = 0; *p < end && shift < 28; shift += 7) {
		uint8_t byte = *(*p)++;

		*n |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* A message's fields, each at most once. False: there are others than these, or it is no message at all. */
static bool take_fields(struct field fields[FIELDS_MAX], const struct field *message, unsigned int texts, unsigned int numbers)
{
	const uint8_t *p = message->at, *end = p + message->n;

	memset(fields, 0, FIELDS_MAX * sizeof(*fields));
	while (p < end) {
		unsigned int tag = *p++, number = tag >> 3;
		bool text = (tag & 7) == 2;

		if ((!text && tag & 7) || number >= FIELDS_MAX || !((text ? texts : numbers) & FIELD(number)) ||
		    fields[number].at || !take_number(&p, end, &fields[number].n))
			return false;
		fields[number].at = p;
		if (text && fields[number].n > (size_t)(end - p))
			return false;
		p += text ? fields[number].n : 0;
	}
	return true;
}

/* All of it in one piece. */
struct plain_get {
	Nexus__V1__Request request;
	Nexus__V1__GetObject get;
	Nexus__V1__ObjectName object;
	char texts[];
};

static void put_text(char **to, const struct field *field, char **room)
{
	if (!field->at)
		return;
	*to = memcpy(*room, field->at, field->n);
	(*to)[field->n] = '\0';
	*room += field->n + 1;
}

static Nexus__V1__Request *unpack_get(ProtobufCAllocator *allocator, size_t len, const uint8_t *data)
{
	struct field request[FIELDS_MAX], get[FIELDS_MAX], object[FIELDS_MAX];
	struct plain_get *plain;
	char *room;

	if (!take_fields(request, &(struct field){ data, len }, FIELD(9), FIELD(1)) || !request[9].at ||
	    !take_fields(get, &request[9], FIELD(1) | FIELD(2) | FIELD(3) | FIELD(4) | FIELD(5) | FIELD(6) | FIELD(7), FIELD(9)) ||
	    !get[1].at || !take_fields(object, &get[1], FIELD(1) | FIELD(2), 0))
		return NULL;
	/* A text with its NUL takes no more than with its tag and length. */
	plain = allocator->alloc(allocator->allocator_data, sizeof(*plain) + len);
	if (!plain)
		return NULL;
	room = plain->texts;
	nexus__v1__object_name__init(&plain->object);
	put_text(&plain->object.bucket, &object[1], &room);
	put_text(&plain->object.key, &object[2], &room);
	nexus__v1__get_object__init(&plain->get);
	plain->get.object = &plain->object;
	put_text(&plain->get.range, &get[2], &room);
	put_text(&plain->get.if_match, &get[3], &room);
	put_text(&plain->get.version_id, &get[4], &room);
	put_text(&plain->get.if_none_match, &get[5], &room);
	put_text(&plain->get.if_modified_since, &get[6], &room);
	put_text(&plain->get.if_unmodified_since, &get[7], &room);
	plain->get.prefetch = get[9].n;
	nexus__v1__request__init(&plain->request);
	plain->request.timeout_ms = request[1].n;
	plain->request.op_case = NEXUS__V1__REQUEST__OP_GET_OBJECT;
	plain->request.get_object = &plain->get;
	return &plain->request;
}

Nexus__V1__Request *request_unpack(ProtobufCAllocator *allocator, size_t len, const uint8_t *data)
{
	Nexus__V1__Request *request = unpack_get(allocator, len, data);

	return request ? request : nexus__v1__request__unpack(allocator, len, data);
}
