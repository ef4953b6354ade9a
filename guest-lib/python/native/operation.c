// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* An operation: its payload, its end, its result. */
#include <errno.h>
#include <string.h>
#include "native.h"

#define READ_CHUNK	(1 << 20)	/* bytes copied between two looks for signals */

PyTypeObject *operation_type;

/* It has not begun, and may when another one has ended. */
static bool operation_too_many(struct nexus_op *op)
{
	return nexus_op_status(op) == -EAGAIN && !strcmp(nexus_op_error_code(op), "NexusGuestSlots");
}

PyObject *operation_new(struct channel *channel, struct nexus_op *op, Py_buffer *buffer)
{
	struct operation *o = NULL;

	if (!op)
		PyErr_NoMemory();
	else if (operation_too_many(op))
		operation_raise(op, -EAGAIN);
	else
		o = PyObject_New(struct operation, operation_type);
	if (!o) {
		nexus_op_free(op);
		if (buffer)
			PyBuffer_Release(buffer);
		return NULL;
	}
	o->channel = (struct channel *)Py_NewRef((PyObject *)channel);
	channel->users++;
	o->op = op;
	o->window = NULL;
	o->views = 0;
	o->busy = o->exchange = false;
	o->data = NULL;
	o->lent = buffer;
	if (buffer)
		o->buffer = *buffer;
	return (PyObject *)o;
}

static void operation_free(struct operation *o)
{
	nexus_op_free(o->op);
	o->op = NULL;
	if (o->lent)
		PyBuffer_Release(&o->buffer);
	o->lent = false;
}

static void operation_dealloc(struct operation *o)
{
	PyTypeObject *type = Py_TYPE((PyObject *)o);

	operation_free(o);
	Py_XDECREF(o->data);
	channel_put(o->channel);
	Py_DECREF((PyObject *)o->channel);
	PyObject_Free(o);
	Py_DECREF((PyObject *)type);
}

static int raise_set(PyObject *error, const char *name, PyObject *value)
{
	int ret = value ? PyObject_SetAttrString(error, name, value) : -1;

	Py_XDECREF(value);
	return ret;
}

PyObject *text_new(const char *s)
{
	return PyUnicode_DecodeUTF8(s, strlen(s), "replace");
}

PyObject *operation_raise(struct nexus_op *op, int status)
{
	PyObject *message = text_new(nexus_op_error_message(op));
	PyObject *error = message ? PyObject_CallFunction(nexus_error, "iO", -status, message) : NULL;

	if (error && !raise_set(error, "status", PyLong_FromLong(status)) &&
	    !raise_set(error, "code", text_new(nexus_op_error_code(op))) &&
	    !raise_set(error, "message", Py_NewRef(message)) &&
	    !raise_set(error, "request_id", text_new(nexus_op_request_id(op))) &&
	    !raise_set(error, "http_status", PyLong_FromLong(nexus_op_http_status(op))))
		PyErr_SetObject(nexus_error, error);
	Py_XDECREF(error);
	Py_XDECREF(message);
	return NULL;
}

/* One thread at a time, until operation_leave(). */
static int operation_enter(struct operation *o)
{
	if (!o->op) {
		PyErr_SetString(PyExc_ValueError, "the operation was closed");
		return -1;
	}
	if (o->busy) {
		PyErr_SetString(PyExc_RuntimeError, "another thread is in a call of this operation");
		return -1;
	}
	if (o->views) {
		PyErr_SetString(PyExc_BufferError, "a view on the last window is still in use: release() it");
		return -1;
	}
	o->busy = true;
	return 0;
}

static void operation_leave(struct operation *o)
{
	o->busy = false;
}

/* Until something is ready or the time is over; entered. 0; -ETIMEDOUT; -EINTR: an exception is set. */
static int operation_wait_ready(struct operation *o, int timeout_ms)
{
	for (;;) {
		int slice = timeout_ms < 0 || timeout_ms > WAIT_SLICE_MS ? WAIT_SLICE_MS : timeout_ms;
		int ret;

		Py_BEGIN_ALLOW_THREADS
		ret = nexus_op_wait(o->op, slice);
		Py_END_ALLOW_THREADS
		if (PyErr_CheckSignals())
			return -EINTR;
		if (ret != -ETIMEDOUT)
			return 0;
		if (timeout_ms >= 0) {
			timeout_ms -= slice;
			if (!timeout_ms)
				return -ETIMEDOUT;
		}
	}
}

static PyObject *operation_wait(struct operation *o, PyObject *args)
{
	int timeout_ms = -1, ret;

	if (!PyArg_ParseTuple(args, "|i", &timeout_ms) || operation_enter(o))
		return NULL;
	ret = operation_wait_ready(o, timeout_ms);
	operation_leave(o);
	return ret == -EINTR ? NULL : PyBool_FromLong(!ret);
}

/* A stream that the store refused has ended for the host, but for the library only once it was read. */
static int operation_status(struct operation *o)
{
	int ret = nexus_op_status(o->op);
	char byte;

	if (ret == -EINPROGRESS && !o->exchange && nexus_op_http_status(o->op) / 100 != 2)
		ret = nexus_read(o->op, &byte, 1);
	return ret;
}

static PyObject *operation_result(struct operation *o, PyObject *unused)
{
	int ret;

	(void)unused;
	if (operation_enter(o))
		return NULL;
	ret = operation_wait_ready(o, -1);
	if (!ret)
		ret = operation_status(o);
	operation_leave(o);
	if (ret == -EINTR && PyErr_Occurred())
		return NULL;
	if (ret && ret != -EINPROGRESS)
		return operation_raise(o->op, ret);
	return PyLong_FromUnsignedLongLong(nexus_op_transferred(o->op));
}

/* n bytes to dst, fewer at the end; entered. -1 with an exception. */
static Py_ssize_t operation_copy(struct operation *o, char *dst, Py_ssize_t n)
{
	Py_ssize_t done = 0;

	o->window = NULL;
	while (done < n) {
		Py_ssize_t chunk = n - done < READ_CHUNK ? n - done : READ_CHUNK;
		ssize_t ret;

		if (operation_wait_ready(o, -1))
			return -1;
		Py_BEGIN_ALLOW_THREADS
		ret = nexus_read(o->op, dst + done, chunk);
		Py_END_ALLOW_THREADS
		/* What came before a failure comes first: an error's document, say. The failure stays for the next call. */
		if (ret < 0 && !done) {
			operation_raise(o->op, ret);
			return -1;
		}
		if (ret <= 0)
			break;
		done += ret;
	}
	return done;
}

static PyObject *operation_read(struct operation *o, PyObject *args)
{
	PyObject *bytes, *part;
	Py_ssize_t n, got;

	if (!PyArg_ParseTuple(args, "n", &n))
		return NULL;
	if (n < 0)
		return PyErr_Format(PyExc_ValueError, "read(%zd): a number of bytes is wanted", n);
	if (operation_enter(o))
		return NULL;
	bytes = PyBytes_FromStringAndSize(NULL, n);
	got = bytes ? operation_copy(o, PyBytes_AsString(bytes), n) : -1;
	operation_leave(o);
	if (got == n)
		return bytes;
	part = got < 0 ? NULL : PyBytes_FromStringAndSize(PyBytes_AsString(bytes), got);
	Py_XDECREF(bytes);
	return part;
}

static PyObject *operation_readinto(struct operation *o, PyObject *target)
{
	Py_buffer buffer;
	Py_ssize_t got;

	if (PyObject_GetBuffer(target, &buffer, PyBUF_WRITABLE))
		return NULL;
	got = operation_enter(o) ? -1 : 0;
	if (!got) {
		got = operation_copy(o, buffer.buf, buffer.len);
		operation_leave(o);
	}
	PyBuffer_Release(&buffer);
	return got < 0 ? NULL : PyLong_FromSsize_t(got);
}

static PyObject *show_window(struct operation *o, void *data, Py_ssize_t size)
{
	PyObject *memory = memory_new(o->channel, o, data, size), *view;

	if (!memory)
		return NULL;
	o->window = memory;
	view = PyMemoryView_FromObject(memory);
	Py_DECREF(memory);
	return view;
}

static PyObject *operation_window(struct operation *o, PyObject *unused)
{
	const void *data;
	ssize_t n;

	(void)unused;
	if (operation_enter(o))
		return NULL;
	o->window = NULL;
	n = operation_wait_ready(o, -1);
	if (!n) {
		Py_BEGIN_ALLOW_THREADS
		n = nexus_read_window(o->op, &data);
		Py_END_ALLOW_THREADS
		operation_leave(o);
		if (n > 0)
			return show_window(o, (void *)data, n);
		if (!n)
			Py_RETURN_NONE;
		return operation_raise(o->op, n);
	}
	operation_leave(o);
	return NULL;
}

static PyObject *operation_write(struct operation *o, PyObject *source)
{
	Py_ssize_t done = 0, len;
	Py_buffer buffer;
	ssize_t ret = 0;

	if (PyObject_GetBuffer(source, &buffer, PyBUF_SIMPLE))
		return NULL;
	len = buffer.len;
	if (operation_enter(o)) {
		PyBuffer_Release(&buffer);
		return NULL;
	}
	while (done < len && ret >= 0) {
		Py_ssize_t chunk = len - done < READ_CHUNK ? len - done : READ_CHUNK;

		Py_BEGIN_ALLOW_THREADS
		ret = nexus_write(o->op, (char *)buffer.buf + done, chunk);
		Py_END_ALLOW_THREADS
		if (ret > 0)
			done += ret;
		if (ret >= 0 && PyErr_CheckSignals())
			break;
	}
	operation_leave(o);
	PyBuffer_Release(&buffer);
	if (ret < 0)
		return operation_raise(o->op, ret);
	return done < len ? NULL : PyLong_FromSsize_t(done);
}

static PyObject *operation_write_window(struct operation *o, PyObject *unused)
{
	size_t size;
	void *data;
	int ret;

	(void)unused;
	if (operation_enter(o))
		return NULL;
	o->window = NULL;
	if (operation_wait_ready(o, -1)) {
		operation_leave(o);
		return NULL;
	}
	Py_BEGIN_ALLOW_THREADS
	ret = nexus_write_window(o->op, &data, &size);
	Py_END_ALLOW_THREADS
	operation_leave(o);
	return ret ? operation_raise(o->op, ret) : show_window(o, data, size);
}

static PyObject *operation_write_commit(struct operation *o, PyObject *size)
{
	Py_ssize_t n = PyLong_AsSsize_t(size);
	int ret;

	if (PyErr_Occurred() || operation_enter(o))
		return NULL;
	o->window = NULL;
	Py_BEGIN_ALLOW_THREADS
	ret = nexus_write_commit(o->op, n);
	Py_END_ALLOW_THREADS
	operation_leave(o);
	if (ret)
		return operation_raise(o->op, ret);
	Py_RETURN_NONE;
}

static PyObject *operation_finish(struct operation *o, PyObject *unused)
{
	int ret;

	(void)unused;
	if (operation_enter(o))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	ret = nexus_finish_start(o->op);
	Py_END_ALLOW_THREADS
	if (!ret && operation_wait_ready(o, -1)) {
		operation_leave(o);
		return NULL;
	}
	Py_BEGIN_ALLOW_THREADS
	ret = ret ? ret : nexus_finish(o->op);
	Py_END_ALLOW_THREADS
	operation_leave(o);
	if (ret)
		return operation_raise(o->op, ret);
	Py_RETURN_NONE;
}

/* From any thread, whatever the others do with it. */
static PyObject *operation_cancel(struct operation *o, PyObject *unused)
{
	(void)unused;
	if (o->op)
		nexus_op_cancel(o->op);
	Py_RETURN_NONE;
}

static PyObject *operation_close(struct operation *o, PyObject *unused)
{
	(void)unused;
	if (!o->op)
		Py_RETURN_NONE;
	if (operation_enter(o))
		return NULL;
	operation_leave(o);
	operation_free(o);
	Py_RETURN_NONE;
}

enum result_kind { RESULT_STATUS, RESULT_HTTP_STATUS, RESULT_LENGTH, RESULT_TRANSFERRED, RESULT_METADATA };

static PyObject *operation_number(struct operation *o, void *kind)
{
	if (!o->op)
		return PyErr_Format(PyExc_ValueError, "the operation was closed");
	switch ((enum result_kind)(uintptr_t)kind) {
	case RESULT_STATUS:
		return PyLong_FromLong(nexus_op_status(o->op));
	case RESULT_HTTP_STATUS:
		return PyLong_FromLong(nexus_op_http_status(o->op));
	case RESULT_LENGTH:
		return PyLong_FromUnsignedLongLong(nexus_op_content_length(o->op));
	default:
		return PyLong_FromUnsignedLongLong(nexus_op_transferred(o->op));
	}
}

typedef const char *text_fn(const struct nexus_op *);

static PyObject *operation_text(struct operation *o, void *fn)
{
	if (!o->op)
		return PyErr_Format(PyExc_ValueError, "the operation was closed");
	return text_new(((text_fn *)fn)(o->op));
}

typedef int fields_fn(const struct nexus_op *, size_t, const char **, const char **);

static PyObject *operation_fields(struct operation *o, void *fn)
{
	PyObject *dict = PyDict_New();
	const char *name, *value;

	for (size_t i = 0; dict && o->op && !((fields_fn *)fn)(o->op, i, &name, &value); i++) {
		PyObject *k = text_new(name), *v = text_new(value);

		if (!k || !v || PyDict_SetItem(dict, k, v))
			Py_CLEAR(dict);
		Py_XDECREF(k);
		Py_XDECREF(v);
	}
	return dict;
}

/* As they came: one of a name is not all of them. */
static PyObject *operation_header_list(struct operation *o, void *unused)
{
	PyObject *list = PyList_New(0);
	const char *name, *value;

	(void)unused;
	for (size_t i = 0; list && o->op && !nexus_op_header_at(o->op, i, &name, &value); i++) {
		PyObject *pair = Py_BuildValue("NN", text_new(name), text_new(value));

		if (!pair || PyList_Append(list, pair))
			Py_CLEAR(list);
		Py_XDECREF(pair);
	}
	return list;
}

static PyObject *operation_data(struct operation *o, void *unused)
{
	(void)unused;
	return Py_NewRef(o->data ? o->data : Py_None);
}

static PyMethodDef operation_methods[] = {
	{ "wait", (PyCFunction)operation_wait, METH_VARARGS,
	  "wait(timeout_ms=-1): until it has ended, or a stream has something to do; False: time over." },
	{ "result", (PyCFunction)operation_result, METH_NOARGS, "Wait for the end, of a download for its head; raise Error, or return the bytes moved." },
	{ "read", (PyCFunction)operation_read, METH_VARARGS, "read(n): bytes, fewer than n at the end." },
	{ "readinto", (PyCFunction)operation_readinto, METH_O, "readinto(buffer): the number of bytes read." },
	{ "window", (PyCFunction)operation_window, METH_NOARGS,
	  "The stream's next bytes in place, as a memoryview; None at the end. Release it before the next call." },
	{ "write", (PyCFunction)operation_write, METH_O, "write(buffer)" },
	{ "write_window", (PyCFunction)operation_write_window, METH_NOARGS,
	  "Room for the stream's next bytes, as a memoryview: to be filled, released and committed." },
	{ "write_commit", (PyCFunction)operation_write_commit, METH_O, "write_commit(n): send n bytes of the window." },
	{ "finish", (PyCFunction)operation_finish, METH_NOARGS, "All was written: wait for the answer." },
	{ "cancel", (PyCFunction)operation_cancel, METH_NOARGS, "End it, from any thread." },
	{ "close", (PyCFunction)operation_close, METH_NOARGS, "Let go of it, at any time." },
	{ NULL, NULL, 0, NULL },
};

#define NUMBER(name, kind)	{ name, (getter)operation_number, NULL, NULL, (void *)(uintptr_t)(kind) }
#define TEXT(name)		{ #name, (getter)operation_text, NULL, NULL, (void *)nexus_op_##name }

static PyGetSetDef operation_attributes[] = {
	NUMBER("status", RESULT_STATUS),
	NUMBER("http_status", RESULT_HTTP_STATUS),
	NUMBER("content_length", RESULT_LENGTH),
	NUMBER("transferred", RESULT_TRANSFERRED),
	TEXT(error_code), TEXT(error_message), TEXT(request_id), TEXT(content_type), TEXT(etag),
	TEXT(last_modified), TEXT(version_id), TEXT(upload_id), TEXT(url),
	{ "metadata", (getter)operation_fields, NULL, NULL, (void *)nexus_op_metadata_at },
	{ "headers", (getter)operation_fields, NULL, NULL, (void *)nexus_op_header_at },
	{ "header_list", (getter)operation_header_list, NULL, NULL, NULL },
	{ "data", (getter)operation_data, NULL, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot operation_slots[] = {
	{ Py_tp_dealloc, operation_dealloc },
	{ Py_tp_methods, operation_methods },
	{ Py_tp_getset, operation_attributes },
	{ Py_tp_doc, "A request. One thread at a time may use it, but for cancel()." },
	{ 0, NULL },
};

static PyType_Spec operation_spec = {
	"_nexus.Operation", sizeof(struct operation), 0,
	Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, operation_slots,
};

int operation_init(PyObject *module)
{
	operation_type = (PyTypeObject *)PyType_FromSpec(&operation_spec);
	return operation_type ? PyModule_AddObjectRef(module, "Operation", (PyObject *)operation_type) : -1;
}
