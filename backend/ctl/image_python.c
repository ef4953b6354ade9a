// SPDX-License-Identifier: GPL-2.0-only
/* A root with Python: guest-lib/python/image is the recipe, a program for it is its own. */
#include <stdio.h>
#include <stdlib.h>
#include "cleanup.h"
#include "image.h"

int image_unpack_python(const char *task, char *const *packages, size_t nr_packages, const char *directory)
{
	static const char *const places[] = {
		"../lib/nexus/python/image", "../guest-lib/python/image", "/usr/lib/nexus/python/image",
	};
	auto_free char *recipe = image_find_program(places, sizeof(places) / sizeof(places[0]));
	auto_free const char **argv = calloc(2 * nr_packages + 5, sizeof(*argv));
	size_t n = 0;

	if (!argv)
		abort();
	if (!recipe) {
		fprintf(stderr, "nexusctl: the Python shims are not installed: make -C guest-lib install\n");
		return -1;
	}
	argv[n++] = recipe;
	argv[n++] = "--task";
	argv[n++] = task;
	for (size_t i = 0; i < nr_packages; i++) {
		argv[n++] = "--package";
		argv[n++] = packages[i];
	}
	argv[n++] = directory;
	return image_run_tool(argv, "it needs bash, dpkg, tar and python3");
}
