// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "op.h"

#define PAGE_MAX	(8U << 20)	/* bytes of a packed page: 1000 objects with the longest keys are 2 MiB */

/* A page, and what its strings are part of. */
struct list_page {
	struct nexus_page page;
	ProtobufCMessage *message;
	struct nexus_object objects[];
};

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower(c) - 'a' + 10 : -1;
}

/* In place. A NUL stays encoded: no key has one. */
static void url_decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0 && (s[1] != '0' || s[2] != '0')) {
			*to++ = hex_digit(s[1]) << 4 | hex_digit(s[2]);
			s += 2;
		} else {
			*to++ = *s == '+' ? ' ' : *s;
		}
	}
	*to = '\0';
}

/* Names as they were put. What is absent is protobuf-c's own empty string, which nobody may write to. */
static void list_decode(Nexus__V1__ObjectList *list)
{
	for (size_t i = 0; i < list->n_objects; i++) {
		if (*list->objects[i]->key)
			url_decode(list->objects[i]->key);
	}
	for (size_t i = 0; i < list->n_common_prefixes; i++)
		url_decode(list->common_prefixes[i]);
	if (*list->next_marker)
		url_decode(list->next_marker);
}

static int list_fill(Nexus__V1__ObjectList *list, struct nexus_page **page)
{
	struct list_page *p = calloc(1, sizeof(*p) + list->n_objects * sizeof(p->objects[0]));

	if (!p)
		return -ENOMEM;
	if (list->url_encoded)
		list_decode(list);
	for (size_t i = 0; i < list->n_objects; i++) {
		const Nexus__V1__ListedObject *o = list->objects[i];

		p->objects[i] = (struct nexus_object){ o->key, o->size, o->etag, o->last_modified, o->storage_class,
						       o->owner_id, o->owner_name };
	}
	p->message = &list->base;
	p->page = (struct nexus_page){
		.nr_objects = list->n_objects, .objects = p->objects,
		.nr_prefixes = list->n_common_prefixes, .prefixes = list->common_prefixes,
		.is_truncated = list->is_truncated, .next_token = list->next_continuation_token,
		.next_marker = list->next_marker, .max_keys = list->max_keys, .key_count = list->key_count,
	};
	/* Without a delimiter, S3's version 1 leaves it to the caller to take the last key. */
	if (list->is_truncated && !*list->next_marker && list->n_objects)
		p->page.next_marker = list->objects[list->n_objects - 1]->key;
	*page = &p->page;
	return 0;
}

void nexus_page_free(struct nexus_page *page)
{
	struct list_page *p = (struct list_page *)page;

	if (!p)
		return;
	protobuf_c_message_free_unpacked(p->message, NULL);
	free(p);
}

static struct nexus_op *list_begin(struct nexus *nx, const char *bucket, const struct nexus_list_options *options)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__ListObjects list = NEXUS__V1__LIST_OBJECTS__INIT;
	struct nexus_list_options o = NEXUS_LIST_OPTIONS_INIT;
	struct nexus_options general = NEXUS_OPTIONS_INIT;
	struct nexus_op *op = op_new(nx);

	if (!op)
		return NULL;
	if (options && (options->size < offsetof(struct nexus_list_options, prefix) || options->size > sizeof(o))) {
		op_fail(op, -EINVAL, "NexusBadRequest", "options of size %zu: use NEXUS_LIST_OPTIONS_INIT", options->size);
		return op;
	}
	if (options)
		memcpy(&o, options, options->size);
	if (op_fields(op, o.headers, list.n_headers = o.nr_headers, "headers", &list.headers))
		return op;
	list.bucket = op_text(bucket);
	list.v1 = o.v1;
	list.prefix = op_text(o.prefix);
	list.delimiter = op_text(o.delimiter);
	list.max_keys = o.max_keys;
	list.start_after = op_text(o.start_after);
	list.continuation_token = op_text(o.continuation_token);
	list.fetch_owner = o.fetch_owner;
	general.timeout_ms = o.timeout_ms;
	req.op_case = NEXUS__V1__REQUEST__OP_LIST_OBJECTS;
	req.list_objects = &list;
	op_start(op, &req, &(struct op_payload){ .stream = true }, &general, true);
	return op;
}

int nexus_list(struct nexus *nx, const char *bucket, const struct nexus_list_options *options,
	       struct nexus_page **page, struct nexus_op **out)
{
	struct nexus_op *op = list_begin(nx, bucket, options);
	ProtobufCMessage *message;
	int ret = -ENOMEM;

	*page = NULL;
	if (op)
		ret = op_take_message(op, &nexus__v1__object_list__descriptor, PAGE_MAX, &message);
	if (!ret) {
		ret = list_fill((Nexus__V1__ObjectList *)message, page);
		if (ret)
			protobuf_c_message_free_unpacked(message, NULL);
	}
	return op_return(op, out, ret);
}

int nexus_list_all(struct nexus *nx, const char *bucket, const struct nexus_list_options *options,
		   int (*each)(void *arg, const struct nexus_page *page), void *arg, struct nexus_op **out)
{
	struct nexus_list_options o = NEXUS_LIST_OPTIONS_INIT;
	autofree char *from = NULL;
	struct nexus_page *page;
	struct nexus_op *op;
	bool more;
	int ret;

	if (options && options->size <= sizeof(o))
		memcpy(&o, options, options->size);
	do {
		ret = nexus_list(nx, bucket, &o, &page, &op);
		if (ret)
			return op_return(op, out, ret);
		more = page->is_truncated;
		free(from);
		from = more ? strdup(o.v1 ? page->next_marker : page->next_token) : NULL;
		if (o.v1)
			o.start_after = from;
		else
			o.continuation_token = from;
		ret = each(arg, page);
		nexus_page_free(page);
		if (ret || !more)
			return op_return(op, out, ret);
		nexus_op_free(op);
	} while (from && *from);
	if (out)
		*out = NULL;
	return from ? -EPROTO : -ENOMEM;
}
