// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <ftw.h>
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
	const char *python;	/* the directory that becomes /var/task; NULL: no Python */
	char **sources, **packages, **environment;	/* of the argument vector */
	int nr_sources, nr_packages, nr_environment;
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
	char places[3][64];
	const char *const list[] = { places[0], places[1], places[2] };

	snprintf(places[0], sizeof(places[0]), "../sbin/%s", name);
	snprintf(places[1], sizeof(places[1]), "../guest-lib/%s", name);
	snprintf(places[2], sizeof(places[2]), "/usr/sbin/%s", name);
	return image_find_program(list, 3);
}

static bool is_oci(const char *source)
{
	auto_free char *marker = NULL;
	size_t len = strcspn(source, ":");

	if (asprintf(&marker, "%.*s/oci-layout", (int)len, source) < 0)
		abort();
	return !access(marker, F_OK);
}

/* A new directory in bundle, a template. */
static int bundle_make(char *bundle)
{
	if (mkdtemp(bundle))
		return 0;
	fprintf(stderr, "nexusctl: %s: %s\n", bundle, strerror(errno));
	return -1;
}

static int build_add_python(struct build *build, struct image *image)
{
	char bundle[] = "/tmp/nexus-image.XXXXXX";
	auto_free char *root = NULL;
	int ret;

	if (bundle_make(bundle))
		return -1;
	if (asprintf(&root, "%s/root", bundle) < 0)
		abort();
	ret = image_unpack_python(build->python, build->packages, build->nr_packages, root);
	if (!ret)
		ret = image_add_tree(image, root);
	nftw(bundle, remove_found, 16, FTW_DEPTH | FTW_PHYS);
	return ret;
}

static int build_add_oci(struct build *build, struct image *image, const char *source)
{
	char bundle[] = "/tmp/nexus-image.XXXXXX";
	auto_free char *root = NULL, *unpacked = NULL, *arguments = NULL;
	int ret;

	if (bundle_make(bundle))
		return -1;
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
	int ret = build->python ? build_add_python(build, image) : 0;

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
	if (build->python)
		fputs("--chdir\n/var/task\n--env\nLAMBDA_TASK_ROOT=/var/task\n", out);
	for (int i = 0; i < build->nr_environment; i++)
		fprintf(out, "--env\n%s\n", build->environment[i]);
	fputs("--\n", out);
	for (char **word = build->command; *word; word++)
		fprintf(out, "%s\n", *word);
	fclose(out);
}

static int build_run(struct build *build, struct image_size *written)
{
	auto_free char *init = build->init ? strdup(build->init) : program_find("nexus-init");
	/* Python functions have a runtime of their own. */
	auto_free char *runtime = build->python ? NULL : program_find("nexus-runtime");
	struct image *image;
	int ret;

	if (!init) {
		fprintf(stderr, "nexusctl: nexus-init is not installed: name it with --init\n");
		return -1;
	}
	image = image_new(build->output);
	if (!image)
		return -1;
	/* For the arguments: the kernel makes no file without its directory. A source's own comes later. */
	ret = image_add_directory(image, "etc");
	if (!ret)
		ret = build_sources(build, image);
	build_command(build);
	/* Last: the kernel unpacks in this order, and what comes later replaces what came first. */
	if (!ret)
		ret = image_add_file(image, init, "init", 0755);
	if (!ret && runtime)
		ret = image_add_file(image, runtime, "nexus-runtime", 0755);
	if (!ret && build->arguments)
		ret = image_add_text(image, "etc/nexus-init.args", build->arguments);
	return image_close(image, !ret, written) || ret ? -1 : 0;
}

static int build_check(const struct build *build)
{
	if (!build->output || (!build->nr_sources && !build->python))
		return ctl_usage("image build wants --output FILE, and a directory, an OCI image layout or --python DIR");
	if (build->nr_packages && !build->python)
		return ctl_usage("image build: --package is for --python");
	if (build->nr_environment && !build->command)
		return ctl_usage("image build: --env is for a COMMAND");
	if (build->command && !*build->command)
		return ctl_usage("image build: no command after --");
	return CTL_OK;
}

/* The lists have room for all arguments. */
static int build_options(struct build *build, int argc, char **argv)
{
	const char *value;
	int i;

	for (i = 0; i < argc; i++) {
		value = i + 1 < argc ? argv[i + 1] : NULL;
		if (!strcmp(argv[i], "--")) {
			build->command = argv + i + 1;
			break;
		}
		if (strncmp(argv[i], "--", 2)) {
			build->sources[build->nr_sources++] = argv[i];
			continue;
		}
		if (!strcmp(argv[i], "--output") && value)
			build->output = value;
		else if (!strcmp(argv[i], "--init") && value)
			build->init = value;
		else if (!strcmp(argv[i], "--python") && value)
			build->python = value;
		else if (!strcmp(argv[i], "--package") && value)
			build->packages[build->nr_packages++] = argv[i + 1];
		else if (!strcmp(argv[i], "--env") && value && strchr(value, '='))
			build->environment[build->nr_environment++] = argv[i + 1];
		else
			return ctl_usage("image build: %s is no option, or lacks its value", argv[i]);
		i++;
	}
	return build_check(build);
}

/* MiB that a microVM needs to boot it: the image and its files at the same time, and Debian's kernel with what it takes. */
static uint64_t build_memory(const struct image_size *size)
{
	const uint64_t kernel = 80 << 20, step = 8 << 20;

	return (size->bytes + size->unpacked + kernel + step - 1) / step * step >> 20;
}

int ctl_image_build(const struct ctl *ctl, int argc, char **argv)
{
	auto_free char **lists = calloc(3 * argc + 1, sizeof(*lists));
	struct build build = { .sources = lists, .packages = lists + argc, .environment = lists + 2 * argc };
	struct image_size size;
	uint64_t memory;
	json_t *result;
	int ret;

	if (!lists)
		abort();
	ret = build_options(&build, argc, argv);
	if (ret)
		return ret;
	ret = build_run(&build, &size);
	free(build.arguments);
	if (ret)
		return CTL_REFUSED;
	memory = build_memory(&size);
	result = json_pack("{s:s, s:I, s:I, s:I}", "image", build.output, "bytes", (json_int_t)size.bytes,
			   "entries", (json_int_t)size.entries, "memory", (json_int_t)memory << 20);
	if (!ctl_print_json(ctl, result))
		printf("%s: %llu bytes, %llu entries; to boot it takes memory = %lluM or more\n", build.output,
		       (unsigned long long)size.bytes, (unsigned long long)size.entries, (unsigned long long)memory);
	json_decref(result);
	return CTL_OK;
}
