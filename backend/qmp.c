// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "cleanup.h"
#include "container.h"
#include "loop.h"
#include "qmp.h"

#define LINE_MAX_BYTES	65536U	/* of what QEMU says */
#define PENDING_MAX	16U	/* commands without an answer */

enum qmp_state {
	QMP_GREETING,
	QMP_NEGOTIATING,	/* our first command, by which QEMU begins to take others */
	QMP_READY,
};

struct qmp {
	struct loop *loop;
	int fd;
	const struct qmp_handler *handler;
	void *arg;
	struct loop_poll poll;
	qmp_done *pending[PENDING_MAX];	/* oldest first */
	unsigned int nr_pending;
	enum qmp_state state;
	bool busy, freed;	/* in a callback; freed there */
	size_t len;
	char line[LINE_MAX_BYTES];
};

static void qmp_ready(struct loop_poll *poll, unsigned int revents);

static void qmp_close(struct qmp *qmp)
{
	if (qmp->fd < 0)
		return;
	loop_poll_stop(qmp->loop, &qmp->poll);
	close(take_fd(&qmp->fd));
}

static void qmp_lost(struct qmp *qmp, const char *reason)
{
	if (qmp->fd < 0)
		return;
	qmp_close(qmp);
	qmp->handler->lost(qmp->arg, reason);
}

struct qmp *qmp_new(struct loop *loop, int fd, const struct qmp_handler *handler, void *arg)
{
	auto_close int owned = fd;
	auto_free struct qmp *qmp = calloc(1, sizeof(*qmp));
	int ret;

	if (!qmp)
		return NULL;
	*qmp = (struct qmp){ .loop = loop, .fd = fd, .handler = handler, .arg = arg, .poll.ready = qmp_ready };
	ret = loop_poll_start(loop, &qmp->poll, fd, POLLIN);
	if (ret) {
		errno = -ret;
		return NULL;
	}
	take_fd(&owned);
	return take_ptr(qmp);
}

void qmp_free(struct qmp *qmp)
{
	if (!qmp)
		return;
	qmp_close(qmp);
	qmp->freed = true;
	if (!qmp->busy)
		free(qmp);
}

/* A command is far smaller than the socket's buffer: QEMU that does not read is lost. */
static int qmp_write(struct qmp *qmp, char *text, size_t len, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec piece = { text, len };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(qmp->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len ? 0 : -ENOTCONN;
}

int qmp_send(struct qmp *qmp, const char *command, json_t *arguments, int fd, qmp_done *done)
{
	json_t *object = json_pack("{s:s, s:o*}", "execute", command, "arguments", arguments);
	auto_free char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	size_t len;

	json_decref(object);
	if (!text)
		return -ENOMEM;
	if (qmp->fd < 0 || qmp->nr_pending == PENDING_MAX)
		return -ENOTCONN;
	len = strlen(text);
	text[len] = '\n';	/* in place of the NUL: one write, one line */
	if (qmp_write(qmp, text, len + 1, fd))
		return -ENOTCONN;
	qmp->pending[qmp->nr_pending++] = done;
	return 0;
}

static void qmp_answer(struct qmp *qmp, const json_t *result, const char *error)
{
	qmp_done *done;

	if (!qmp->nr_pending) {
		qmp_lost(qmp, "an answer to no command");
		return;
	}
	done = qmp->pending[0];
	memmove(qmp->pending, qmp->pending + 1, --qmp->nr_pending * sizeof(done));
	if (qmp->state == QMP_READY) {
		if (done)
			done(qmp->arg, result, error);
	} else if (error) {
		qmp_lost(qmp, error);
	} else {
		qmp->state = QMP_READY;
		qmp->handler->ready(qmp->arg);
	}
}

static void qmp_object(struct qmp *qmp, const json_t *object)
{
	const char *event = json_string_value(json_object_get(object, "event"));
	const json_t *error = json_object_get(object, "error");
	const json_t *result = json_object_get(object, "return");
	const char *what = json_string_value(json_object_get(error, "desc"));

	if (qmp->state == QMP_GREETING) {
		qmp->state = QMP_NEGOTIATING;
		if (!json_object_get(object, "QMP") || qmp_send(qmp, "qmp_capabilities", NULL, -1, NULL))
			qmp_lost(qmp, "no greeting");
	} else if (event) {
		qmp->handler->event(qmp->arg, event, json_object_get(object, "data"));
	} else if (error) {
		qmp_answer(qmp, NULL, what ? what : "an error without a description");
	} else if (result) {
		qmp_answer(qmp, result, NULL);
	} else {
		qmp_lost(qmp, "neither an event nor an answer");
	}
}

static void qmp_lines(struct qmp *qmp)
{
	char *end, *line = qmp->line;
	json_t *object;

	while (!qmp->freed && qmp->fd >= 0 && (end = memchr(line, '\n', qmp->line + qmp->len - line))) {
		object = json_loadb(line, end - line, JSON_REJECT_DUPLICATES, NULL);
		line = end + 1;
		if (json_is_object(object))
			qmp_object(qmp, object);
		else
			qmp_lost(qmp, "a line that is no JSON object");
		json_decref(object);
	}
	qmp->len = qmp->line + qmp->len - line;
	memmove(qmp->line, line, qmp->len);
}

static void qmp_ready(struct loop_poll *poll, unsigned int revents)
{
	struct qmp *qmp = container_of(poll, struct qmp, poll);
	ssize_t n = recv(qmp->fd, qmp->line + qmp->len, LINE_MAX_BYTES - qmp->len, MSG_DONTWAIT);

	(void)revents;
	qmp->busy = true;
	if (n > 0) {
		qmp->len += n;
		qmp_lines(qmp);
		if (qmp->len == LINE_MAX_BYTES)
			qmp_lost(qmp, "a line of more than 64 KiB");
	} else if (n == 0 || errno != EAGAIN) {
		qmp_lost(qmp, n ? strerror(errno) : "QEMU closed the connection");
	}
	qmp->busy = false;
	if (qmp->freed)
		free(qmp);
	else if (qmp->fd >= 0 && loop_poll_start(qmp->loop, &qmp->poll, qmp->fd, POLLIN))
		qmp_lost(qmp, "cannot poll");
}
