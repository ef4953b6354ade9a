// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "order_names.h"

/* A request may name no object where it should: it meets nothing, and fails when it starts. */
static struct order_name order_object(enum order_kind kind, const Nexus__V1__ObjectName *object)
{
	return (struct order_name){ .kind = kind, .bucket = object ? object->bucket : "",
				    .key = object ? object->key : "" };
}

static struct order_name order_prefix(enum order_kind kind, const char *bucket, const char *prefix)
{
	return (struct order_name){ .kind = kind, .prefix = true, .bucket = bucket, .key = prefix };
}

unsigned int order_names(const Nexus__V1__Request *request, struct order_name names[ORDER_NAMES_MAX])
{
	const Nexus__V1__CopyObject *copy;

	switch (request->op_case) {
	case NEXUS__V1__REQUEST__OP_GET_OBJECT:
		names[0] = order_object(ORDER_READ, request->get_object->object);
		return 1;
	case NEXUS__V1__REQUEST__OP_HEAD_OBJECT:
		names[0] = order_object(ORDER_READ, request->head_object->object);
		return 1;
	case NEXUS__V1__REQUEST__OP_PUT_OBJECT:
		names[0] = order_object(ORDER_WRITE, request->put_object->object);
		return 1;
	case NEXUS__V1__REQUEST__OP_DELETE_OBJECT:
		names[0] = order_object(ORDER_WRITE, request->delete_object->object);
		return 1;
	case NEXUS__V1__REQUEST__OP_COMPLETE_MULTIPART_UPLOAD:
		names[0] = order_object(ORDER_WRITE, request->complete_multipart_upload->object);
		return 1;
	case NEXUS__V1__REQUEST__OP_COPY_OBJECT:
		copy = request->copy_object;
		names[0] = order_object(ORDER_READ, copy->source);
		names[1] = order_object(ORDER_WRITE, copy->object);
		return *copy->upload_id ? 1 : 2;
	case NEXUS__V1__REQUEST__OP_LIST_OBJECTS:
		names[0] = order_prefix(ORDER_READ, request->list_objects->bucket, request->list_objects->prefix);
		return 1;
	case NEXUS__V1__REQUEST__OP_DELETE_OBJECTS:
		/* The keys come with the payload. */
		names[0] = order_prefix(ORDER_WRITE, request->delete_objects->bucket, "");
		return 1;
	case NEXUS__V1__REQUEST__OP_AWS_REQUEST:
	case NEXUS__V1__REQUEST__OP_HTTP_REQUEST:
	case NEXUS__V1__REQUEST__OP_GRPC_CALL:
	case NEXUS__V1__REQUEST__OP_GRPC_START:
		/* Whoever is called may look for what the guest believes written. */
		names[0] = order_prefix(ORDER_CALL, NULL, "");
		return 1;
	case NEXUS__V1__REQUEST__OP_FLUSH:
	case NEXUS__V1__REQUEST__OP_RESPOND:
	case NEXUS__V1__REQUEST__OP_GRPC_FINISH:
		names[0] = order_prefix(ORDER_FLUSH, NULL, "");
		return 1;
	default:
		return 0;
	}
}

bool order_names_meet(const struct order_name *a, const struct order_name *b)
{
	if (!a->bucket || !b->bucket)
		return true;
	if (strcmp(a->bucket, b->bucket))
		return false;
	if (a->prefix && (!b->prefix || strlen(a->key) <= strlen(b->key)))
		return !strncmp(a->key, b->key, strlen(a->key));
	if (b->prefix)
		return !strncmp(a->key, b->key, strlen(b->key));
	return !strcmp(a->key, b->key);
}
