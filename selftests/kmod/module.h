/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading and unloading nexus_kvm.ko inside a test. */
#ifndef NEXUS_TEST_MODULE_H
#define NEXUS_TEST_MODULE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline bool module_loaded(void)
{
	return !access("/sys/module/nexus_kvm", F_OK);
}

/* $NEXUS_MODULE, or where the build leaves it for the kernel under test. */
static inline const char *module_path(void)
{
	static char path[512];
	const char *given = getenv("NEXUS_MODULE");
	const char *build = getenv("NEXUS_BUILD");
	const char *kernel = getenv("NEXUS_KERNEL");

	if (given)
		return given;
	snprintf(path, sizeof(path), "%s/kmod/%s/kmod/nexus_kvm.ko", build ? build : "build",
		 kernel ? kernel : "6.1");
	return path;
}

/* 0 or -errno. */
static inline int module_insert(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 || syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/* 0 or -errno; -EWOULDBLOCK is a refusal. */
static inline int module_try_remove(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/* Channels are freed a grace period after their VM: a reference may linger. */
static inline int module_remove(const char *name)
{
	int err = 0;

	for (int i = 0; i < 100; i++) {
		err = module_try_remove(name);
		if (err != -EAGAIN && err != -EBUSY)
			break;
		usleep(50000);
	}
	return err;
}

static inline int module_load(void)
{
	return module_insert(module_path(), "");
}

static inline int module_unload(void)
{
	return module_remove("nexus_kvm");
}

#endif
