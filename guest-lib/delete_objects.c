// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdlib.h>
#include "cleanup.h"
#include "op.h"

#define OBJECTS_MAX	1000
#define RESULT_MAX	(8U << 20)	/* bytes of the packed answer */

/* The answer, and what its strings are part of. */
struct deletion {
	struct nexus_deletion public;
	ProtobufCMessage *message;
};

void nexus_deletion_free(struct nexus_deletion *deletion)
{
	struct deletion *d = (struct deletion *)deletion;

	if (!d)
		return;
	if (d->message)
		protobuf_c_message_free_unpacked(d->message, NULL);
	free((void *)d->public.deleted);
	free((void *)d->public.errors);
	free(d);
}

static int deletion_fill(Nexus__V1__DeleteResult *result, struct nexus_deletion **deletion)
{
	struct deletion *d = calloc(1, sizeof(*d));
	struct nexus_deleted *deleted = calloc(result->n_deleted + 1, sizeof(*deleted));
	struct nexus_delete_error *errors = calloc(result->n_errors + 1, sizeof(*errors));

	if (!d || !deleted || !errors) {
		free(d);
		free(deleted);
		free(errors);
		return -ENOMEM;
	}
	for (size_t i = 0; i < result->n_deleted; i++) {
		const Nexus__V1__DeletedObject *o = result->deleted[i];

		deleted[i] = (struct nexus_deleted){ o->key, o->version_id, o->delete_marker, o->delete_marker_version_id };
	}
	for (size_t i = 0; i < result->n_errors; i++) {
		const Nexus__V1__DeleteError *e = result->errors[i];

		errors[i] = (struct nexus_delete_error){ e->key, e->version_id, e->code, e->message };
	}
	d->public = (struct nexus_deletion){ result->n_deleted, result->n_errors, deleted, errors };
	d->message = &result->base;
	*deletion = &d->public;
	return 0;
}

/* The names in the message's form; NULL: no memory. The caller frees it. */
static Nexus__V1__ObjectIdentifier **identifiers(const struct nexus_object_id *objects, size_t nr)
{
	Nexus__V1__ObjectIdentifier **list = calloc(nr + 1, sizeof(*list) + sizeof(**list));
	Nexus__V1__ObjectIdentifier *to = list ? (Nexus__V1__ObjectIdentifier *)(list + nr + 1) : NULL;

	for (size_t i = 0; list && i < nr; i++) {
		nexus__v1__object_identifier__init(&to[i]);
		to[i].key = op_text(objects[i].key);
		to[i].version_id = op_text(objects[i].version_id);
		list[i] = &to[i];
	}
	return list;
}

static int delete_objects(struct nexus_op *op, const char *bucket, const Nexus__V1__ObjectIdentifiers *message, int quiet,
			  const struct nexus_options *options, struct nexus_deletion **deletion)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__DeleteObjects delete = NEXUS__V1__DELETE_OBJECTS__INIT;
	struct op_payload payload = { .upload = true, .exchange = true, .stream = true };
	ProtobufCMessage *answer;
	struct nexus_options o;
	int ret;

	if (op_options(op, &o, options, OPTION_HEADERS) ||
	    op_fields(op, o.headers, delete.n_headers = o.nr_headers, "headers", &delete.headers))
		return op->status;
	payload.len = delete.content_length = nexus__v1__object_identifiers__get_packed_size(message);
	delete.bucket = op_text(bucket);
	delete.quiet = quiet;
	req.op_case = NEXUS__V1__REQUEST__OP_DELETE_OBJECTS;
	req.delete_objects = &delete;
	op_start(op, &req, &payload, &o, true);
	ret = op_send_message(op, &message->base);
	if (!ret)
		ret = op_take_message(op, &nexus__v1__delete_result__descriptor, RESULT_MAX, &answer);
	if (ret)
		return ret;
	ret = deletion_fill((Nexus__V1__DeleteResult *)answer, deletion);
	if (ret)
		protobuf_c_message_free_unpacked(answer, NULL);
	return ret;
}

int nexus_delete_objects(struct nexus *nx, const char *bucket, const struct nexus_object_id *objects, size_t nr,
			 int quiet, const struct nexus_options *options, struct nexus_deletion **deletion,
			 struct nexus_op **out)
{
	Nexus__V1__ObjectIdentifiers message = NEXUS__V1__OBJECT_IDENTIFIERS__INIT;
	autofree Nexus__V1__ObjectIdentifier **list = NULL;
	struct nexus_op *op = op_new(nx);

	*deletion = NULL;
	if (!op)
		return op_return(op, out, -ENOMEM);
	if (!nr || nr > OBJECTS_MAX)
		return op_return(op, out, op_fail(op, -EINVAL, "NexusBadRequest", "%zu objects to delete; give 1 to %d", nr,
						  OBJECTS_MAX));
	list = identifiers(objects, nr);
	if (!list)
		return op_return(op, out, op_fail(op, -ENOMEM, "NexusInternal", "out of memory"));
	message.objects = list;
	message.n_objects = nr;
	return op_return(op, out, delete_objects(op, bucket, &message, quiet, options, deletion));
}
