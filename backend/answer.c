// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "answer.h"
#include "header.h"
#include "http_head.h"
#include "op.h"

char *answer_value(struct op *op, const struct http_field *field)
{
	return field && field->value_len ? op_strndup(op, field->value, field->value_len) :
					   (char *)protobuf_c_empty_string;
}

static char *answer_name(struct op *op, const struct http_field *field)
{
	char *name = op_strndup(op, field->name, field->name_len);

	for (char *p = name; *p; p++)
		*p = tolower((unsigned char)*p);
	return name;
}

/* The first letter decides nearly always. */
static inline bool is(const struct http_field *field, const char *name)
{
	return name && (field->name[0] | 0x20) == name[0] && field->name_len == strlen(name) &&
	       !strncasecmp(field->name, name, field->name_len);
}

/* Where the header has a field of its own in the response; NULL: nowhere. */
static char **answer_field(Nexus__V1__Response *response, const struct http_field *field,
			   const struct answer_type *type)
{
	if (is(field, "etag"))
		return &response->etag;
	if (is(field, "content-type"))
		return &response->content_type;
	if (is(field, "last-modified"))
		return &response->last_modified;
	if (is(field, type->request_id))
		return &response->request_id;
	if (is(field, type->version_id))
		return &response->version_id;
	return NULL;
}

static size_t metadata_prefix(const char *name, const struct answer_type *type)
{
	size_t len = type->metadata ? strlen(type->metadata) : 0;

	return len && !strncmp(name, type->metadata, len) && name[len] ? len : 0;
}

void answer_fill(struct op *op, const struct http_head *head, const struct answer_type *type)
{
	Nexus__V1__Response *response = &op->response;
	Nexus__V1__Field *fields = op_alloc(op, head->field_count * sizeof(*fields)), *to = fields;
	Nexus__V1__Field **list = op_alloc(op, 2 * head->field_count * sizeof(*list));
	const struct http_field *connection = http_head_field(head, "connection");
	char *name, **own;
	size_t prefix;

	/* Nothing stays of an earlier attempt's answer. */
	response->etag = response->content_type = response->last_modified = response->request_id =
		response->version_id = (char *)protobuf_c_empty_string;
	response->n_metadata = response->n_headers = 0;
	response->metadata = list;
	response->headers = list + head->field_count;
	for (unsigned int i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		own = answer_field(response, field, type);
		if (own && !**own) {
			*own = answer_value(op, field);
			continue;
		}
		name = answer_name(op, field);
		if (own || !strcmp(name, "content-length") || header_is_hop_by_hop(name) ||
		    (connection && http_field_lists(connection, name, field->name_len)))
			continue;
		prefix = metadata_prefix(name, type);
		nexus__v1__field__init(to);
		to->name = name + prefix;
		to->value = answer_value(op, field);
		if (prefix)
			response->metadata[response->n_metadata++] = to++;
		else
			response->headers[response->n_headers++] = to++;
	}
}
