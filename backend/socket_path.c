// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "cleanup.h"
#include "socket_path.h"

#define BACKLOG	128
/* The sockets of a daemon that was killed stay open until the kernel has ended the I/O of its rings. */
#define VACATE_TRIES	100
#define VACATE_STEP_NS	50000000L

/* Does anybody listen there? A socket file outlives its process. */
static int socket_path_vacate_once(const struct sockaddr_un *address, int type)
{
	auto_close int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) || errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) ? -errno : 0;
}

static int socket_path_vacate(const struct sockaddr_un *address, int type)
{
	const struct timespec step = { 0, VACATE_STEP_NS };
	int ret = socket_path_vacate_once(address, type);

	for (int i = 0; i < VACATE_TRIES && ret == -EADDRINUSE; i++) {
		nanosleep(&step, NULL);
		ret = socket_path_vacate_once(address, type);
	}
	return ret;
}

int socket_path_bind(const char *path, int type, uint32_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int fd = -1;
	mode_t old;
	int ret;

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	ret = socket_path_vacate(&address, type);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	old = umask(0777);	/* nobody gets in before chmod() says who may */
	ret = bind(fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(old);
	if (ret)
		return ret;
	if (chmod(path, mode) || listen(fd, BACKLOG)) {
		ret = -errno;
		unlink(path);
		return ret;
	}
	return take_fd(&fd);
}
