/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a response's head the guest gets: fields of their own, metadata, and all other headers. */
#ifndef NEXUS_ANSWER_H
#define NEXUS_ANSWER_H

struct http_field;
struct http_head;
struct op;

/* Whose headers they are. */
struct answer_type {
	const char *request_id;		/* the header's name, lower case */
	const char *version_id;		/* likewise; NULL: there is none */
	const char *metadata;		/* prefix of the names of metadata, lower case; NULL: there is none */
};

/* Fill op->response, but for content_length. Names become lower case; headers of one connection only are left out. */
void answer_fill(struct op *op, const struct http_head *head, const struct answer_type *type);

/* A copy of the field's value that lives as long as the operation; "" for NULL. */
char *answer_value(struct op *op, const struct http_field *field);

#endif
