// SPDX-License-Identifier: GPL-2.0-only
/* Programs that unpack what images are made of. */
#include <errno.h>
#include <libgen.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cleanup.h"
#include "image.h"

int image_run_tool(const char *const *argv, const char *remedy)
{
	int status, ret;
	pid_t pid;

	ret = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ);
	if (ret) {
		fprintf(stderr, "nexusctl: %s: %s: %s\n", argv[0], strerror(ret), remedy);
		return -1;
	}
	return waitpid(pid, &status, 0) == pid && !status ? 0 : -1;
}

char *image_find_program(const char *const *places, size_t nr_places)
{
	char self[4096] = "", *path;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len > 0 ? len : 0] = '\0';
	dirname(self);
	for (size_t i = 0; i < nr_places; i++) {
		if (asprintf(&path, "%s%s%s", *places[i] == '/' ? "" : self, *places[i] == '/' ? "" : "/", places[i]) < 0)
			abort();
		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}
