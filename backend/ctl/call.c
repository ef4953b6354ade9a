// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "../cleanup.h"
#include "ctl.h"

static int unreachable(const struct ctl *ctl, const char *why)
{
	fprintf(stderr, "nexusctl: %s: %s\n", ctl->socket, why);
	return CTL_UNREACHABLE;
}

static const char *connect_remedy(int err)
{
	switch (err) {
	case ENOENT:
	case ECONNREFUSED:
		return "nexus-backend is not running there: start it, or give --control PATH";
	case EACCES:
	case EPERM:
		return "permission denied: run as root, or as the user of nexus-backend";
	default:
		return strerror(err);
	}
}

static int ctl_result(json_t *answer, json_t **result)
{
	const char *error;

	if (json_is_true(json_object_get(answer, "ok"))) {
		*result = json_incref(json_object_get(answer, "result"));
		json_decref(answer);
		return CTL_OK;
	}
	error = json_string_value(json_object_get(answer, "error"));
	fprintf(stderr, "nexusctl: %s\n", error ? error : "the daemon gave no reason");
	json_decref(answer);
	return CTL_REFUSED;
}

/* The descriptors come with the first bytes. */
static bool call_send(int fd, const char *text, size_t len, const int *fds, unsigned int nr_fds)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(CTL_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)text, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nr_fds) {
		control.head = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(nr_fds * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.head), fds, nr_fds * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)len;
}

int ctl_call(const struct ctl *ctl, json_t *call, json_t **result)
{
	return ctl_call_files(ctl, call, NULL, 0, result);
}

int ctl_call_files(const struct ctl *ctl, json_t *call, const int *fds, unsigned int nr_fds, json_t **result)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	auto_free char *text = NULL;
	auto_fclose FILE *file = NULL;
	json_t *answer;
	size_t len;

	text = json_dumps(call, JSON_COMPACT);
	json_decref(call);
	if (fd < 0 || !text)
		return unreachable(ctl, strerror(ENOMEM));
	if (strlen(ctl->socket) >= sizeof(address.sun_path))
		return unreachable(ctl, "too long for the path of a unix socket");
	strcpy(address.sun_path, ctl->socket);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return unreachable(ctl, connect_remedy(errno));
	len = strlen(text);
	text[len++] = '\n';	/* in place of the NUL */
	if (!call_send(fd, text, len, fds, nr_fds))
		return unreachable(ctl, connect_remedy(errno));
	file = fdopen(fd, "r");
	if (!file)
		return unreachable(ctl, strerror(errno));
	take_fd(&fd);
	answer = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
	if (!answer)
		return unreachable(ctl, "the daemon hung up: run as root, or as the user of nexus-backend");
	return ctl_result(answer, result);
}

bool ctl_print_json(const struct ctl *ctl, const json_t *result)
{
	if (!ctl->json)
		return false;
	json_dumpf(result, stdout, JSON_INDENT(2));
	putchar('\n');
	return true;
}
