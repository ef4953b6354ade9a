// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Memory of the arena, seen through the buffer protocol. It lives as long as a view on it. */
#include "native.h"

PyTypeObject *memory_type;

PyObject *memory_new(struct channel *channel, struct operation *operation, void *data, Py_ssize_t size)
{
	struct arena_memory *m = PyObject_New(struct arena_memory, memory_type);

	if (!m) {
		if (!operation)
			nexus_free(channel->nx, data);
		return NULL;
	}
	m->channel = (struct channel *)Py_NewRef((PyObject *)channel);
	m->operation = operation;
	Py_XINCREF((PyObject *)operation);
	m->data = data;
	m->size = size;
	channel->users++;
	return (PyObject *)m;
}

static void memory_dealloc(struct arena_memory *m)
{
	PyTypeObject *type = Py_TYPE((PyObject *)m);

	if (!m->operation)
		nexus_free(m->channel->nx, m->data);
	Py_XDECREF((PyObject *)m->operation);
	channel_put(m->channel);
	Py_DECREF((PyObject *)m->channel);
	PyObject_Free(m);
	Py_DECREF((PyObject *)type);
}

static int memory_get_buffer(struct arena_memory *m, Py_buffer *view, int flags)
{
	/* A window that the operation has given back shows other bytes by now. */
	if (m->operation && m->operation->window != (PyObject *)m) {
		PyErr_SetString(PyExc_BufferError, "this window was given back to the stream");
		return -1;
	}
	if (PyBuffer_FillInfo(view, (PyObject *)m, m->data, m->size, 0, flags))
		return -1;
	if (m->operation)
		m->operation->views++;
	return 0;
}

static void memory_release_buffer(struct arena_memory *m, Py_buffer *view)
{
	(void)view;
	if (m->operation)
		m->operation->views--;
}

static Py_ssize_t memory_length(struct arena_memory *m)
{
	return m->size;
}

static PyType_Slot memory_slots[] = {
	{ Py_tp_dealloc, memory_dealloc },
	{ Py_bf_getbuffer, memory_get_buffer },
	{ Py_bf_releasebuffer, memory_release_buffer },
	{ Py_sq_length, memory_length },
	{ Py_tp_doc, "Bytes of the arena, received and sent in place: use memoryview()." },
	{ 0, NULL },
};

static PyType_Spec memory_spec = {
	"_nexus.Memory", sizeof(struct arena_memory), 0,
	Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, memory_slots,
};

int memory_init(PyObject *module)
{
	memory_type = (PyTypeObject *)PyType_FromSpec(&memory_spec);
	return memory_type ? PyModule_AddObjectRef(module, "Memory", (PyObject *)memory_type) : -1;
}
