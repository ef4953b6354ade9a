// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cleanup.h"
#include "ctl.h"
#include "image.h"

struct build {
	const char *output, *init;
	char **sources;
	int nr_sources;
	char **command;		/* NULL-terminated; NULL: the sources say it */
	char *arguments;	/* for /etc/nexus-init.args */
};

static int remove_found(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* nexus-init or nexus-runtime where this program is installed, or where it was built; NULL: nowhere. */
static char *program_find(const char *name)
{
	static const char *const places[] = { "../sbin", "../guest-lib", "/usr/sbin" };
	char self[4096] = "", *path;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len > 0 ? len : 0] = '\0';
	dirname(self);
	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (asprintf(&path, "%s%s%s/%s", *places[i] == '/' ? "" : self, *places[i] == '/' ? "" : "/", places[i],
			     name) < 0)
			abort();
		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}

static bool is_oci(const char *source)
{
	auto_free char *marker = NULL;
	size_t len = strcspn(source, ":");

	if (asprintf(&marker, "%.*s/oci-layout", (int)len, source) < 0)
		abort();
	return !access(marker, F_OK);
}

static int build_add_oci(struct build *build, struct image *image, const char *source)
{
	char bundle[] = "/tmp/nexus-image.XXXXXX";
	auto_free char *root = NULL, *unpacked = NULL, *arguments = NULL;
	int ret;

	if (!mkdtemp(bundle)) {
		fprintf(stderr, "nexusctl: %s: %s\n", bundle, strerror(errno));
		return -1;
	}
	if (asprintf(&unpacked, "%s/bundle", bundle) < 0 || asprintf(&root, "%s/rootfs", unpacked) < 0)
		abort();
	ret = image_unpack_oci(source, unpacked, &arguments);
	if (!ret)
		ret = image_add_tree(image, root);
	nftw(bundle, remove_found, 16, FTW_DEPTH | FTW_PHYS);
	if (arguments) {
		free(build->arguments);
		build->arguments = take_ptr(arguments);
	}
	return ret;
}

static int build_sources(struct build *build, struct image *image)
{
	int ret = 0;

	for (int i = 0; i < build->nr_sources && !ret; i++) {
		if (is_oci(build->sources[i]))
			ret = build_add_oci(build, image, build->sources[i]);
		else
			ret = image_add_tree(image, build->sources[i]);
	}
	return ret;
}

static void build_command(struct build *build)
{
	size_t size;
	FILE *out;

	if (!build->command)
		return;
	free(build->arguments);
	out = open_memstream(&build->arguments, &size);
	fputs("--\n", out);
	for (char **word = build->command; *word; word++)
		fprintf(out, "%s\n", *word);
	fclose(out);
}

static int build_run(struct build *build, uint64_t *bytes, uint64_t *entries)
{
	auto_free char *init = build->init ? strdup(build->init) : program_find("nexus-init");
	auto_free char *runtime = program_find("nexus-runtime");
	struct image *image;
	int ret;

	if (!init) {
		fprintf(stderr, "nexusctl: nexus-init is not installed: name it with --init\n");
		return -1;
	}
	image = image_new(build->output);
	if (!image)
		return -1;
	ret = build_sources(build, image);
	build_command(build);
	/* Last: the kernel unpacks in this order, and what comes later replaces what came first. */
	if (!ret)
		ret = image_add_file(image, init, "init", 0755);
	if (!ret && runtime)
		ret = image_add_file(image, runtime, "nexus-runtime", 0755);
	if (!ret && build->arguments)
		ret = image_add_text(image, "etc/nexus-init.args", build->arguments);
	return image_close(image, !ret, bytes, entries) || ret ? -1 : 0;
}

static int build_options(struct build *build, int argc, char **argv)
{
	int i;

	build->sources = argv;
	for (i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			build->command = argv + i + 1;
			break;
		}
		if (strncmp(argv[i], "--", 2))
			build->sources[build->nr_sources++] = argv[i];
		else if (!strcmp(argv[i], "--output") && i + 1 < argc)
			build->output = argv[++i];
		else if (!strcmp(argv[i], "--init") && i + 1 < argc)
			build->init = argv[++i];
		else
			return ctl_usage("image build: %s is no option, or lacks its value", argv[i]);
	}
	if (!build->output || !build->nr_sources)
		return ctl_usage("image build wants --output FILE and a directory or an OCI image layout");
	if (build->command && !*build->command)
		return ctl_usage("image build: no command after --");
	return CTL_OK;
}

int ctl_image_build(const struct ctl *ctl, int argc, char **argv)
{
	struct build build = { 0 };
	uint64_t bytes, entries;
	json_t *result;
	int ret;

	ret = build_options(&build, argc, argv);
	if (ret)
		return ret;
	ret = build_run(&build, &bytes, &entries);
	free(build.arguments);
	if (ret)
		return CTL_REFUSED;
	result = json_pack("{s:s, s:I, s:I}", "image", build.output, "bytes", (json_int_t)bytes,
			   "entries", (json_int_t)entries);
	if (!ctl_print_json(ctl, result))
		printf("%s: %llu bytes, %llu entries\n", build.output, (unsigned long long)bytes,
		       (unsigned long long)entries);
	json_decref(result);
	return CTL_OK;
}
