/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * _nexus: libnexus-guest for Python, on the stable ABI of CPython 3.11 (the first
 * with the buffer protocol in it). What it offers is told in native.c.
 *
 * No call that may wait holds the interpreter's lock. Objects own what they
 * use: an operation its channel and the caller's buffers, a view the memory
 * that it shows.
 */
#ifndef NATIVE_H
#define NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include "../../nexus.h"

#define WAIT_SLICE_MS	200	/* signals are looked after at least so often */

struct channel {
	PyObject_HEAD
	struct nexus *nx;	/* NULL: closed */
	unsigned int users;	/* operations and buffers that still need nx */
};

/* Memory of the arena with the buffer protocol: an allocation, or a stream's window. */
struct arena_memory {
	PyObject_HEAD
	struct channel *channel;
	struct operation *operation;	/* of a window; NULL: an allocation */
	void *data;
	Py_ssize_t size;		/* bytes */
};

struct operation {
	PyObject_HEAD
	struct channel *channel;
	struct nexus_op *op;		/* NULL: freed */
	PyObject *window;		/* the Memory of the window that is out, by its address only: it owns us */
	unsigned int views;		/* on that window */
	bool busy;			/* a thread is in the library with it */
	bool exchange;			/* sends, and then receives, whatever the status */
	bool lent;			/* `buffer` is held */
	Py_buffer buffer;		/* the caller's payload, or room for it */
	PyObject *data;			/* what came beside the answer's head: a list's page; NULL: nothing */
};

/* What one call takes beside the members of struct nexus_options. */
enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_SIZE, OPTION_BOOLEAN, OPTION_FIELDS };

struct option_extra {
	const char *name;	/* NULL: the end */
	enum option_kind kind;
	void *to;		/* const char *, uint32_t, uint64_t, int; fields: options.extra_fields, one at most */
};

/* Values of the caller's keywords; strings live as long as these. */
struct options {
	struct nexus_options nexus;
	const struct nexus_field *extra_fields;	/* of the call's own keyword of that kind, if it has one */
	size_t nr_extra_fields;
	PyObject *keep;			/* list of objects whose memory is pointed to */
};

/* The arguments of a call for an object. */
struct call {
	struct options options;
	const char *bucket, *key;
};

extern PyTypeObject *channel_type, *operation_type, *memory_type;
extern PyObject *nexus_error;

/* Each adds its type to the module. 0; or -1 with an exception. */
int channel_init(PyObject *module);
int operation_init(PyObject *module);
int memory_init(PyObject *module);
int rpc_init(PyObject *module);

/* options.c: keywords (NULL: none) into options and extras (NULL: none); undone by options_clear(), always. */
int options_parse(struct options *o, PyObject *keywords, const struct option_extra *extras);
void options_clear(struct options *o);

/* A string without NUL bytes; NULL with an exception. `what` names it there. */
const char *text_of(PyObject *object, const char *what);

/*
 * Take the buffer of a keyword out of the keywords. 1: it is in `buffer`; 0: no
 * such keyword, or None; -1
 */
int take_buffer(PyObject *keywords, const char *name, Py_buffer *buffer, int flags);

/* channel.c: bucket, key and keywords; undone by options_clear(&call->options), always. */
int call_parse(struct call *call, struct channel *channel, PyObject *args, PyObject *keywords,
	       const struct option_extra *extras);
int channel_check(struct channel *channel);

/* Methods of channels in other files. */
extern PyMethodDef object_methods[], exchange_methods[], invocation_methods[], rpc_methods[];

#define KEYWORDS(f)	((PyCFunction)(void (*)(void))(f)), METH_VARARGS | METH_KEYWORDS

/* memory.c: `data` belongs to the new object, or is a window of `operation`. */
PyObject *memory_new(struct channel *channel, struct operation *operation, void *data, Py_ssize_t size);

/* operation.c: takes op, which is freed on failure, and the buffer, if there is one. */
PyObject *operation_new(struct channel *channel, struct nexus_op *op, Py_buffer *buffer);

/* rpc.c: the member `grpc` of an event, as a dictionary or None. */
PyObject *rpc_incoming(struct channel *channel, const struct nexus_event *event);

/* A string of the host's, which may be anything. */
PyObject *text_new(const char *text);

/* Raise nexus_error with what the operation says. Returns NULL. */
PyObject *operation_raise(struct nexus_op *op, int status);

/* channel.c: the channel has one user less; it closes with the last one. */
void channel_put(struct channel *channel);

#endif
