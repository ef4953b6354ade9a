// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Requests to HTTP servers and AWS services: streams that are written, finished, and then read. */
#include "native.h"

#define END	{ NULL, OPTION_TEXT, NULL }

static PyObject *exchange_new(struct channel *channel, struct nexus_op *op)
{
	struct operation *o = (struct operation *)operation_new(channel, op, NULL);

	if (o)
		o->exchange = true;
	return (PyObject *)o;
}

static PyObject *channel_http(struct channel *channel, PyObject *args, PyObject *keywords)
{
	struct nexus_http http = NEXUS_HTTP_INIT;
	const struct option_extra extras[] = {
		{ "total", OPTION_SIZE, &http.content_length }, { "chunked", OPTION_BOOLEAN, &http.chunked },
		{ "max_redirects", OPTION_NUMBER, &http.max_redirects }, END,
	};
	PyObject *method, *url, *ret = NULL;
	struct options options;
	struct nexus_op *op;

	if (channel_check(channel) || !PyArg_ParseTuple(args, "OO", &method, &url))
		return NULL;
	http.method = text_of(method, "the method");
	http.url = http.method ? text_of(url, "the URL") : NULL;
	if (!http.url)
		return NULL;
	if (!options_parse(&options, keywords, extras)) {
		Py_BEGIN_ALLOW_THREADS
		op = nexus_http_stream(channel->nx, &http, &options.nexus);
		Py_END_ALLOW_THREADS
		ret = exchange_new(channel, op);
	}
	options_clear(&options);
	return ret;
}

static PyObject *channel_aws(struct channel *channel, PyObject *args, PyObject *keywords)
{
	struct nexus_aws aws = NEXUS_AWS_INIT;
	const struct option_extra extras[] = {
		{ "query", OPTION_TEXT, &aws.query }, { "total", OPTION_SIZE, &aws.content_length }, END,
	};
	PyObject *service, *method, *path, *ret = NULL;
	struct options options;
	struct nexus_op *op;

	if (channel_check(channel) || !PyArg_ParseTuple(args, "OOO", &service, &method, &path))
		return NULL;
	aws.service = text_of(service, "the service");
	aws.method = aws.service ? text_of(method, "the method") : NULL;
	aws.path = aws.method ? text_of(path, "the path") : NULL;
	if (!aws.path)
		return NULL;
	if (!options_parse(&options, keywords, extras)) {
		Py_BEGIN_ALLOW_THREADS
		op = nexus_aws_stream(channel->nx, &aws, &options.nexus);
		Py_END_ALLOW_THREADS
		ret = exchange_new(channel, op);
	}
	options_clear(&options);
	return ret;
}

PyMethodDef exchange_methods[] = {
	{ "http", KEYWORDS(channel_http),
	  "http(method, url, headers=..., total=0, chunked=False, max_redirects=0): write, finish, then read." },
	{ "aws", KEYWORDS(channel_aws), "aws(service, method, path, query=..., headers=..., total=0): likewise." },
	{ NULL, NULL, 0, NULL },
};
