// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Keywords of the calls: the members of struct nexus_options by their names. */
#include <stddef.h>
#include <string.h>
#include "native.h"

static const struct {
	const char *name;
	enum option_kind kind;
	size_t offset, count;	/* in struct nexus_options; FIELDS: of the pointer and of the number */
} option_table[] = {
#define TEXT(member)	{ #member, OPTION_TEXT, offsetof(struct nexus_options, member), 0 }
#define NUMBER(member)	{ #member, OPTION_NUMBER, offsetof(struct nexus_options, member), 0 }
	NUMBER(timeout_ms), NUMBER(window), NUMBER(write_mode),
	{ "single", OPTION_BOOLEAN, offsetof(struct nexus_options, single), 0 },
	TEXT(range), TEXT(if_match), TEXT(if_none_match), TEXT(if_modified_since), TEXT(if_unmodified_since),
	TEXT(version_id), TEXT(content_type),
	{ "metadata", OPTION_FIELDS, offsetof(struct nexus_options, metadata),
	  offsetof(struct nexus_options, nr_metadata) },
	{ "headers", OPTION_FIELDS, offsetof(struct nexus_options, headers),
	  offsetof(struct nexus_options, nr_headers) },
};

const char *text_of(PyObject *object, const char *what)
{
	Py_ssize_t size;
	const char *text;

	if (!PyUnicode_Check(object)) {
		PyErr_Format(PyExc_TypeError, "%s is to be a str, not %R", what, object);
		return NULL;
	}
	text = PyUnicode_AsUTF8AndSize(object, &size);
	if (text && strlen(text) != (size_t)size) {
		PyErr_Format(PyExc_ValueError, "%s has a NUL character in it: %R", what, object);
		return NULL;
	}
	return text;
}

/* A dictionary of str, in its order. */
static int options_fields(struct options *o, const char *what, PyObject *dict, const struct nexus_field **fields,
			  size_t *nr)
{
	PyObject *name, *value;
	struct nexus_field *list;
	Py_ssize_t pos = 0;

	if (!PyDict_Check(dict)) {
		PyErr_Format(PyExc_TypeError, "%s is to be a dict, not %R", what, dict);
		return -1;
	}
	list = PyMem_Calloc(PyDict_Size(dict) + 1, sizeof(*list));
	if (!list) {
		PyErr_NoMemory();
		return -1;
	}
	*fields = list;
	while (PyDict_Next(dict, &pos, &name, &value)) {
		list[*nr].name = text_of(name, what);
		list[*nr].value = list[*nr].name ? text_of(value, what) : NULL;
		if (!list[*nr].value || PyList_Append(o->keep, name) || PyList_Append(o->keep, value))
			return -1;
		++*nr;
	}
	return 0;
}

static int option_set(struct options *o, const char *name, enum option_kind kind, PyObject *value, void *to)
{
	unsigned long long number;
	int truth;

	switch (kind) {
	case OPTION_TEXT:
		*(const char **)to = text_of(value, name);
		return *(const char **)to ? PyList_Append(o->keep, value) : -1;
	case OPTION_BOOLEAN:
		truth = PyObject_IsTrue(value);
		*(int *)to = truth > 0;
		return truth < 0 ? -1 : 0;
	default:
		number = PyLong_AsUnsignedLongLong(value);
		if (PyErr_Occurred())
			return -1;
		if (kind == OPTION_SIZE) {
			*(uint64_t *)to = number;
			return 0;
		}
		*(uint32_t *)to = number;
		if (number <= UINT32_MAX)
			return 0;
		PyErr_Format(PyExc_OverflowError, "%s: %R is above 32 bits", name, value);
		return -1;
	}
}

static int options_one(struct options *o, PyObject *key, PyObject *value, const struct option_extra *extras)
{
	char *base = (char *)&o->nexus;
	const char *name = text_of(key, "a keyword");

	if (!name)
		return -1;
	for (const struct option_extra *e = extras; e && e->name; e++)
		if (!strcmp(name, e->name))
			return e->kind == OPTION_FIELDS ?
			       options_fields(o, name, value, &o->extra_fields, &o->nr_extra_fields) :
			       option_set(o, name, e->kind, value, e->to);
	for (size_t i = 0; i < sizeof(option_table) / sizeof(*option_table); i++) {
		void *member = base + option_table[i].offset;

		if (strcmp(name, option_table[i].name))
			continue;
		if (option_table[i].kind == OPTION_FIELDS)
			return options_fields(o, name, value, member, (size_t *)(base + option_table[i].count));
		return option_set(o, name, option_table[i].kind, value, member);
	}
	PyErr_Format(PyExc_TypeError, "no option is called %R", key);
	return -1;
}

int options_parse(struct options *o, PyObject *keywords, const struct option_extra *extras)
{
	PyObject *key, *value;
	Py_ssize_t pos = 0;

	memset(o, 0, sizeof(*o));
	o->nexus.size = sizeof(o->nexus);
	o->keep = PyList_New(0);
	if (!o->keep)
		return -1;
	while (keywords && PyDict_Next(keywords, &pos, &key, &value))
		if (value != Py_None && options_one(o, key, value, extras))
			return -1;
	return 0;
}

void options_clear(struct options *o)
{
	for (size_t i = 0; i < sizeof(option_table) / sizeof(*option_table); i++)
		if (option_table[i].kind == OPTION_FIELDS)
			PyMem_Free(*(void **)((char *)&o->nexus + option_table[i].offset));
	PyMem_Free((void *)o->extra_fields);
	Py_CLEAR(o->keep);
}
