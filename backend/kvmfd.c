// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cleanup.h"
#include "kvmfd.h"

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The number of the first descriptor in the directory that is a KVM VM, or -errno. */
static int kvmfd_find(pid_t pid)
{
	static const char want[] = "anon_inode:kvm-vm";
	__attribute__((cleanup(cleanup_closedir))) DIR *dir = NULL;
	char path[64], target[sizeof(want)];
	struct dirent *entry;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target));
		if (len == sizeof(want) - 1 && !memcmp(target, want, len))
			return atoi(entry->d_name);
	}
	return -ENOENT;
}

int kvmfd_get(pid_t pid, int *pidfd)
{
	auto_close int process = syscall(SYS_pidfd_open, pid, 0);
	int number, fd;

	if (process < 0)
		return errno == EINVAL ? -ESRCH : -errno;	/* EINVAL: a thread's id, or no pid at all */
	number = kvmfd_find(pid);
	if (number < 0)
		return number;
	/* The pidfd pins the process that we ask; a number reused meanwhile shows in ADOPT's check. */
	fd = syscall(SYS_pidfd_getfd, process, number, 0);
	if (fd < 0)
		return errno == EBADF ? -ENOENT : -errno;
	*pidfd = take_fd(&process);
	return fd;
}
