// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "grpc_wire.h"
#include "op.h"

void grpc_metadata_clear(struct grpc_metadata *metadata)
{
	for (size_t i = 0; i < metadata->nr; i++)
		free(metadata->fields[i].name);
	free(metadata->fields);
	*metadata = (struct grpc_metadata){ 0 };
}

static bool is_binary(const char *name, size_t len)
{
	return len > 4 && !memcmp(name + len - 4, "-bin", 4);
}

/* Headers that are no metadata. */
static bool is_reserved(const char *name, size_t len)
{
	static const char *const names[] = {
		"te", "content-type", "user-agent", "host", "connection", "keep-alive", "transfer-encoding", "upgrade",
		"proxy-connection", "content-length", NULL,
	};

	if (!len || *name == ':' || (len >= 5 && !memcmp(name, "grpc-", 5)))
		return true;
	for (const char *const *reserved = names; *reserved; reserved++) {
		if (strlen(*reserved) == len && !memcmp(*reserved, name, len))
			return true;
	}
	return false;
}

bool grpc_metadata_append(struct grpc_metadata *metadata, size_t *room, const char *name, size_t name_len,
			  const char *value, size_t len)
{
	struct grpc_field *fields;
	char *text;

	if (metadata->nr == GRPC_FIELDS_MAX || name_len + len + GRPC_FIELD_COST > *room)
		return false;
	fields = realloc(metadata->fields, (metadata->nr + 1) * sizeof(*fields));
	if (!fields)
		return false;
	metadata->fields = fields;
	text = malloc(name_len + len + 2);
	if (!text)
		return false;
	*room -= name_len + len + GRPC_FIELD_COST;
	memcpy(text, name, name_len);
	text[name_len] = '\0';
	memcpy(text + name_len + 1, value, len);
	text[name_len + 1 + len] = '\0';
	fields[metadata->nr++] = (struct grpc_field){ text, text + name_len + 1, len };
	return true;
}

/* Base64 with or without its padding. Bytes; -1: it is none. */
static int base64_decode(const char *text, size_t len, char *out)
{
	auto_free char *padded = malloc(len + 4);
	int n;

	if (!padded)
		return -1;
	while (len && text[len - 1] == '=')
		len--;
	memcpy(padded, text, len);
	memcpy(padded + len, "===", 3);
	n = EVP_DecodeBlock((unsigned char *)out, (unsigned char *)padded, (len + 3) / 4 * 4);
	return n < 0 || len % 4 == 1 ? -1 : n - (int)((4 - len % 4) % 4);
}

/* Several values may come as one, with commas between them. */
static bool metadata_binary(struct grpc_metadata *metadata, size_t *room, const char *name, size_t name_len,
			    const char *value, size_t len)
{
	auto_free char *bytes = malloc(len + 4);

	if (!bytes)
		return false;
	for (size_t at = 0; at <= len;) {
		const char *comma = memchr(value + at, ',', len - at);
		size_t piece = comma ? (size_t)(comma - value) - at : len - at;
		int n = base64_decode(value + at, piece, bytes);

		/* What breaks the rule is the sender's business; the call goes on without it. */
		if (n >= 0 && !grpc_metadata_append(metadata, room, name, name_len, bytes, n))
			return false;
		at += piece + 1;
	}
	return true;
}

bool grpc_metadata_add(struct grpc_metadata *metadata, size_t *room, const char *name, size_t name_len,
		       const char *value, size_t value_len)
{
	if (is_reserved(name, name_len))
		return true;
	if (is_binary(name, name_len))
		return metadata_binary(metadata, room, name, name_len, value, value_len);
	return grpc_metadata_append(metadata, room, name, name_len, value, value_len);
}

/* A name, and a value that HTTP takes; NULL: good. */
static const char *field_wrong(const Nexus__V1__GrpcField *field)
{
	size_t len = strlen(field->name);

	if (!len || strspn(field->name, "0123456789abcdefghijklmnopqrstuvwxyz_-.") != len)
		return "write names of 0-9 a-z _ - .";
	if (is_reserved(field->name, len))
		return "this name belongs to HTTP/2 or gRPC";
	if (is_binary(field->name, len))
		return NULL;
	for (size_t i = 0; i < field->value.len; i++) {
		if (field->value.data[i] < 0x20 || field->value.data[i] > 0x7e)
			return "write values of printable ASCII, or use a name that ends in -bin";
	}
	return NULL;
}

int grpc_metadata_take(struct op *op, struct grpc_metadata *metadata, Nexus__V1__GrpcField *const *list, size_t nr)
{
	size_t room = GRPC_METADATA_MAX;
	const char *wrong;

	for (size_t i = 0; i < nr; i++) {
		wrong = field_wrong(list[i]);
		if (wrong)
			return op_error(op, -EINVAL, "NexusBadRequest", "metadata \"%.64s\": %s", list[i]->name, wrong);
		if (!grpc_metadata_append(metadata, &room, list[i]->name, strlen(list[i]->name),
				     list[i]->value.len ? (char *)list[i]->value.data : "", list[i]->value.len))
			return op_error(op, -EMSGSIZE, "NexusLimitExceeded", "more than %d pieces of metadata, or %d bytes",
					GRPC_FIELDS_MAX, GRPC_METADATA_MAX);
	}
	return 0;
}

Nexus__V1__GrpcField **grpc_metadata_give(struct op *op, const struct grpc_metadata *metadata)
{
	Nexus__V1__GrpcField **list = op_alloc(op, metadata->nr * sizeof(*list) + 1), *field;

	for (size_t i = 0; i < metadata->nr; i++) {
		list[i] = field = op_alloc(op, sizeof(*field));
		nexus__v1__grpc_field__init(field);
		field->name = op_strdup(op, metadata->fields[i].name);
		field->value.len = metadata->fields[i].len;
		field->value.data = op_alloc(op, field->value.len + 1);
		memcpy(field->value.data, metadata->fields[i].value, field->value.len);
	}
	return list;
}

/* ---- blocks ---- */

struct grpc_block *grpc_block_new(void)
{
	struct grpc_block *block = malloc(sizeof(*block));

	if (block) {
		block->nr = block->used = 0;
		block->overflow = false;
	}
	return block;
}

/* Room for len bytes of text and a NUL; NULL once there is none. */
static char *block_text(struct grpc_block *block, size_t len)
{
	char *text = block->text + block->used;

	if (len >= GRPC_TEXT_MAX - block->used) {
		block->overflow = true;
		return NULL;
	}
	block->used += len + 1;
	return text;
}

static void block_put(struct grpc_block *block, const char *name, char *value, size_t len)
{
	size_t name_len = strlen(name);
	char *copy = block_text(block, name_len);

	if (!copy || !value || block->nr == sizeof(block->nv) / sizeof(block->nv[0])) {
		block->overflow = true;
		return;
	}
	memcpy(copy, name, name_len + 1);
	block->nv[block->nr++] = (nghttp2_nv){
		(uint8_t *)copy, (uint8_t *)value, name_len, len, NGHTTP2_NV_FLAG_NONE,
	};
}

void grpc_block_add(struct grpc_block *block, const char *name, const char *value)
{
	size_t len = strlen(value);
	char *copy = block_text(block, len);

	if (copy)
		memcpy(copy, value, len + 1);
	block_put(block, name, copy, len);
}

void grpc_block_metadata(struct grpc_block *block, const struct grpc_metadata *metadata)
{
	for (size_t i = 0; i < metadata->nr; i++) {
		const struct grpc_field *field = &metadata->fields[i];
		size_t len = field->len;
		char *value;

		if (!is_binary(field->name, strlen(field->name))) {
			grpc_block_add(block, field->name, field->value);
			continue;
		}
		value = block_text(block, (len + 2) / 3 * 4);
		if (value)
			len = EVP_EncodeBlock((unsigned char *)value, (unsigned char *)field->value, len);
		while (value && len && value[len - 1] == '=')
			len--;
		block_put(block, field->name, value, len);
	}
}

void grpc_block_status(struct grpc_block *block, unsigned int status, const char *details)
{
	char number[12], message[3 * GRPC_DETAILS_MAX + 1], *to = message;

	snprintf(number, sizeof(number), "%u", status);
	grpc_block_add(block, "grpc-status", number);
	if (!*details)
		return;
	for (const unsigned char *p = (const unsigned char *)details; *p && to < message + sizeof(message) - 4; p++) {
		if (*p >= 0x20 && *p <= 0x7e && *p != '%')
			*to++ = *p;
		else
			to += sprintf(to, "%%%02X", *p);
	}
	*to = '\0';
	grpc_block_add(block, "grpc-message", message);
}

/* At most 8 digits: in the finest unit that they suffice for. */
void grpc_block_timeout(struct grpc_block *block, uint64_t timeout_ms)
{
	char text[24];

	if (timeout_ms < 100000000)
		snprintf(text, sizeof(text), "%" PRIu64 "m", timeout_ms);
	else
		snprintf(text, sizeof(text), "%" PRIu64 "S", timeout_ms / 1000);
	grpc_block_add(block, "grpc-timeout", text);
}

bool grpc_timeout_parse(const char *text, size_t len, uint64_t *timeout_ms)
{
	uint64_t number = 0;

	if (len < 2 || len > 9)
		return false;
	for (size_t i = 0; i < len - 1; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + text[i] - '0';
	}
	switch (text[len - 1]) {
	case 'H':
		*timeout_ms = number * 3600000;
		break;
	case 'M':
		*timeout_ms = number * 60000;
		break;
	case 'S':
		*timeout_ms = number * 1000;
		break;
	case 'm':
		*timeout_ms = number;
		break;
	case 'u':
		*timeout_ms = number / 1000;
		break;
	case 'n':
		*timeout_ms = number / 1000000;
		break;
	default:
		return false;
	}
	*timeout_ms += !*timeout_ms;
	return true;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

void grpc_message_decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '%' && hex(text[1]) >= 0 && hex(text[2]) >= 0 && hex(text[1]) + hex(text[2])) {
			*to++ = hex(text[1]) << 4 | hex(text[2]);
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

const char *grpc_encoding(const char *text, size_t len)
{
	static const char *const names[] = { "gzip", "deflate", NULL };

	if (!len || (len == 8 && !memcmp(text, "identity", 8)))
		return "";
	for (const char *const *name = names; *name; name++) {
		if (strlen(*name) == len && !memcmp(*name, text, len))
			return *name;
	}
	return NULL;
}

enum grpc_status grpc_status_of_http(unsigned int http_status)
{
	switch (http_status) {
	case 400:
		return GRPC_INTERNAL;
	case 401:
		return GRPC_UNAUTHENTICATED;
	case 403:
		return GRPC_PERMISSION_DENIED;
	case 404:
		return GRPC_UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}

enum grpc_status grpc_status_of_h2(uint32_t error)
{
	switch (error) {
	case NGHTTP2_REFUSED_STREAM:
	case NGHTTP2_CONNECT_ERROR:	/* h2.c's word for a lost connection */
		return GRPC_UNAVAILABLE;
	case NGHTTP2_CANCEL:
		return GRPC_CANCELLED;
	case NGHTTP2_ENHANCE_YOUR_CALM:
		return GRPC_RESOURCE_EXHAUSTED;
	case NGHTTP2_INADEQUATE_SECURITY:
		return GRPC_PERMISSION_DENIED;
	default:
		return GRPC_INTERNAL;
	}
}
