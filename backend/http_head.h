/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The head of an HTTP/1.1 response: found, parsed (by libhttp-parser) and
 * checked strictly, so that nobody can disagree with us on where a body ends.
 */
#ifndef NEXUS_HTTP_HEAD_H
#define NEXUS_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX	32768U	/* bytes */
#define HTTP_FIELDS_MAX	128

struct http_field {
	const char *name, *value;	/* in the head's buffer, not NUL-terminated; the name in lower case */
	uint32_t name_len, value_len;
};

enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH,
	HTTP_CHUNKED,
	HTTP_UNTIL_CLOSE,
};

struct http_head {
	unsigned int status;
	bool keep_alive;
	enum http_framing framing;
	uint64_t content_length;	/* as announced; 0 when not */
	unsigned int field_count;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/* Length of the head at data, with its empty line; 0: not complete. from: where to go on looking. */
size_t http_head_find(const char *data, size_t len, size_t from);

/* At least so many bytes are missing after an incomplete head. */
size_t http_head_need(const char *data, size_t len);

/*
 * Parse exactly one head; data's names become lower case. no_body: the request was a HEAD.
 * -EBADMSG; *reason (static text) says what is wrong.
 */
int http_head_parse(struct http_head *head, char *data, size_t len, bool no_body, const char **reason);

/* Is the token (any case) among the comma-separated ones of the field's value? */
bool http_field_lists(const struct http_field *field, const char *token, size_t len);

/* The first field of that name (lower case), or NULL. */
const struct http_field *http_head_field(const struct http_head *head, const char *name);

#endif
