// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Copies, lists, deleting many, multipart uploads. What a list or a deletion found is the operation's `data`. */
#include <errno.h>
#include <string.h>
#include "native.h"

#define END	{ NULL, OPTION_TEXT, NULL }

/* An operation that has ended, with data (taken; NULL: none). */
static PyObject *ended(struct channel *channel, struct nexus_op *op, PyObject *data)
{
	struct operation *o = (struct operation *)operation_new(channel, op, NULL);

	if (o)
		o->data = data;
	else
		Py_XDECREF(data);
	return (PyObject *)o;
}

/* dict[name] = value, which is taken. */
static int set(PyObject *dict, const char *name, PyObject *value)
{
	int ret = value ? PyDict_SetItemString(dict, name, value) : -1;

	Py_XDECREF(value);
	return ret;
}

static int set_text(PyObject *dict, const char *name, const char *value)
{
	return value && *value ? set(dict, name, text_new(value)) : 0;
}

static int append(PyObject *list, PyObject *item)
{
	int ret = item ? PyList_Append(list, item) : -1;

	Py_XDECREF(item);
	return ret;
}

static PyObject *listed_object(const struct nexus_object *object)
{
	PyObject *dict = PyDict_New(), *owner;

	if (!dict || set(dict, "Key", text_new(object->key)) || set_text(dict, "LastModified", object->last_modified) ||
	    set_text(dict, "ETag", object->etag) || set(dict, "Size", PyLong_FromUnsignedLongLong(object->size)) ||
	    set_text(dict, "StorageClass", object->storage_class))
		goto fail;
	if (*object->owner_id || *object->owner_name) {
		owner = PyDict_New();
		if (!owner || set_text(owner, "DisplayName", object->owner_name) ||
		    set_text(owner, "ID", object->owner_id)) {
			Py_XDECREF(owner);
			goto fail;
		}
		if (set(dict, "Owner", owner))
			goto fail;
	}
	return dict;
fail:
	Py_XDECREF(dict);
	return NULL;
}

static PyObject *listed_page(const struct nexus_page *page)
{
	PyObject *objects = PyList_New(0), *prefixes = PyList_New(0);

	for (size_t i = 0; objects && i < page->nr_objects; i++)
		if (append(objects, listed_object(&page->objects[i])))
			Py_CLEAR(objects);
	for (size_t i = 0; prefixes && i < page->nr_prefixes; i++)
		if (append(prefixes, text_new(page->prefixes[i])))
			Py_CLEAR(prefixes);
	if (!objects || !prefixes) {
		Py_XDECREF(objects);
		Py_XDECREF(prefixes);
		return NULL;
	}
	return Py_BuildValue("{sNsNsNsIsIsssN}", "contents", objects, "common_prefixes", prefixes,
			     "is_truncated", PyBool_FromLong(page->is_truncated), "max_keys", page->max_keys,
			     "key_count", page->key_count, "next_marker", page->next_marker ? page->next_marker : "",
			     "next_token", text_new(page->next_token ? page->next_token : ""));
}

static PyObject *channel_list(struct channel *channel, PyObject *args, PyObject *keywords)
{
	struct nexus_list_options list = NEXUS_LIST_OPTIONS_INIT;
	const struct option_extra extras[] = {
		{ "timeout_ms", OPTION_NUMBER, &list.timeout_ms }, { "max_keys", OPTION_NUMBER, &list.max_keys },
		{ "prefix", OPTION_TEXT, &list.prefix }, { "delimiter", OPTION_TEXT, &list.delimiter },
		{ "start_after", OPTION_TEXT, &list.start_after },
		{ "continuation_token", OPTION_TEXT, &list.continuation_token },
		{ "fetch_owner", OPTION_BOOLEAN, &list.fetch_owner }, { "v1", OPTION_BOOLEAN, &list.v1 }, END,
	};
	PyObject *name, *ret = NULL, *data = NULL;
	struct nexus_page *page = NULL;
	struct nexus_op *op = NULL;
	struct options options;
	const char *bucket;

	if (channel_check(channel) || !PyArg_ParseTuple(args, "O", &name))
		return NULL;
	bucket = text_of(name, "the bucket");
	if (!bucket)
		return NULL;
	if (!options_parse(&options, keywords, extras)) {
		list.headers = options.nexus.headers;
		list.nr_headers = options.nexus.nr_headers;
		Py_BEGIN_ALLOW_THREADS
		nexus_list(channel->nx, bucket, &list, &page, &op);
		Py_END_ALLOW_THREADS
		if (page) {
			data = listed_page(page);
			nexus_page_free(page);
		}
		if (PyErr_Occurred())
			nexus_op_free(op);
		else
			ret = ended(channel, op, data);
	}
	options_clear(&options);
	return ret;
}

/* Fill in ids from a list of (key, version) pairs. */
static int deletion_ids(PyObject *names, struct nexus_object_id *ids)
{
	for (Py_ssize_t i = 0; i < PyList_Size(names); i++) {
		PyObject *pair = PyList_GetItem(names, i), *key, *version;

		if (!PyArg_ParseTuple(pair, "OO", &key, &version))
			return -1;
		ids[i].key = text_of(key, "a key");
		ids[i].version_id = ids[i].key ? text_of(version, "a version") : NULL;
		if (!ids[i].version_id)
			return -1;
	}
	return 0;
}

static PyObject *deleted_object(const struct nexus_deleted *deleted)
{
	PyObject *dict = PyDict_New();

	if (dict && !set(dict, "Key", text_new(deleted->key)) && !set_text(dict, "VersionId", deleted->version_id) &&
	    (!deleted->delete_marker || !set(dict, "DeleteMarker", Py_NewRef(Py_True))) &&
	    !set_text(dict, "DeleteMarkerVersionId", deleted->delete_marker_version_id))
		return dict;
	Py_XDECREF(dict);
	return NULL;
}

static PyObject *delete_error(const struct nexus_delete_error *error)
{
	PyObject *dict = PyDict_New();

	if (dict && !set(dict, "Key", text_new(error->key)) && !set_text(dict, "VersionId", error->version_id) &&
	    !set_text(dict, "Code", error->code) && !set_text(dict, "Message", error->message))
		return dict;
	Py_XDECREF(dict);
	return NULL;
}

static PyObject *deletion_data(const struct nexus_deletion *deletion)
{
	PyObject *deleted = PyList_New(0), *errors = PyList_New(0);

	for (size_t i = 0; deleted && i < deletion->nr_deleted; i++)
		if (append(deleted, deleted_object(&deletion->deleted[i])))
			Py_CLEAR(deleted);
	for (size_t i = 0; errors && i < deletion->nr_errors; i++)
		if (append(errors, delete_error(&deletion->errors[i])))
			Py_CLEAR(errors);
	if (deleted && errors)
		return Py_BuildValue("NN", deleted, errors);
	Py_XDECREF(deleted);
	Py_XDECREF(errors);
	return NULL;
}

static PyObject *channel_delete_objects(struct channel *channel, PyObject *args, PyObject *keywords)
{
	PyObject *bucket_name, *names, *ret = NULL, *data = NULL;
	struct nexus_deletion *deletion = NULL;
	struct nexus_object_id *ids;
	struct nexus_op *op = NULL;
	struct options options;
	const char *bucket;
	int quiet = 0;
	const struct option_extra extras[] = { { "quiet", OPTION_BOOLEAN, &quiet }, END };

	if (channel_check(channel) || !PyArg_ParseTuple(args, "OO!", &bucket_name, &PyList_Type, &names))
		return NULL;
	bucket = text_of(bucket_name, "the bucket");
	ids = bucket ? PyMem_Calloc(PyList_Size(names) + 1, sizeof(*ids)) : NULL;
	if (!ids)
		return bucket ? PyErr_NoMemory() : NULL;
	if (!options_parse(&options, keywords, extras) && !deletion_ids(names, ids)) {
		Py_ssize_t nr = PyList_Size(names);

		Py_BEGIN_ALLOW_THREADS
		nexus_delete_objects(channel->nx, bucket, ids, nr, quiet, &options.nexus, &deletion, &op);
		Py_END_ALLOW_THREADS
		if (deletion) {
			data = deletion_data(deletion);
			nexus_deletion_free(deletion);
		}
		if (PyErr_Occurred())
			nexus_op_free(op);
		else
			ret = ended(channel, op, data);
	}
	options_clear(&options);
	PyMem_Free(ids);
	return ret;
}

static PyObject *channel_copy(struct channel *channel, PyObject *args, PyObject *keywords)
{
	struct nexus_copy copy = NEXUS_COPY_INIT;
	const struct option_extra extras[] = {
		{ "source_bucket", OPTION_TEXT, &copy.bucket }, { "source_key", OPTION_TEXT, &copy.key },
		{ "source_version_id", OPTION_TEXT, &copy.version_id }, { "replace", OPTION_BOOLEAN, &copy.replace },
		{ "upload_id", OPTION_TEXT, &copy.upload_id }, { "part_number", OPTION_NUMBER, &copy.part_number },
		{ "source_range", OPTION_TEXT, &copy.range }, END,
	};
	struct nexus_op *op;
	PyObject *ret = NULL;
	struct call call;

	if (!call_parse(&call, channel, args, keywords, extras)) {
		Py_BEGIN_ALLOW_THREADS
		op = nexus_copy_start(channel->nx, &copy, call.bucket, call.key, &call.options.nexus);
		Py_END_ALLOW_THREADS
		ret = operation_new(channel, op, NULL);
	}
	options_clear(&call.options);
	return ret;
}

static PyObject *channel_multipart_create(struct channel *channel, PyObject *args, PyObject *keywords)
{
	struct nexus_op *op = NULL;
	PyObject *ret = NULL;
	struct call call;

	if (!call_parse(&call, channel, args, keywords, NULL)) {
		Py_BEGIN_ALLOW_THREADS
		nexus_multipart_create(channel->nx, call.bucket, call.key, &call.options.nexus, &op);
		Py_END_ALLOW_THREADS
		ret = ended(channel, op, NULL);
	}
	options_clear(&call.options);
	return ret;
}

static PyObject *channel_multipart_part(struct channel *channel, PyObject *args, PyObject *keywords)
{
	const char *upload_id = "";
	uint32_t number = 0;
	uint64_t total = 0;
	const struct option_extra extras[] = {
		{ "upload_id", OPTION_TEXT, &upload_id }, { "part_number", OPTION_NUMBER, &number },
		{ "total", OPTION_SIZE, &total }, END,
	};
	struct nexus_op *op;
	PyObject *ret = NULL;
	struct call call;
	Py_buffer data;
	int has = take_buffer(keywords, "data", &data, PyBUF_SIMPLE);

	if (has < 0)
		return NULL;
	if (call_parse(&call, channel, args, keywords, extras)) {
		if (has)
			PyBuffer_Release(&data);
	} else {
		Py_BEGIN_ALLOW_THREADS
		op = has || !total ?
			nexus_multipart_part_start(channel->nx, call.bucket, call.key, upload_id, number,
						   has ? data.buf : NULL, has ? data.len : 0, &call.options.nexus) :
			nexus_multipart_part_stream(channel->nx, call.bucket, call.key, upload_id, number, total,
						    &call.options.nexus);
		Py_END_ALLOW_THREADS
		ret = operation_new(channel, op, has ? &data : NULL);
	}
	options_clear(&call.options);
	return ret;
}

/* Fill in parts from a list of (number, entity tag) pairs. */
static int completed_parts(PyObject *list, struct nexus_part *parts)
{
	for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
		PyObject *pair = PyList_GetItem(list, i), *etag;

		if (!PyArg_ParseTuple(pair, "IO", &parts[i].number, &etag))
			return -1;
		parts[i].etag = text_of(etag, "an entity tag");
		if (!parts[i].etag)
			return -1;
	}
	return 0;
}

static PyObject *channel_multipart_complete(struct channel *channel, PyObject *args, PyObject *keywords)
{
	PyObject *list = keywords ? PyDict_GetItemString(keywords, "parts") : NULL, *ret = NULL;
	const char *upload_id = "";
	const struct option_extra extras[] = { { "upload_id", OPTION_TEXT, &upload_id }, END };
	struct nexus_op *op = NULL;
	struct nexus_part *parts;
	struct call call;
	Py_ssize_t nr;

	if (!list || !PyList_Check(list))
		return PyErr_Format(PyExc_TypeError, "parts is to be a list of (number, etag)");
	Py_INCREF(list);
	PyDict_DelItemString(keywords, "parts");
	nr = PyList_Size(list);
	parts = PyMem_Calloc(nr + 1, sizeof(*parts));
	if (!parts) {
		Py_DECREF(list);
		return PyErr_NoMemory();
	}
	if (!call_parse(&call, channel, args, keywords, extras) && !completed_parts(list, parts)) {
		Py_BEGIN_ALLOW_THREADS
		nexus_multipart_complete(channel->nx, call.bucket, call.key, upload_id, parts, nr, &call.options.nexus,
					 &op);
		Py_END_ALLOW_THREADS
		ret = ended(channel, op, NULL);
	}
	options_clear(&call.options);
	PyMem_Free(parts);
	Py_DECREF(list);
	return ret;
}

static PyObject *channel_multipart_abort(struct channel *channel, PyObject *args, PyObject *keywords)
{
	const char *upload_id = "";
	const struct option_extra extras[] = { { "upload_id", OPTION_TEXT, &upload_id }, END };
	struct nexus_op *op = NULL;
	PyObject *ret = NULL;
	struct call call;

	if (!call_parse(&call, channel, args, keywords, extras)) {
		Py_BEGIN_ALLOW_THREADS
		nexus_multipart_abort(channel->nx, call.bucket, call.key, upload_id, &call.options.nexus, &op);
		Py_END_ALLOW_THREADS
		ret = ended(channel, op, NULL);
	}
	options_clear(&call.options);
	return ret;
}

static PyObject *channel_presign(struct channel *channel, PyObject *args, PyObject *keywords)
{
	struct nexus_presign presign = NEXUS_PRESIGN_INIT;
	const char *method = NULL;
	const struct option_extra extras[] = {
		{ "method", OPTION_TEXT, &method }, { "expires_s", OPTION_NUMBER, &presign.expires_s },
		{ "params", OPTION_FIELDS, NULL }, { "conditions", OPTION_TEXT, &presign.conditions }, END,
	};
	struct nexus_op *op = NULL;
	PyObject *ret = NULL;
	struct call call;

	if (!call_parse(&call, channel, args, keywords, extras)) {
		presign.params = call.options.extra_fields;
		presign.nr_params = call.options.nr_extra_fields;
		Py_BEGIN_ALLOW_THREADS
		if (method)
			nexus_presign(channel->nx, method, call.bucket, call.key, &presign, &call.options.nexus, &op);
		else
			nexus_presign_post(channel->nx, call.bucket, call.key, &presign, &call.options.nexus, &op);
		Py_END_ALLOW_THREADS
		ret = ended(channel, op, NULL);
	}
	options_clear(&call.options);
	return ret;
}

PyMethodDef object_methods[] = {
	{ "list", KEYWORDS(channel_list), "list(bucket, prefix=..., v1=False, ...): one page, as the operation's data." },
	{ "delete_objects", KEYWORDS(channel_delete_objects),
	  "delete_objects(bucket, [(key, version)], quiet=False): the operation's data are (deleted, errors)." },
	{ "copy", KEYWORDS(channel_copy), "copy(bucket, key, source_bucket=..., source_key=..., **options)" },
	{ "multipart_create", KEYWORDS(channel_multipart_create), "multipart_create(bucket, key, **options)" },
	{ "multipart_part", KEYWORDS(channel_multipart_part),
	  "multipart_part(bucket, key, upload_id=..., part_number=..., data=None, total=0, **options)" },
	{ "multipart_complete", KEYWORDS(channel_multipart_complete),
	  "multipart_complete(bucket, key, upload_id=..., parts=[(number, etag)])" },
	{ "multipart_abort", KEYWORDS(channel_multipart_abort), "multipart_abort(bucket, key, upload_id=...)" },
	{ "presign", KEYWORDS(channel_presign),
	  "presign(bucket, key, method=None, expires_s=3600, params=..., headers=..., conditions=None): a URL; without a method "
	  "a form." },
	{ NULL, NULL, 0, NULL },
};
