// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "http.h"

#define IN_SIZE		65536
#define CONNECTIONS_MAX	64

static unsigned int connections;	/* atomic */

struct listener {
	int fd;
	void (*handle)(struct http_call *call);
};

struct connection {
	int fd;
	void (*handle)(struct http_call *call);
};

/* ---- parsing ---- */

/* More text of the head; each piece ends with a NUL once the next begins. */
static int head_add(struct http_call *call, const char *data, size_t n)
{
	if (call->head_len + n + 2 > HTTP_HEAD_MAX) {
		call->too_long = true;
		return -1;
	}
	memcpy(call->head + call->head_len, data, n);
	call->head_len += n;
	call->head[call->head_len] = '\0';
	return 0;
}

static int on_url(http_parser *parser, const char *data, size_t n)
{
	struct http_call *call = parser->data;

	if (!call->url)
		call->url = call->head;
	return head_add(call, data, n);
}

static int on_field(http_parser *parser, const char *data, size_t n)
{
	struct http_call *call = parser->data;

	if (call->in_value || !call->nr_fields) {
		if (call->nr_fields == HTTP_FIELDS_MAX) {
			call->too_long = true;
			return -1;
		}
		call->head_len++;	/* behind the NUL */
		call->fields[call->nr_fields++].name = call->head + call->head_len;
		call->fields[call->nr_fields - 1].value = "";
		call->in_value = false;
	}
	return head_add(call, data, n);
}

static int on_value(http_parser *parser, const char *data, size_t n)
{
	struct http_call *call = parser->data;

	if (!call->in_value) {
		call->head_len++;
		call->fields[call->nr_fields - 1].value = call->head + call->head_len;
		call->in_value = true;
	}
	return head_add(call, data, n);
}

static int on_head(http_parser *parser)
{
	struct http_call *call = parser->data;

	call->have_head = true;
	call->method = http_method_str(parser->method);
	call->length = parser->content_length;
	if (parser->flags & F_CHUNKED)
		call->length = UINT64_MAX;
	else if (call->length == UINT64_MAX)
		call->length = 0;
	return 0;
}

static int on_body(http_parser *parser, const char *data, size_t n)
{
	struct http_call *call = parser->data;

	/* One piece at a time: the rest is parsed when this one was taken. */
	call->body = data;
	call->body_len = n;
	http_parser_pause(parser, 1);
	return 0;
}

static int on_end(http_parser *parser)
{
	struct http_call *call = parser->data;

	call->complete = true;
	call->keep = http_should_keep_alive(parser);
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_url = on_url, .on_header_field = on_field, .on_header_value = on_value,
	.on_headers_complete = on_head, .on_body = on_body, .on_message_complete = on_end,
};

/* Parse what is there, or read more. 1: something happened; 0: the peer closed; -errno. */
static int call_step(struct http_call *call)
{
	size_t used;
	ssize_t n;

	if (!call->in_len) {
		call->in = call->base;
		n = recv(call->fd, call->in, IN_SIZE, 0);
		if (n < 0)
			return errno == EINTR ? 1 : -errno;
		if (!n)
			return 0;
		call->in_len = n;
	}
	http_parser_pause(&call->parser, 0);
	used = http_parser_execute(&call->parser, &settings, call->in, call->in_len);
	if (HTTP_PARSER_ERRNO(&call->parser) == HPE_PAUSED)
		http_parser_pause(&call->parser, 0);
	else if (HTTP_PARSER_ERRNO(&call->parser) != HPE_OK)
		return call->too_long ? -EMSGSIZE : -EBADMSG;
	/* body points into `in`: what follows is moved only once it was taken. */
	call->in += used;
	call->in_len -= used;
	return 1;
}

const char *http_field(const struct http_call *call, const char *name)
{
	for (unsigned int i = 0; i < call->nr_fields; i++)
		if (!strcasecmp(call->fields[i].name, name))
			return call->fields[i].value;
	return NULL;
}

ssize_t http_read(struct http_call *call, void *data, size_t n)
{
	while (!call->body_len && !call->complete) {
		int ret = call_step(call);

		if (ret <= 0)
			return ret ? ret : -ECONNRESET;
	}
	if (n > call->body_len)
		n = call->body_len;
	memcpy(data, call->body, n);
	call->body += n;
	call->body_len -= n;
	return n;
}

ssize_t http_read_all(struct http_call *call, char **data, size_t max)
{
	size_t len = 0, cap = 4096;
	char *buf = malloc(cap), dropped[4096], *grown;
	ssize_t n = 0;

	while (buf && (n = len < max ? http_read(call, buf + len, cap - len < max - len ? cap - len : max - len) :
				       http_read(call, dropped, sizeof(dropped))) > 0) {
		if (len == max) {
			while ((n = http_read(call, dropped, sizeof(dropped))) > 0)
				;
			free(buf);
			return n ? n : -EFBIG;
		}
		len += n;
		if (len < cap)
			continue;
		cap *= 2;
		grown = realloc(buf, cap);
		if (!grown)
			n = -ENOMEM;
		else
			buf = grown;
		if (n < 0)
			break;
	}
	if (!buf)
		return -ENOMEM;
	if (n < 0) {
		free(buf);
		return n;
	}
	*data = buf;
	return len;
}

/* ---- answers ---- */

bool http_gone(const struct http_call *call)
{
	struct pollfd p = { call->fd, POLLRDHUP, 0 };

	return poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

static int send_all(int fd, struct iovec *iov, int nr)
{
	while (nr) {
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = nr };
		ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (; nr && n >= (ssize_t)iov->iov_len; iov++, nr--)
			n -= iov->iov_len;
		if (nr && n > 0) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= n;
		}
	}
	return 0;
}

/* An answer begins. A body that nobody read would be taken for the next request. */
static void call_settle(struct http_call *call)
{
	int ret = 1;

	call->answered = true;
	/* The parser tells the end with the last byte, not before. */
	while (ret > 0 && !call->complete && !call->body_len && call->in_len)
		ret = call_step(call);
	if (!call->complete)
		call->keep = false;
}

int http_answer(struct http_call *call, unsigned int status, const char *fields, const void *body, size_t len)
{
	char head[16384];
	struct iovec iov[2];
	int n;

	call_settle(call);
	n = snprintf(head, sizeof(head), "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n%s%s\r\n", status,
		     http_status_str(status), len, fields, call->keep ? "" : "Connection: close\r\n");
	if (n >= (int)sizeof(head))
		return -EMSGSIZE;
	iov[0] = (struct iovec){ head, n };
	iov[1] = (struct iovec){ (void *)body, len };
	return send_all(call->fd, iov, 2);
}

int http_begin(struct http_call *call, unsigned int status, const char *fields, uint64_t length)
{
	char head[24576], framing[64] = "";
	struct iovec iov;
	int n;

	call_settle(call);
	call->bodiless = !strcmp(call->method, "HEAD") || status == 204 || status == 304 || status < 200;
	call->chunked = length == UINT64_MAX && !call->bodiless;
	if (call->chunked)
		strcpy(framing, "Transfer-Encoding: chunked\r\n");
	else if (length != UINT64_MAX && status != 204 && status >= 200)
		snprintf(framing, sizeof(framing), "Content-Length: %llu\r\n", (unsigned long long)length);
	n = snprintf(head, sizeof(head), "HTTP/1.1 %u %s\r\n%s%s%s\r\n", status, http_status_str(status), framing, fields,
		     call->keep ? "" : "Connection: close\r\n");
	if (n >= (int)sizeof(head))
		return -EMSGSIZE;
	iov = (struct iovec){ head, n };
	return send_all(call->fd, &iov, 1);
}

int http_send(struct http_call *call, const void *data, size_t len)
{
	char size[24];
	struct iovec iov[3] = { { size, 0 }, { (void *)data, len }, { "\r\n", 2 } };

	if (call->bodiless || !len)
		return 0;
	if (!call->chunked)
		return send_all(call->fd, iov + 1, 1);
	iov[0].iov_len = snprintf(size, sizeof(size), "%zx\r\n", len);
	return send_all(call->fd, iov, 3);
}

int http_end(struct http_call *call)
{
	struct iovec iov = { "0\r\n\r\n", 5 };

	return call->chunked ? send_all(call->fd, &iov, 1) : 0;
}

/* ---- connections ---- */

static void call_refuse(struct http_call *call, int ret)
{
	call->keep = false;
	if (ret == -EMSGSIZE)
		http_answer(call, 431, "", "", 0);
	else if (ret == -EBADMSG)
		http_answer(call, 400, "", "", 0);
}

/* One request. False: the connection is over. */
static bool call_serve(struct http_call *call, char *in, size_t *rest)
{
	int ret = 1;

	http_parser_init(&call->parser, HTTP_REQUEST);
	call->parser.data = call;
	call->base = call->in = in;
	call->in_len = *rest;
	while (!call->have_head && ret > 0)
		ret = call_step(call);
	if (ret <= 0) {
		call_refuse(call, ret);
		return false;
	}
	if (http_field(call, "Expect"))
		send(call->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
	call->handle(call);
	while (call->answered && call->keep && !call->complete && ret > 0) {
		call->body_len = 0;
		ret = call_step(call);
	}
	if (!call->answered || !call->keep || ret <= 0)
		return false;
	memmove(in, call->in, call->in_len);
	*rest = call->in_len;
	return true;
}

static void *connection_main(void *arg)
{
	struct connection c = *(struct connection *)arg;
	char *in = malloc(IN_SIZE);
	struct http_call *call;
	size_t rest = 0;
	bool more = in;

	free(arg);
	while (more) {
		call = calloc(1, sizeof(*call));
		more = call;
		if (call) {
			call->fd = c.fd;
			call->handle = c.handle;
			more = call_serve(call, in, &rest);
		}
		free(call);
	}
	free(in);
	close(c.fd);
	__atomic_fetch_sub(&connections, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void *listen_main(void *arg)
{
	struct listener *listener = arg;
	struct connection *c;
	pthread_attr_t attr;
	pthread_t thread;
	int fd;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 << 10);
	for (;;) {
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
				usleep(10000);
			continue;
		}
		c = malloc(sizeof(*c));
		if (c)
			*c = (struct connection){ fd, listener->handle };
		if (__atomic_add_fetch(&connections, 1, __ATOMIC_RELAXED) > CONNECTIONS_MAX || !c ||
		    pthread_create(&thread, &attr, connection_main, c)) {
			__atomic_fetch_sub(&connections, 1, __ATOMIC_RELAXED);
			free(c);
			close(fd);
		}
	}
	return NULL;
}

int http_serve(const char *address, uint16_t port, void (*handle)(struct http_call *call))
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, ret;
	struct listener *listener;
	pthread_t thread;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (inet_pton(AF_INET, address, &in.sin_addr) != 1 || bind(fd, (struct sockaddr *)&in, sizeof(in)) ||
	    listen(fd, CONNECTIONS_MAX)) {
		ret = errno ? -errno : -EINVAL;
		close(fd);
		return ret;
	}
	/* For the life of the process. */
	listener = malloc(sizeof(*listener));
	if (listener)
		*listener = (struct listener){ fd, handle };
	ret = listener ? -pthread_create(&thread, NULL, listen_main, listener) : -ENOMEM;
	if (ret) {
		free(listener);
		close(fd);
	}
	return ret;
}
