// SPDX-License-Identifier: GPL-2.0-only
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "image.h"

static int umoci_unpack(const char *layout, const char *bundle)
{
	const char *const argv[] = { "umoci", "unpack", "--rootless", "--image", layout, bundle, NULL };

	if (!image_run_tool(argv, "install the Debian package umoci"))
		return 0;
	fprintf(stderr, "nexusctl: umoci cannot unpack %s\n", layout);
	return -1;
}

static void line(FILE *out, const char *option, const char *value)
{
	if (option)
		fprintf(out, "%s\n", option);
	/* An argument is a line: one with a line end of its own cannot be written so. */
	fprintf(out, "%.*s\n", (int)strcspn(value, "\n"), value);
}

/* nexus-init's arguments from the runtime's configuration that umoci made of the image's. */
static char *oci_arguments(const char *path)
{
	json_t *root = json_load_file(path, 0, NULL), *process = json_object_get(root, "process"), *value;
	const char *cwd = json_string_value(json_object_get(process, "cwd"));
	json_int_t uid = json_integer_value(json_object_get(json_object_get(process, "user"), "uid"));
	json_int_t gid = json_integer_value(json_object_get(json_object_get(process, "user"), "gid"));
	char *text = NULL, number[24];
	size_t size, i;
	FILE *out;

	if (!json_array_size(json_object_get(process, "args"))) {
		json_decref(root);
		return NULL;
	}
	out = open_memstream(&text, &size);
	json_array_foreach(json_object_get(process, "env"), i, value)
		line(out, "--env", json_string_value(value));
	if (cwd)
		line(out, "--chdir", cwd);
	/* An image that asks for root gets nexus-init's default, which is nobody special. */
	if (uid) {
		snprintf(number, sizeof(number), "%lld", (long long)uid);
		line(out, "--uid", number);
		snprintf(number, sizeof(number), "%lld", (long long)gid);
		line(out, "--gid", number);
	}
	fputs("--\n", out);
	json_array_foreach(json_object_get(process, "args"), i, value)
		line(out, NULL, json_string_value(value));
	fclose(out);
	json_decref(root);
	return text;
}

int image_unpack_oci(const char *layout, const char *directory, char **arguments)
{
	auto_free char *path = NULL;

	if (umoci_unpack(layout, directory))
		return -1;
	if (asprintf(&path, "%s/config.json", directory) < 0)
		abort();
	*arguments = oci_arguments(path);
	return 0;
}
