// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The module: what it offers, and its exception. */
#include "native.h"

PyObject *nexus_error;

static PyObject *native_open_error(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	return PyUnicode_FromString(nexus_open_error());
}

static PyMethodDef native_methods[] = {
	{ "open_error", native_open_error, METH_NOARGS, "Why the last Channel() of this thread failed." },
	{ NULL, NULL, 0, NULL },
};

PyDoc_STRVAR(native_doc,
"libnexus-guest for Python: see libnexus-guest(7).\n\n"
"Channel(target)      a channel to the host\n"
"Operation            one request, from Channel.get() and its like\n"
"Rpc                  a gRPC call of many messages, from Channel.rpc_start() or an event\n"
"Memory               bytes of the arena, for memoryview()\n"
"Error                an operation failed: status, code, message, request_id, http_status\n");

static struct PyModuleDef native_module = {
	PyModuleDef_HEAD_INIT, "_nexus", native_doc, -1, native_methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__nexus(void)
{
	PyObject *module = PyModule_Create(&native_module);

	if (!module)
		return NULL;
	nexus_error = PyErr_NewExceptionWithDoc("_nexus.Error", "An operation failed.", PyExc_OSError, NULL);
	if (!nexus_error || PyModule_AddObjectRef(module, "Error", nexus_error) || channel_init(module) ||
	    operation_init(module) || memory_init(module) || rpc_init(module)) {
		Py_DECREF(module);
		return NULL;
	}
	return module;
}
