// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A channel to the host, and the start of operations on it. */
#include <errno.h>
#include <string.h>
#include "native.h"

PyTypeObject *channel_type;

void channel_put(struct channel *channel)
{
	struct nexus *nx = channel->nx;

	if (--channel->users)
		return;
	channel->nx = NULL;
	Py_BEGIN_ALLOW_THREADS
	nexus_close(nx);
	Py_END_ALLOW_THREADS
}

static int channel_new(struct channel *channel, PyObject *args, PyObject *keywords)
{
	static char *names[] = { "target", "arena_max", "slots", "attach_timeout_ms", NULL };
	struct nexus_open_options options = NEXUS_OPEN_OPTIONS_INIT;
	unsigned long long arena_max = 0;
	const char *target = NULL;
	struct nexus *nx;
	int ret;

	if (channel->nx) {
		PyErr_SetString(PyExc_RuntimeError, "the channel is open already");
		return -1;
	}
	if (!PyArg_ParseTupleAndKeywords(args, keywords, "|zKII", names, &target, &arena_max, &options.slots,
					 &options.attach_timeout_ms))
		return -1;
	options.arena_max = arena_max;
	Py_BEGIN_ALLOW_THREADS
	ret = nexus_open_with(&nx, target, &options);
	Py_END_ALLOW_THREADS
	if (ret) {
		PyObject *value = Py_BuildValue("is", -ret, nexus_open_error());

		if (value)
			PyErr_SetObject(PyExc_ConnectionError, value);
		Py_XDECREF(value);
		return -1;
	}
	channel->nx = nx;
	channel->users = 1;
	return 0;
}

static void channel_dealloc(struct channel *channel)
{
	PyTypeObject *type = Py_TYPE((PyObject *)channel);

	/* Users hold a reference: none is left but the channel itself. */
	if (channel->nx)
		channel_put(channel);
	PyObject_Free(channel);
	Py_DECREF((PyObject *)type);
}

int channel_check(struct channel *channel)
{
	if (channel->nx)
		return 0;
	PyErr_SetString(PyExc_ValueError, "the channel is not open");
	return -1;
}

int call_parse(struct call *call, struct channel *channel, PyObject *args, PyObject *keywords,
	       const struct option_extra *extras)
{
	PyObject *bucket, *key;

	memset(call, 0, sizeof(*call));
	if (channel_check(channel) || !PyArg_ParseTuple(args, "OO", &bucket, &key))
		return -1;
	call->bucket = text_of(bucket, "the bucket");
	call->key = call->bucket ? text_of(key, "the key") : NULL;
	return call->key ? options_parse(&call->options, keywords, extras) : -1;
}

int take_buffer(PyObject *keywords, const char *name, Py_buffer *buffer, int flags)
{
	PyObject *value = keywords ? PyDict_GetItemString(keywords, name) : NULL;
	int ret = 0;

	if (!value)
		return 0;
	Py_INCREF(value);
	PyDict_DelItemString(keywords, name);
	if (value != Py_None)
		ret = PyObject_GetBuffer(value, buffer, flags) ? -1 : 1;
	Py_DECREF(value);
	return ret;
}

static PyObject *channel_get(struct channel *channel, PyObject *args, PyObject *keywords)
{
	struct nexus_op *op;
	PyObject *ret = NULL;
	Py_buffer into;
	struct call call;
	int has = take_buffer(keywords, "into", &into, PyBUF_WRITABLE);

	if (has < 0)
		return NULL;
	if (call_parse(&call, channel, args, keywords, NULL)) {
		if (has)
			PyBuffer_Release(&into);
	} else {
		Py_BEGIN_ALLOW_THREADS
		op = has ? nexus_get_start(channel->nx, call.bucket, call.key, into.buf, into.len, &call.options.nexus) :
			nexus_get_stream(channel->nx, call.bucket, call.key, &call.options.nexus);
		Py_END_ALLOW_THREADS
		ret = operation_new(channel, op, has ? &into : NULL);
	}
	options_clear(&call.options);
	return ret;
}

static PyObject *channel_put_object(struct channel *channel, PyObject *args, PyObject *keywords)
{
	uint64_t total = 0;
	const struct option_extra extras[] = { { "total", OPTION_SIZE, &total }, { NULL, OPTION_TEXT, NULL } };
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
			nexus_put_start(channel->nx, call.bucket, call.key, has ? data.buf : NULL, has ? data.len : 0,
					&call.options.nexus) :
			nexus_put_stream(channel->nx, call.bucket, call.key, total, &call.options.nexus);
		Py_END_ALLOW_THREADS
		ret = operation_new(channel, op, has ? &data : NULL);
	}
	options_clear(&call.options);
	return ret;
}

typedef struct nexus_op *start_fn(struct nexus *, const char *, const char *, const struct nexus_options *);

static PyObject *channel_start(struct channel *channel, PyObject *args, PyObject *keywords, start_fn *start)
{
	struct nexus_op *op;
	PyObject *ret = NULL;
	struct call call;

	if (!call_parse(&call, channel, args, keywords, NULL)) {
		Py_BEGIN_ALLOW_THREADS
		op = start(channel->nx, call.bucket, call.key, &call.options.nexus);
		Py_END_ALLOW_THREADS
		ret = operation_new(channel, op, NULL);
	}
	options_clear(&call.options);
	return ret;
}

static PyObject *channel_head(struct channel *channel, PyObject *args, PyObject *keywords)
{
	return channel_start(channel, args, keywords, nexus_head_start);
}

static PyObject *channel_delete(struct channel *channel, PyObject *args, PyObject *keywords)
{
	return channel_start(channel, args, keywords, nexus_delete_start);
}

static PyObject *channel_null(struct channel *channel, PyObject *unused)
{
	struct nexus_op *op;

	(void)unused;
	if (channel_check(channel))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	op = nexus_null_start(channel->nx, NULL);
	Py_END_ALLOW_THREADS
	return operation_new(channel, op, NULL);
}

static PyObject *channel_alloc(struct channel *channel, PyObject *size_object)
{
	Py_ssize_t size = PyLong_AsSsize_t(size_object);
	void *data;
	int error;

	if (PyErr_Occurred() || channel_check(channel))
		return NULL;
	if (size < 1)
		return PyErr_Format(PyExc_ValueError, "%zd bytes: at least 1 is wanted", size);
	Py_BEGIN_ALLOW_THREADS
	data = nexus_alloc(channel->nx, size);
	error = errno;
	Py_END_ALLOW_THREADS
	if (!data)
		return PyErr_Format(PyExc_MemoryError, "no %zd bytes of arena: %s (NEXUS_ARENA_MAX)", size, strerror(error));
	return memory_new(channel, NULL, data, size);
}

static PyObject *channel_trim(struct channel *channel, PyObject *unused)
{
	(void)unused;
	if (channel_check(channel))
		return NULL;
	nexus_trim(channel->nx);
	Py_RETURN_NONE;
}

static PyObject *channel_info(struct channel *channel, PyObject *unused)
{
	struct nexus_info i = NEXUS_INFO_INIT;

	(void)unused;
	if (channel_check(channel))
		return NULL;
	nexus_info(channel->nx, &i);
	return Py_BuildValue("{sssIsIsKsKsKsKsKsKsKsKsKsKsK}", "transport", i.transport, "host_version", i.host_version,
			     "slots", i.slots, "arena_size", i.arena_size, "arena_max", i.arena_max,
			     "arena_used", i.arena_used, "requests", i.requests, "kicks", i.kicks, "waits", i.waits,
			     "resizes", i.resizes, "copied", i.copied, "prefetches", i.prefetches,
			     "prefetch_hits", i.prefetch_hits, "prefetch_useless", i.prefetch_useless);
}

static PyMethodDef channel_methods[] = {
	{ "get", KEYWORDS(channel_get),
	  "get(bucket, key, into=None, **options): into a buffer, or else as a stream." },
	{ "put", KEYWORDS(channel_put_object),
	  "put(bucket, key, data=None, total=0, **options): a buffer, or a stream of total bytes." },
	{ "head", KEYWORDS(channel_head), "head(bucket, key, **options)" },
	{ "delete", KEYWORDS(channel_delete), "delete(bucket, key, **options)" },
	{ "null", (PyCFunction)channel_null, METH_NOARGS, "Nothing, there and back." },
	{ "alloc", (PyCFunction)channel_alloc, METH_O, "alloc(size): Memory" },
	{ "trim", (PyCFunction)channel_trim, METH_NOARGS, "Give back unused arena memory now." },
	{ "info", (PyCFunction)channel_info, METH_NOARGS, "The channel's counters: nexus_info(3)." },
	{ NULL, NULL, 0, NULL },
};

static PyType_Slot channel_slots[] = {
	{ Py_tp_new, PyType_GenericNew },
	{ Py_tp_init, channel_new },
	{ Py_tp_dealloc, channel_dealloc },
	{ Py_tp_methods, channel_methods },
	{ Py_tp_doc, "Channel(target=None, arena_max=0, slots=0, attach_timeout_ms=0): nexus_open(3)." },
	{ 0, NULL },
};

static PyType_Spec channel_spec = {
	"_nexus.Channel", sizeof(struct channel), 0, Py_TPFLAGS_DEFAULT, channel_slots,
};

/* The type's own dictionary is closed to us: methods of other files are added as its attributes. */
static int channel_add(const PyMethodDef *methods)
{
	for (; methods->ml_name; methods++) {
		PyObject *method = PyDescr_NewMethod(channel_type, (PyMethodDef *)methods);
		int ret = method ? PyObject_SetAttrString((PyObject *)channel_type, methods->ml_name, method) : -1;

		Py_XDECREF(method);
		if (ret)
			return ret;
	}
	return 0;
}

int channel_init(PyObject *module)
{
	channel_type = (PyTypeObject *)PyType_FromSpec(&channel_spec);
	if (!channel_type || channel_add(object_methods) || channel_add(exchange_methods) ||
	    channel_add(invocation_methods) || channel_add(rpc_methods))
		return -1;
	return PyModule_AddObjectRef(module, "Channel", (PyObject *)channel_type);
}
