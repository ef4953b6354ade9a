// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cleanup.h"
#include "kvmfd.h"

#define FDS_MAX		4096	/* of a VMM, looked at */
#define GAP_MAX		256	/* numbers in a row that are not open: there are no more */

static bool kvmfd_is_vm(int fd)
{
	static const char want[] = "anon_inode:kvm-vm";
	char path[64], target[sizeof(want)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof(target)) == sizeof(want) - 1 && !memcmp(target, want, sizeof(want) - 1);
}

/*
 * The first descriptor of the process that is a KVM VM, or -errno. We take one after the other:
 * to list another user's /proc/PID/fd would need the right to read any file (CAP_DAC_READ_SEARCH).
 */
static int kvmfd_find(int process)
{
	auto_close int fd = -1;
	int gap = 0;

	for (int number = 0; number < FDS_MAX && gap < GAP_MAX; number++) {
		fd = syscall(SYS_pidfd_getfd, process, number, 0);
		if (fd < 0 && errno != EBADF)
			return -errno;
		gap = fd < 0 ? gap + 1 : 0;
		if (fd < 0)
			continue;
		if (kvmfd_is_vm(fd))
			return take_fd(&fd);
		close(take_fd(&fd));
	}
	return -ENOENT;
}

int kvmfd_get(pid_t pid, int *pidfd)
{
	auto_close int process = syscall(SYS_pidfd_open, pid, 0);
	int fd;

	if (process < 0)
		return errno == EINVAL ? -ESRCH : -errno;	/* EINVAL: a thread's id, or no pid at all */
	fd = kvmfd_find(process);
	if (fd >= 0)
		*pidfd = take_fd(&process);
	return fd;
}
