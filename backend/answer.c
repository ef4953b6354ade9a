// SPDX-License-Identifier: GPL-2.0-only
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

/*
 * The operation's own copy of all fields in one piece, in which each text is ended where it lies: behind
 * a name stands its colon, behind a value at least its line's end.
 */
struct answer_copy {
	char *data;
	const char *from;	/* the head's first field */
};

static struct answer_copy answer_copy(struct op *op, const struct http_head *head)
{
	const struct http_field *last = &head->fields[head->field_count - 1];
	struct answer_copy copy = { .from = head->fields[0].name };
	size_t len = last->value + last->value_len - copy.from;

	copy.data = op_alloc(op, len + 1);
	memcpy(copy.data, copy.from, len);
	return copy;
}

static char *copy_text(const struct answer_copy *copy, const char *text, size_t len)
{
	char *mine = copy->data + (text - copy->from);

	mine[len] = '\0';
	return mine;
}

/* The parser may have found an empty one anywhere. */
static char *copy_value(const struct answer_copy *copy, const struct http_field *field)
{
	return field->value_len ? copy_text(copy, field->value, field->value_len) : (char *)protobuf_c_empty_string;
}

/* The first letter decides nearly always. */
static inline bool is(const struct http_field *field, const char *name)
{
	return name && field->name[0] == name[0] && field->name_len == strlen(name) &&
	       !memcmp(field->name, name, field->name_len);
}

static bool value_is(const struct http_field *field, const char *value)
{
	return field->value_len == strlen(value) && !strncasecmp(field->value, value, field->value_len);
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
	size_t len;

	if (!type->metadata || *name != *type->metadata)
		return 0;
	len = strlen(type->metadata);
	return !strncmp(name, type->metadata, len) && name[len] ? len : 0;
}

/* Is it about this connection alone? */
static bool is_hop(const struct http_field *field, const char *name, const struct http_field *connection)
{
	return header_is_hop_by_hop(name) || (connection && http_field_lists(connection, name, field->name_len));
}

void answer_fill(struct op *op, const struct http_head *head, const struct answer_type *type)
{
	Nexus__V1__Response *response = &op->response;
	Nexus__V1__Field *fields = op_alloc(op, head->field_count * sizeof(*fields)), *to = fields;
	Nexus__V1__Field **list = op_alloc(op, 2 * head->field_count * sizeof(*list));
	const struct http_field *connection = http_head_field(head, "connection");
	struct answer_copy copy;
	char *name, **own;
	size_t prefix;

	/* Nothing stays of an earlier attempt's answer. */
	response->etag = response->content_type = response->last_modified = response->request_id =
		response->version_id = (char *)protobuf_c_empty_string;
	response->n_metadata = response->n_headers = 0;
	response->metadata = list;
	response->headers = list + head->field_count;
	if (!head->field_count)
		return;
	if (connection && (value_is(connection, "keep-alive") || value_is(connection, "close")))
		connection = NULL;	/* it names no field */
	copy = answer_copy(op, head);
	for (unsigned int i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		own = answer_field(response, field, type);
		if (own && !**own) {
			*own = copy_value(&copy, field);
			continue;
		}
		name = copy_text(&copy, field->name, field->name_len);
		if (own || is(field, "content-length") || is_hop(field, name, connection))
			continue;
		prefix = metadata_prefix(name, type);
		nexus__v1__field__init(to);
		to->name = name + prefix;
		to->value = copy_value(&copy, field);
		if (prefix)
			response->metadata[response->n_metadata++] = to++;
		else
			response->headers[response->n_headers++] = to++;
	}
}
