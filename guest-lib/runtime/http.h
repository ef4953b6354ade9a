/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An HTTP/1.1 server for the guest's loopback: a thread a connection, blocking, as the library's
 * calls are. The parsing is http_parser's.
 */
#ifndef RUNTIME_HTTP_H
#define RUNTIME_HTTP_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HTTP_HEAD_MAX	65536U
#define HTTP_FIELDS_MAX	100

struct http_field {
	const char *name, *value;	/* in head */
};

struct http_call {
	int fd;
	http_parser parser;
	const char *method;
	char *url;			/* as sent */
	struct http_field fields[HTTP_FIELDS_MAX];
	unsigned int nr_fields;
	uint64_t length;		/* UINT64_MAX: chunked */
	bool keep;			/* the connection, afterwards */
	bool answered;
	bool chunked;			/* the answer is */
	bool bodiless;			/* it has no body, whatever its length says */
	/* http.c's */
	void (*handle)(struct http_call *call);
	char head[HTTP_HEAD_MAX];
	size_t head_len;
	bool in_value, have_head, complete, too_long;
	char *base;			/* the input's buffer */
	char *in;			/* unread input, in it */
	size_t in_len;
	const char *body;		/* body bytes that were parsed and not taken */
	size_t body_len;
};

/*
 * Listen there and serve in threads, each request by handle(), which answers it once.
 * 0 or -errno.
 */
int http_serve(const char *address, uint16_t port, void (*handle)(struct http_call *call));

/* A header field's value; NULL: absent. */
const char *http_field(const struct http_call *call, const char *name);

/* The next bytes of the request's body, at most n; 0 the end; -errno: the connection broke. */
ssize_t http_read(struct http_call *call, void *data, size_t n);

/* All of the body, from malloc; -EFBIG: more than max bytes, all of them read. */
ssize_t http_read_all(struct http_call *call, char **data, size_t max);

/* The peer has closed, or reset, the connection. */
bool http_gone(const struct http_call *call);

/* fields: lines that end with \r\n, or "". 0 or -errno. */
int http_answer(struct http_call *call, unsigned int status, const char *fields, const void *body, size_t len);

/* The same in pieces; length UINT64_MAX: not known. HEAD, and statuses without a body: none is sent. */
int http_begin(struct http_call *call, unsigned int status, const char *fields, uint64_t length);
int http_send(struct http_call *call, const void *data, size_t len);
int http_end(struct http_call *call);

#endif
