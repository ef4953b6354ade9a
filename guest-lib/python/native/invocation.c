// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Events and their answers: nexus_next(3), nexus_respond(3). */
#include <errno.h>
#include <string.h>
#include "native.h"

static PyObject *failed(int ret)
{
	errno = -ret;
	return PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject *event_dict(const struct nexus_event *e)
{
	return Py_BuildValue("{sNsNsNsNsNsNsy#sKsIsKsKsy#}", "request_id", text_new(e->request_id),
			     "function_name", text_new(e->function_name), "function_arn", text_new(e->function_arn),
			     "trace_id", text_new(e->trace_id), "client_context", text_new(e->client_context),
			     "content_type", text_new(e->content_type), "payload", e->payload, (Py_ssize_t)e->payload_len,
			     "deadline_ms", e->deadline_ms, "remaining_ms", e->remaining_ms, "max_response",
			     e->max_response, "restore_generation", e->restore_generation, "entropy", e->entropy,
			     (Py_ssize_t)sizeof(e->entropy));
}

static PyObject *channel_next(struct channel *channel, PyObject *args, PyObject *keywords)
{
	struct nexus_next_options options = NEXUS_NEXT_OPTIONS_INIT;
	static char *names[] = { "timeout_ms", "window", "prefetches", "prefetch_window", NULL };
	struct nexus_event *event;
	PyObject *dict, *grpc;
	int ret;

	if (channel_check(channel) ||
	    !PyArg_ParseTupleAndKeywords(args, keywords, "|IIII", names, &options.timeout_ms, &options.window,
					 &options.prefetches, &options.prefetch_window))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	ret = nexus_next(channel->nx, &options, &event);
	Py_END_ALLOW_THREADS
	if (ret)
		return failed(ret);
	dict = event_dict(event);
	grpc = dict ? rpc_incoming(channel, event) : NULL;
	if (dict && (!grpc || PyDict_SetItemString(dict, "grpc", grpc)))
		Py_CLEAR(dict);
	Py_XDECREF(grpc);
	nexus_event_free(event);
	return dict;
}

static PyObject *channel_respond(struct channel *channel, PyObject *args, PyObject *keywords)
{
	struct nexus_respond_options options = NEXUS_RESPOND_OPTIONS_INIT;
	static char *names[] = { "request_id", "payload", "error", "init", "content_type", "http_status", "next", NULL };
	int ret, error = 0, init = 0, next = 0;
	const char *request_id;
	Py_buffer payload;

	if (channel_check(channel) ||
	    !PyArg_ParseTupleAndKeywords(args, keywords, "zy*|ppzIp", names, &request_id, &payload, &error, &init,
					 &options.content_type, &options.http_status, &next))
		return NULL;
	options.flags = (error ? NEXUS_RESPOND_ERROR : 0) | (init ? NEXUS_RESPOND_INIT : 0) | (next ? NEXUS_RESPOND_NEXT : 0);
	Py_BEGIN_ALLOW_THREADS
	ret = nexus_respond(channel->nx, request_id, payload.buf, payload.len, &options);
	Py_END_ALLOW_THREADS
	PyBuffer_Release(&payload);
	if (ret)
		return failed(ret);
	Py_RETURN_NONE;
}

static PyObject *channel_log(struct channel *channel, PyObject *args)
{
	const char *request_id, *line;
	Py_ssize_t size;
	int ret;

	if (channel_check(channel) || !PyArg_ParseTuple(args, "zs#", &request_id, &line, &size))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	ret = nexus_log(channel->nx, request_id, line, size);
	Py_END_ALLOW_THREADS
	if (ret)
		return failed(ret);
	Py_RETURN_NONE;
}

PyMethodDef invocation_methods[] = {
	{ "next", KEYWORDS(channel_next), "next(timeout_ms=0, ...): the next event, as a dictionary." },
	{ "respond", KEYWORDS(channel_respond), "respond(request_id, payload, error=False, init=False, ...)" },
	{ "log", (PyCFunction)channel_log, METH_VARARGS, "log(request_id, text): whole lines." },
	{ NULL, NULL, 0, NULL },
};
