// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "container.h"
#include "s3.h"
#include "s3_document.h"

struct list_state {
	struct s3_call call;
	struct s3_document document;
};

enum {
	KEY, SIZE, ETAG, LAST_MODIFIED, STORAGE_CLASS, OWNER_ID, OWNER_NAME, PREFIX, ENCODING, IS_TRUNCATED,
	NEXT_TOKEN, NEXT_MARKER, MAX_KEYS, KEY_COUNT,
};

static const char *const list_paths[] = {
	[KEY] = "Contents/Key",
	[SIZE] = "Contents/Size",
	[ETAG] = "Contents/ETag",
	[LAST_MODIFIED] = "Contents/LastModified",
	[STORAGE_CLASS] = "Contents/StorageClass",
	[OWNER_ID] = "Contents/Owner/ID",
	[OWNER_NAME] = "Contents/Owner/DisplayName",
	[PREFIX] = "CommonPrefixes/Prefix",
	[ENCODING] = "EncodingType",
	[IS_TRUNCATED] = "IsTruncated",
	[NEXT_TOKEN] = "NextContinuationToken",
	[NEXT_MARKER] = "NextMarker",
	[MAX_KEYS] = "MaxKeys",
	[KEY_COUNT] = "KeyCount",
	NULL,
};

/* ---- the answer ---- */

/*
 * We ask for encoded names, since XML cannot carry all of them. Stores say that
 * they did it, but some only behind the names, so names are passed on as they
 * came, and the guest's library decodes them when it has all of the answer.
 */
static bool list_object(struct s3_document *document, char **values)
{
	Nexus__V1__ListedObject object = NEXUS__V1__LISTED_OBJECT__INIT, *objects = &object;
	Nexus__V1__ObjectList list = NEXUS__V1__OBJECT_LIST__INIT;

	object.key = document_value(values[KEY]);
	object.size = values[SIZE] ? strtoull(values[SIZE], NULL, 10) : 0;
	object.etag = document_value(values[ETAG]);
	object.last_modified = document_value(values[LAST_MODIFIED]);
	object.storage_class = document_value(values[STORAGE_CLASS]);
	object.owner_id = document_value(values[OWNER_ID]);
	object.owner_name = document_value(values[OWNER_NAME]);
	list.objects = &objects;
	list.n_objects = 1;
	return s3_document_append(document, &list.base);
}

static bool list_element(struct s3_document *document, const char *name, char **values)
{
	Nexus__V1__ObjectList list = NEXUS__V1__OBJECT_LIST__INIT;

	if (!strcmp(name, "Contents"))
		return list_object(document, values);
	if (values[PREFIX]) {
		list.common_prefixes = &values[PREFIX];
		list.n_common_prefixes = 1;
	} else if (values[ENCODING]) {
		list.url_encoded = !strcmp(values[ENCODING], "url");
	} else if (values[IS_TRUNCATED]) {
		list.is_truncated = !strcmp(values[IS_TRUNCATED], "true");
	} else if (values[NEXT_TOKEN]) {
		list.next_continuation_token = values[NEXT_TOKEN];
	} else if (values[NEXT_MARKER]) {
		list.next_marker = values[NEXT_MARKER];
	} else if (values[MAX_KEYS]) {
		list.max_keys = strtoul(values[MAX_KEYS], NULL, 10);
	} else if (values[KEY_COUNT]) {
		list.key_count = strtoul(values[KEY_COUNT], NULL, 10);
	}
	return s3_document_append(document, &list.base);
}

static const struct s3_document_type list_document_type = {
	.root = "ListBucketResult",
	.paths = list_paths,
	.element = list_element,
};

static struct list_state *list_of(struct http *http)
{
	return container_of(http, struct list_state, call.http);
}

static int list_body(struct http *http, const char *data, size_t len)
{
	return s3_document_body(&list_of(http)->document, data, len);
}

static int list_complete(struct http *http, const char *body, size_t len)
{
	struct list_state *state = list_of(http);

	return s3_status(http->status) ? s3_error(&state->call, body, len) : s3_document_complete(&state->document, &state->call);
}

static void list_end(struct http *http)
{
	s3_document_end(&list_of(http)->document);
}

static const struct http_type list_http_type = {
	.request = s3_request,
	.response = s3_response,
	.complete = list_complete,
	.body = list_body,
	.end = list_end,
};

/* ---- the request ---- */

static int list_params(struct s3_call *call, const Nexus__V1__ListObjects *list)
{
	struct op *op = call->http.op;
	char number[16];

	if (list->v1 && (*list->continuation_token || list->fetch_owner))
		return op_error(op, -EINVAL, "NexusBadRequest",
				"continuation_token and fetch_owner are for version 2 of ListObjects");
	s3_call_param(call, "list-type", list->v1 ? "" : "2");
	s3_call_param(call, "encoding-type", "url");
	s3_call_param(call, "prefix", list->prefix);
	s3_call_param(call, "delimiter", list->delimiter);
	s3_call_param(call, list->v1 ? "marker" : "start-after", list->start_after);
	s3_call_param(call, "continuation-token", list->continuation_token);
	s3_call_param(call, "fetch-owner", list->fetch_owner ? "true" : "");
	if (list->max_keys) {
		snprintf(number, sizeof(number), "%u", list->max_keys);
		s3_call_param(call, "max-keys", op_strdup(op, number));
	}
	return 0;
}

static int s3_list_start(struct op *op)
{
	const Nexus__V1__ListObjects *list = op->request->list_objects;
	struct list_state *state = op->state;
	int ret;

	s3_call_init_bucket(op, "GET", list->bucket);
	ret = list_params(&state->call, list);
	if (!ret)
		ret = s3_call_fields(&state->call, S3_LIST, list->headers, list->n_headers);
	if (ret)
		return ret;
	state->document.type = &list_document_type;
	state->document.http = &state->call.http;
	state->call.http.type = &list_http_type;
	state->call.http.document = true;
	return s3_call_start(&state->call);
}

const struct op_type s3_list_type = {
	.name = "s3_list",
	.op_case = NEXUS__V1__REQUEST__OP_LIST_OBJECTS,
	.state_size = sizeof(struct list_state),
	.idempotent = true,
	.start = s3_list_start,
	.window = s3_call_window,
	.abort = s3_call_abort,
};
