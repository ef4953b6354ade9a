// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include "config.h"
#include "container.h"
#include "policy.h"
#include "s3_document.h"
#include "s3_post.h"
#include "xml.h"

#define OBJECTS_MAX	1000
#define MESSAGE_MAX	(2U << 20)	/* bytes: 1000 of the longest keys and versions */
#define UNPACKED_MAX	(4U << 20)
#define DOCUMENT_MAX	(4U << 20)

struct delete_state {
	struct s3_post post;
	struct s3_document document;
};

enum {
	DELETED_KEY, DELETED_VERSION, DELETED_MARKER, DELETED_MARKER_VERSION,
	ERROR_KEY, ERROR_VERSION, ERROR_CODE, ERROR_MESSAGE,
};

static const char *const delete_paths[] = {
	[DELETED_KEY] = "Deleted/Key",
	[DELETED_VERSION] = "Deleted/VersionId",
	[DELETED_MARKER] = "Deleted/DeleteMarker",
	[DELETED_MARKER_VERSION] = "Deleted/DeleteMarkerVersionId",
	[ERROR_KEY] = "Error/Key",
	[ERROR_VERSION] = "Error/VersionId",
	[ERROR_CODE] = "Error/Code",
	[ERROR_MESSAGE] = "Error/Message",
	NULL,
};

/* ---- the answer ---- */

static bool delete_element(struct s3_document *document, const char *name, char **values)
{
	Nexus__V1__DeletedObject deleted = NEXUS__V1__DELETED_OBJECT__INIT, *deleted_list = &deleted;
	Nexus__V1__DeleteError error = NEXUS__V1__DELETE_ERROR__INIT, *error_list = &error;
	Nexus__V1__DeleteResult result = NEXUS__V1__DELETE_RESULT__INIT;

	if (!strcmp(name, "Deleted")) {
		deleted.key = document_value(values[DELETED_KEY]);
		deleted.version_id = document_value(values[DELETED_VERSION]);
		deleted.delete_marker = values[DELETED_MARKER] && !strcmp(values[DELETED_MARKER], "true");
		deleted.delete_marker_version_id = document_value(values[DELETED_MARKER_VERSION]);
		result.deleted = &deleted_list;
		result.n_deleted = 1;
	} else if (!strcmp(name, "Error")) {
		error.key = document_value(values[ERROR_KEY]);
		error.version_id = document_value(values[ERROR_VERSION]);
		error.code = document_value(values[ERROR_CODE]);
		error.message = document_value(values[ERROR_MESSAGE]);
		result.errors = &error_list;
		result.n_errors = 1;
	}
	return s3_document_append(document, &result.base);
}

static const struct s3_document_type delete_document_type = {
	.root = "DeleteResult",
	.paths = delete_paths,
	.element = delete_element,
};

static struct delete_state *delete_of(struct http *http)
{
	return container_of(http, struct delete_state, post.call.http);
}

static int delete_body(struct http *http, const char *data, size_t len)
{
	return s3_document_body(&delete_of(http)->document, data, len);
}

static int delete_complete(struct http *http, const char *body, size_t len)
{
	struct delete_state *state = delete_of(http);

	return s3_status(http->status) ? s3_error(&state->post.call, body, len) :
					 s3_document_complete(&state->document, &state->post.call);
}

static void delete_end(struct http *http)
{
	s3_document_end(&delete_of(http)->document);
}

static const struct http_type delete_http_type = {
	.request = s3_request,
	.response = s3_response,
	.complete = delete_complete,
	.body = delete_body,
	.end = delete_end,
};

/* ---- the request ---- */

static int delete_object(struct op *op, struct text *document, const Nexus__V1__ObjectIdentifier *object)
{
	int ret = s3_check_key(op, object->key);

	if (ret)
		return ret;
	if (!xml_can_carry(object->key) || !xml_can_carry(object->version_id))
		return op_error(op, -EINVAL, "NexusBadRequest",
				"the key \"%.64s\" holds what XML cannot carry (a control character, or no UTF-8): delete it by itself",
				object->key);
	if (!policy_allows_key(op, op->request->delete_objects->bucket, object->key,
			       *object->version_id ? "s3:DeleteObjectVersion" : "s3:DeleteObject"))
		return op_error(op, -EACCES, "NexusPolicyDenied",
				"deleting s3://%s/%.200s is not allowed for tenant %s: see `buckets` and `operations` in [tenant %s]",
				op->request->delete_objects->bucket, object->key, op->tenant->name, op->tenant->name);
	text_puts(document, "<Object><Key>");
	xml_escape(document, object->key);
	text_puts(document, "</Key>");
	if (*object->version_id) {
		text_puts(document, "<VersionId>");
		xml_escape(document, object->version_id);
		text_puts(document, "</VersionId>");
	}
	text_puts(document, "</Object>");
	return 0;
}

static int delete_gathered(struct s3_post *post)
{
	struct op *op = post->call.http.op;
	struct text document = s3_post_document(post, DOCUMENT_MAX);
	const Nexus__V1__ObjectIdentifiers *list;
	int ret = 0;

	list = (void *)collect_unpack(&post->collect, &nexus__v1__object_identifiers__descriptor, UNPACKED_MAX);
	if (!list || !list->n_objects || list->n_objects > OBJECTS_MAX)
		return op_error(op, -EINVAL, "NexusBadRequest",
				"the %u bytes of the windows are no nexus.v1.ObjectIdentifiers with 1 to %d objects",
				post->collect.total, OBJECTS_MAX);
	text_puts(&document, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (size_t i = 0; !ret && i < list->n_objects; i++)
		ret = delete_object(op, &document, list->objects[i]);
	text_puts(&document, op->request->delete_objects->quiet ? "<Quiet>true</Quiet></Delete>" : "</Delete>");
	if (ret)
		return ret;
	op->windows->done = 0;	/* from here on it receives */
	return s3_post_send(post, &document);
}

static int s3_delete_objects_start(struct op *op)
{
	const Nexus__V1__DeleteObjects *delete = op->request->delete_objects;
	struct delete_state *state = op->state;
	int ret;

	s3_call_init_bucket(op, "POST", delete->bucket);
	s3_call_flag(&state->post.call, "delete");
	ret = s3_call_fields(&state->post.call, S3_DELETE_OBJECTS, delete->headers, delete->n_headers);
	if (!ret)
		ret = collect_init(&state->post.collect, op, delete->content_length, MESSAGE_MAX);
	if (ret)
		return ret;
	state->document.type = &delete_document_type;
	state->document.http = &state->post.call.http;
	state->post.gathered = delete_gathered;
	state->post.call.http.type = &delete_http_type;
	state->post.call.http.document = true;
	return s3_post_gather(&state->post);
}

/* Not to be run again after a crash: the answer may have overwritten part of the request. */
const struct op_type s3_delete_objects_type = {
	.name = "s3_delete_objects",
	.op_case = NEXUS__V1__REQUEST__OP_DELETE_OBJECTS,
	.state_size = sizeof(struct delete_state),
	.exchange = true,
	.start = s3_delete_objects_start,
	.window = s3_post_window,
	.abort = s3_call_abort,
};
