// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "container.h"
#include "control.h"
#include "log.h"
#include "loop.h"
#include "socket_path.h"

/* A client and its call. */
struct control_call {
	struct control_call *next;
	int fd;
	struct loop_poll poll;
	struct loop_timer timer;
	char line[CONTROL_LINE_MAX];
	size_t line_len;
	char *reply;		/* what is left of it; NULL: none */
	size_t reply_len, reply_sent;
	int fds[CONTROL_FDS_MAX];	/* that came with the call and were not taken */
	unsigned int nr_fds;
	bool pending;		/* a verb has yet to answer */
	bool gone;		/* the client left meanwhile */
};

static struct {
	const char *path;
	int lock_fd;
	int fd;
	struct loop *loop;
	struct loop_poll poll;
	struct control_call *calls;
	unsigned int count;
} control = { .lock_fd = -1, .fd = -1 };

static void call_close_fds(struct control_call *call)
{
	while (call->nr_fds)
		close(call->fds[--call->nr_fds]);
}

static void call_free(struct control_call *call)
{
	struct control_call **p = &control.calls;

	call_close_fds(call);
	loop_poll_stop(control.loop, &call->poll);
	loop_timer_stop(control.loop, &call->timer);
	while (*p != call)
		p = &(*p)->next;
	*p = call->next;
	control.count--;
	close(call->fd);
	free(call->reply);
	free(call);
}

/* A verb that has yet to answer still knows the call: then the answer frees it. */
static void call_end(struct control_call *call)
{
	loop_poll_stop(control.loop, &call->poll);
	loop_timer_stop(control.loop, &call->timer);
	if (call->pending)
		call->gone = true;
	else
		call_free(call);
}

static void call_wait(struct control_call *call, unsigned int events)
{
	loop_timer_start(control.loop, &call->timer, CONTROL_IDLE_MS);
	if (loop_poll_start(control.loop, &call->poll, call->fd, events))
		call_end(call);
}

/* Send what is left of the reply, then wait for the next call. */
static void call_send(struct control_call *call)
{
	ssize_t sent;

	while (call->reply_sent < call->reply_len) {
		sent = send(call->fd, call->reply + call->reply_sent, call->reply_len - call->reply_sent,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN) {
			call_wait(call, POLLOUT);
			return;
		}
		if (sent < 0 && errno != EINTR) {
			call_end(call);
			return;
		}
		if (sent > 0)
			call->reply_sent += sent;
	}
	free(take_ptr(call->reply));
	call_wait(call, POLLIN);
}

/* Takes the object over. */
static void call_answer(struct control_call *call, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_decref(answer);
	call->pending = false;
	if (call->gone || !text) {
		free(text);
		call_free(call);
		return;
	}
	call->reply = text;
	call->reply_len = strlen(text) + 1;
	call->reply_sent = 0;
	text[call->reply_len - 1] = '\n';	/* in place of the NUL */
	call_send(call);
}

void control_reply(struct control_call *call, json_t *result)
{
	call_answer(call, json_pack("{s:b, s:o}", "ok", 1, "result", result));
}

void control_fail(struct control_call *call, const char *fmt, ...)
{
	char message[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	call_answer(call, json_pack("{s:b, s:s}", "ok", 0, "error", message));
}

int control_take_fd(struct control_call *call)
{
	int fd;

	if (!call->nr_fds)
		return -1;
	fd = call->fds[0];
	memmove(call->fds, call->fds + 1, --call->nr_fds * sizeof(*call->fds));
	return fd;
}

static void call_run(struct control_call *call, size_t len)
{
	json_t *arguments = json_loadb(call->line, len, 0, NULL);
	const char *verb = json_string_value(json_object_get(arguments, "verb"));
	const struct control_verb *v = control_verbs;

	memmove(call->line, call->line + len + 1, call->line_len - len - 1);
	call->line_len -= len + 1;
	call->pending = true;
	loop_timer_stop(control.loop, &call->timer);
	while (verb && v->name && strcmp(v->name, verb))
		v++;
	if (!verb)
		control_fail(call, "the call is no JSON object with a \"verb\"");
	else if (!v->name)
		control_fail(call, "unknown verb %.40s: nexusctl and nexus-backend differ in version", verb);
	else
		v->call(call, arguments);
	json_decref(arguments);
}

/* Bytes of a call, and the descriptors that come with them. As recv(). */
static ssize_t call_receive(struct control_call *call)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(CONTROL_FDS_MAX * sizeof(int))];
	} control_data;
	struct iovec iov = { call->line + call->line_len, sizeof(call->line) - call->line_len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control_data, .msg_controllen = sizeof(control_data),
	};
	ssize_t len = recvmsg(call->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	for (struct cmsghdr *c = len < 0 ? NULL : CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		/* Those of a call before it, which its verb did not want. */
		call_close_fds(call);
		call->nr_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(call->fds, CMSG_DATA(c), call->nr_fds * sizeof(int));
	}
	return len;
}

static void call_ready(struct loop_poll *poll, unsigned int revents)
{
	struct control_call *call = container_of(poll, struct control_call, poll);
	char *end;
	ssize_t len;

	(void)revents;
	if (call->reply) {
		call_send(call);
		return;
	}
	len = call_receive(call);
	if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
		call_wait(call, POLLIN);
		return;
	}
	if (len <= 0) {
		call_end(call);
		return;
	}
	call->line_len += len;
	end = memchr(call->line, '\n', call->line_len);
	if (end)
		call_run(call, end - call->line);
	else if (call->line_len == sizeof(call->line))
		call_end(call);
	else
		call_wait(call, POLLIN);
}

static void call_idle(struct loop_timer *timer)
{
	call_end(container_of(timer, struct control_call, timer));
}

static bool control_may_call(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void control_accept(struct loop_poll *poll, unsigned int revents)
{
	auto_close int fd = accept4(control.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control_call *call;

	(void)revents;
	if (loop_poll_start(control.loop, poll, control.fd, POLLIN))
		log_error("%s: no longer accepts calls: restart the daemon", control.path);
	if (fd < 0 || control.count >= CONTROL_CLIENTS_MAX || !control_may_call(fd))
		return;
	call = calloc(1, sizeof(*call));
	if (!call)
		return;
	call->fd = take_fd(&fd);
	call->poll.ready = call_ready;
	call->timer.expired = call_idle;
	call->next = control.calls;
	control.calls = call;
	control.count++;
	call_wait(call, POLLIN);
}

int control_open(const struct config *config)
{
	auto_free char *lock = NULL;
	int ret;

	control.path = config->control_path;
	if (asprintf(&lock, "%s.lock", control.path) < 0) {
		lock = NULL;
		return -ENOMEM;
	}
	control.lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (control.lock_fd < 0) {
		ret = -errno;
		log_error("%s: %s: create the directory, or set `control` in [backend]", lock, strerror(errno));
		return ret;
	}
	if (flock(control.lock_fd, LOCK_EX | LOCK_NB)) {
		log_error("another nexus-backend runs with the control socket %s: stop it, "
			  "or set `control` in [backend]", control.path);
		return -EADDRINUSE;
	}
	control.fd = socket_path_bind(control.path, SOCK_STREAM, 0600);
	if (control.fd < 0) {
		log_error("%s: %s", control.path, strerror(-control.fd));
		return control.fd;
	}
	return 0;
}

int control_serve(struct loop *loop)
{
	control.loop = loop;
	control.poll.ready = control_accept;
	return loop_poll_start(loop, &control.poll, control.fd, POLLIN);
}

struct loop *control_loop(void)
{
	return control.loop;
}

/* The lock file stays: removing it would let two daemons lock two files of one name. */
void control_close(void)
{
	while (control.calls)
		call_free(control.calls);
	if (control.loop)
		loop_poll_stop(control.loop, &control.poll);
	if (control.fd >= 0) {
		close(take_fd(&control.fd));
		unlink(control.path);
	}
	if (control.lock_fd >= 0)
		close(take_fd(&control.lock_fd));
}
