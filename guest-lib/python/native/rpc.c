// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* gRPC: nexus_grpc_call(3), nexus_grpc_start(3), nexus_grpc_accept(3). */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "native.h"

struct rpc {
	PyObject_HEAD
	struct channel *channel;
	struct nexus_grpc_stream *stream;
};

static PyTypeObject *rpc_type;

/* ---- metadata ---- */

struct metadata {
	struct nexus_grpc_field *fields;
	size_t nr;
	PyObject *keep;		/* the pairs, whose memory is pointed to */
};

static int field_value(struct nexus_grpc_field *field, PyObject *value)
{
	Py_ssize_t size;
	char *bytes;

	if (PyUnicode_Check(value)) {
		field->value = PyUnicode_AsUTF8AndSize(value, &size);
		field->len = size;
		return field->value ? 0 : -1;
	}
	if (PyBytes_AsStringAndSize(value, &bytes, &size))
		return -1;
	field->value = bytes;
	field->len = size;
	return 0;
}

static int field_fill(struct nexus_grpc_field *field, PyObject *pair)
{
	PyObject *name = PySequence_GetItem(pair, 0), *value = name ? PySequence_GetItem(pair, 1) : NULL;
	int ret = -1;

	/* The pair, which is kept, holds both. */
	if (value) {
		field->name = text_of(name, "metadata's name");
		ret = field->name ? field_value(field, value) : -1;
	}
	Py_XDECREF(name);
	Py_XDECREF(value);
	return ret;
}

static void metadata_clear(struct metadata *m)
{
	PyMem_Free(m->fields);
	Py_XDECREF(m->keep);
}

/* Undone by metadata_clear(), always. object: NULL or None for none. */
static int metadata_parse(struct metadata *m, PyObject *object)
{
	Py_ssize_t nr;

	*m = (struct metadata){ 0 };
	if (!object || object == Py_None)
		return 0;
	m->keep = PySequence_List(object);
	if (!m->keep)
		return -1;
	nr = PyList_Size(m->keep);
	m->fields = PyMem_Calloc(nr + 1, sizeof(*m->fields));
	if (!m->fields) {
		PyErr_NoMemory();
		return -1;
	}
	for (; (Py_ssize_t)m->nr < nr; m->nr++) {
		/* A tuple, lest its members go while they are in use. */
		PyObject *pair = PySequence_Tuple(PyList_GetItem(m->keep, m->nr));

		if (!pair || PyList_SetItem(m->keep, m->nr, pair) || field_fill(&m->fields[m->nr], pair))
			return -1;
	}
	return 0;
}

static PyObject *field_new(const struct nexus_grpc_field *field)
{
	size_t len = strlen(field->name);
	PyObject *value;

	if (len > 4 && !strcmp(field->name + len - 4, "-bin"))
		value = PyBytes_FromStringAndSize(field->value, field->len);
	else
		value = PyUnicode_DecodeLatin1(field->value, field->len, NULL);
	return value ? Py_BuildValue("(NN)", text_new(field->name), value) : NULL;
}

static PyObject *metadata_new(const struct nexus_grpc_field *fields, size_t nr)
{
	PyObject *tuple = PyTuple_New(nr);

	for (size_t i = 0; tuple && i < nr; i++) {
		PyObject *field = field_new(&fields[i]);

		if (!field || PyTuple_SetItem(tuple, i, field))
			Py_CLEAR(tuple);
	}
	return tuple;
}

/* ---- calls ---- */

static PyObject *failed(int ret)
{
	if (ret == -EINTR)
		return NULL;		/* what the signal's handler raised */
	errno = -ret;
	return PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject *reply_call(const struct nexus_grpc_reply *r, bool encoding)
{
	PyObject *message = r->has_message ? PyBytes_FromStringAndSize(r->message, r->message_len) : Py_NewRef(Py_None);

	return Py_BuildValue(encoding ? "iNNNNs" : "iNNNN", r->status, text_new(r->details),
			     metadata_new(r->initial, r->nr_initial), metadata_new(r->trailing, r->nr_trailing), message,
			     r->encoding);
}

/* What both kinds of calls take; "message" among them or not. */
#define CALL_NAMES "tls", "metadata", "timeout_ms", "max_message", "encoding", "takes_compressed", "authority", \
	"user_agent", NULL
#define CALL_FORMAT "|pOIIzpzz"
#define CALL_FIELDS(call, fields) &(call).tls, &(fields), &(call).timeout_ms, &(call).max_message, &(call).encoding, \
	&(call).takes_compressed, &(call).authority, &(call).user_agent

/* A signal's handler has raised: Ctrl-C ends a wait. */
static int signal_came(void *arg)
{
	PyGILState_STATE state = PyGILState_Ensure();
	int raised = PyErr_CheckSignals();

	(void)arg;
	PyGILState_Release(state);
	return raised;
}

/* Only the main thread runs handlers: the others need not ask for the interpreter's lock. */
static bool is_main_thread(void)
{
	return syscall(SYS_gettid) == getpid();
}

/* Of a call that any thread may wait for. */
static int main_signal_came(void *arg)
{
	return is_main_thread() && signal_came(arg);
}

/* The metadata, and who ends the wait. Undone by metadata_clear(), always. */
static int call_prepare(struct nexus_grpc *call, struct metadata *metadata, PyObject *fields, bool any_thread)
{
	if (metadata_parse(metadata, fields))
		return -1;
	call->metadata = metadata->fields;
	call->nr_metadata = metadata->nr;
	call->interrupted = any_thread ? main_signal_came : is_main_thread() ? signal_came : NULL;
	return 0;
}

static PyObject *channel_rpc_call(struct channel *channel, PyObject *args, PyObject *keywords)
{
	static char *names[] = { "target", "method", "message", CALL_NAMES };
	struct nexus_grpc call = NEXUS_GRPC_INIT;
	PyObject *fields = NULL, *ret = NULL;
	struct nexus_grpc_reply *reply;
	struct metadata metadata;
	Py_buffer message;
	int err;

	if (channel_check(channel) ||
	    !PyArg_ParseTupleAndKeywords(args, keywords, "ssy*" CALL_FORMAT, names, &call.target, &call.method, &message,
					 CALL_FIELDS(call, fields)))
		return NULL;
	if (!call_prepare(&call, &metadata, fields, false)) {
		call.compressed = call.encoding != NULL;
		Py_BEGIN_ALLOW_THREADS
		err = nexus_grpc_call(channel->nx, &call, message.buf, message.len, &reply);
		Py_END_ALLOW_THREADS
		ret = err ? failed(err) : reply_call(reply, call.takes_compressed);
		if (!err)
			nexus_grpc_reply_free(reply);
	}
	metadata_clear(&metadata);
	PyBuffer_Release(&message);
	return ret;
}

/* Takes stream over. */
static PyObject *rpc_new(struct channel *channel, struct nexus_grpc_stream *stream)
{
	struct rpc *rpc = PyObject_New(struct rpc, rpc_type);

	if (!rpc) {
		nexus_grpc_close(stream);
		return NULL;
	}
	rpc->channel = (struct channel *)Py_NewRef((PyObject *)channel);
	channel->users++;
	rpc->stream = stream;
	return (PyObject *)rpc;
}

static PyObject *channel_rpc_start(struct channel *channel, PyObject *args, PyObject *keywords)
{
	static char *names[] = { "target", "method", CALL_NAMES };
	struct nexus_grpc call = NEXUS_GRPC_INIT;
	PyObject *fields = NULL, *ret = NULL;
	struct nexus_grpc_stream *stream;
	struct metadata metadata;
	int err;

	if (channel_check(channel) ||
	    !PyArg_ParseTupleAndKeywords(args, keywords, "ss" CALL_FORMAT, names, &call.target, &call.method,
					 CALL_FIELDS(call, fields)))
		return NULL;
	if (!call_prepare(&call, &metadata, fields, true)) {
		Py_BEGIN_ALLOW_THREADS
		err = nexus_grpc_start(channel->nx, &call, &stream);
		Py_END_ALLOW_THREADS
		ret = err ? failed(err) : rpc_new(channel, stream);
	}
	metadata_clear(&metadata);
	return ret;
}

PyObject *rpc_incoming(struct channel *channel, const struct nexus_event *event)
{
	const struct nexus_grpc_incoming *in = event->grpc;
	struct nexus_grpc_stream *stream;
	int err;

	if (!in)
		Py_RETURN_NONE;
	err = nexus_grpc_accept(channel->nx, event, &stream);
	if (err)
		return failed(err);
	return Py_BuildValue("{sNsNsNsNsIsNsNsN}", "rpc", rpc_new(channel, stream), "method", text_new(in->method),
			     "authority", text_new(in->authority), "peer", text_new(in->peer), "timeout_ms",
			     in->timeout_ms, "metadata", metadata_new(in->metadata, in->nr_metadata), "encoding",
			     text_new(in->encoding), "accept_encoding", text_new(in->accept_encoding));
}

/* ---- of one call ---- */

static void rpc_dealloc(struct rpc *rpc)
{
	PyTypeObject *type = Py_TYPE((PyObject *)rpc);

	Py_BEGIN_ALLOW_THREADS
	nexus_grpc_close(rpc->stream);
	Py_END_ALLOW_THREADS
	channel_put(rpc->channel);
	Py_DECREF((PyObject *)rpc->channel);
	PyObject_Free(rpc);
	Py_DECREF((PyObject *)type);
}

static PyObject *rpc_send(struct rpc *rpc, PyObject *args, PyObject *keywords)
{
	static char *names[] = { "message", "end", "compressed", NULL };
	Py_buffer message = { 0 };
	PyObject *object;
	int end = 0, compressed = 0, err;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|pp", names, &object, &end, &compressed))
		return NULL;
	if (object != Py_None && PyObject_GetBuffer(object, &message, PyBUF_SIMPLE))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	err = nexus_grpc_send(rpc->stream, object == Py_None ? NULL : message.len ? message.buf : "", message.len,
			      (end ? NEXUS_GRPC_SEND_END : 0) | (compressed ? NEXUS_GRPC_SEND_COMPRESSED : 0));
	Py_END_ALLOW_THREADS
	if (object != Py_None)
		PyBuffer_Release(&message);
	if (err && err != -EPIPE)
		return failed(err);
	return PyBool_FromLong(!err);
}

static PyObject *reply_receive(const struct nexus_grpc_reply *r)
{
	switch (r->kind) {
	case NEXUS_GRPC_INITIAL:
		return Py_BuildValue("sN", "initial", metadata_new(r->initial, r->nr_initial));
	case NEXUS_GRPC_MESSAGE:
		return Py_BuildValue(*r->encoding ? "sNs" : "sN", "message",
				     PyBytes_FromStringAndSize(r->message, r->message_len), r->encoding);
	case NEXUS_GRPC_HALF_CLOSE:
		return Py_BuildValue("(s)", "half-close");
	default:
		return Py_BuildValue("siNN", "end", r->status, text_new(r->details),
				     metadata_new(r->trailing, r->nr_trailing));
	}
}

static PyObject *rpc_receive(struct rpc *rpc, PyObject *unused)
{
	struct nexus_grpc_reply *reply;
	PyObject *ret;
	int err;

	(void)unused;
	Py_BEGIN_ALLOW_THREADS
	err = nexus_grpc_receive(rpc->stream, &reply);
	Py_END_ALLOW_THREADS
	if (err)
		return failed(err);
	ret = reply_receive(reply);
	nexus_grpc_reply_free(reply);
	return ret;
}

/* Also close(): the memory goes with the object, which other threads may use. */
static PyObject *rpc_cancel(struct rpc *rpc, PyObject *unused)
{
	int err;

	(void)unused;
	Py_BEGIN_ALLOW_THREADS
	err = nexus_grpc_cancel(rpc->stream);
	Py_END_ALLOW_THREADS
	if (err)
		return failed(err);
	Py_RETURN_NONE;
}

static PyObject *rpc_headers(struct rpc *rpc, PyObject *object)
{
	struct metadata metadata;
	int err = 0, bad = metadata_parse(&metadata, object);

	if (!bad) {
		Py_BEGIN_ALLOW_THREADS
		err = nexus_grpc_headers(rpc->stream, metadata.fields, metadata.nr);
		Py_END_ALLOW_THREADS
	}
	metadata_clear(&metadata);
	if (bad)
		return NULL;
	if (err && err != -EPIPE)
		return failed(err);
	return PyBool_FromLong(!err);
}

static PyObject *rpc_options(struct rpc *rpc, PyObject *args, PyObject *keywords)
{
	static char *names[] = { "encoding", "takes_compressed", "max_message", NULL };
	struct nexus_grpc options = NEXUS_GRPC_INIT;
	int err;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "|zpI", names, &options.encoding, &options.takes_compressed,
					 &options.max_message))
		return NULL;
	options.interrupted = main_signal_came;
	err = nexus_grpc_set_options(rpc->stream, &options);
	if (err)
		return failed(err);
	Py_RETURN_NONE;
}

static PyObject *rpc_finish(struct rpc *rpc, PyObject *args, PyObject *keywords)
{
	static char *names[] = { "status", "details", "metadata", NULL };
	const char *details = "";
	struct metadata metadata;
	PyObject *fields = NULL;
	int status = 0, err = 0, bad;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "|isO", names, &status, &details, &fields))
		return NULL;
	bad = metadata_parse(&metadata, fields);
	if (!bad) {
		Py_BEGIN_ALLOW_THREADS
		err = nexus_grpc_finish(rpc->stream, status, details, metadata.fields, metadata.nr);
		Py_END_ALLOW_THREADS
	}
	metadata_clear(&metadata);
	if (bad)
		return NULL;
	if (err && err != -EPIPE)
		return failed(err);
	return PyBool_FromLong(!err);
}

PyMethodDef rpc_methods[] = {
	{ "rpc_call", KEYWORDS(channel_rpc_call),
	  "rpc_call(target, method, message, tls=False, metadata=(), timeout_ms=0, max_message=0, encoding=None, "
	  "takes_compressed=False, authority=None, user_agent=None): (status, details, initial, trailing, answer), and "
	  "the answer's encoding if it takes_compressed." },
	{ "rpc_start", KEYWORDS(channel_rpc_start),
	  "rpc_start(target, method, tls=False, metadata=(), timeout_ms=0, max_message=0, encoding=None, "
	  "takes_compressed=False, authority=None, user_agent=None): Rpc" },
	{ NULL, NULL, 0, NULL },
};

static PyMethodDef methods[] = {
	{ "send", KEYWORDS(rpc_send), "send(message, end=False, compressed=False): False once the call is over." },
	{ "receive", (PyCFunction)rpc_receive, METH_NOARGS, "What comes next: a tuple, its kind first." },
	{ "cancel", (PyCFunction)rpc_cancel, METH_NOARGS, "End the call." },
	{ "close", (PyCFunction)rpc_cancel, METH_NOARGS, "End the call." },
	{ "options", KEYWORDS(rpc_options), "options(encoding=None, takes_compressed=False, max_message=0): a server's." },
	{ "headers", (PyCFunction)rpc_headers, METH_O, "headers(metadata): a server's initial metadata." },
	{ "finish", KEYWORDS(rpc_finish), "finish(status=0, details='', metadata=()): a server's end of the call." },
	{ NULL, NULL, 0, NULL },
};

static PyType_Slot rpc_slots[] = {
	{ Py_tp_dealloc, rpc_dealloc },
	{ Py_tp_methods, methods },
	{ Py_tp_doc, "A gRPC call of many messages." },
	{ 0, NULL },
};

static PyType_Spec rpc_spec = {
	"_nexus.Rpc", sizeof(struct rpc), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, rpc_slots,
};

int rpc_init(PyObject *module)
{
	rpc_type = (PyTypeObject *)PyType_FromSpec(&rpc_spec);
	if (!rpc_type)
		return -1;
	return PyModule_AddObjectRef(module, "Rpc", (PyObject *)rpc_type);
}
