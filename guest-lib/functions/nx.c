// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* nx: objects from the command line, through libnexus-guest. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../cleanup.h"
#include "nx.h"
#include "sum.h"

int nx_usage(const char *fmt, const char *value)
{
	fprintf(stderr, "nx: ");
	fprintf(stderr, fmt, value);
	fprintf(stderr, "; see nx --help\n");
	return EXIT_USAGE;
}

int nx_fail(const char *code, const char *message, int err)
{
	const char *name = strerrorname_np(-err);

	fprintf(stderr, "nx: %s: %s (%s)\n", code, message, name ? name : "?");
	return EXIT_FAILURE;
}

int nx_result(struct nexus_op *op, int status)
{
	int ret = EXIT_SUCCESS;

	if (status < 0)
		ret = op ? nx_fail(nexus_op_error_code(op), nexus_op_error_message(op), status)
			 : nx_fail("NexusInternal", strerror(-status), status);
	nexus_op_free(op);
	return ret;
}

void nx_print(const char *name, const char *value)
{
	if (*value)
		printf("%s: %s\n", name, value);
}

void nx_print_headers(const struct nexus_op *op)
{
	const char *name, *value;

	printf("status: %u\n", nexus_op_http_status(op));
	nx_print("request-id", nexus_op_request_id(op));
	nx_print("url", nexus_op_url(op));
	for (size_t i = 0; !nexus_op_header_at(op, i, &name, &value); i++)
		printf("header-%s: %s\n", name, value);
}

static int nx_flush(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret = nexus_flush(nx->nexus, NULL, &op);

	(void)argc;
	(void)argv;
	return nx_result(op, ret);
}

static int nx_null(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret = nexus_null(nx->nexus, &nx->options, &op);

	(void)argc;
	(void)argv;
	return nx_result(op, ret);
}

static uint64_t nx_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Warm synchronous GETs into an arena buffer: what they cost beside the first. */
static int nx_bench(struct nx *nx, int argc, char **argv)
{
	struct nexus_info before = NEXUS_INFO_INIT, after = NEXUS_INFO_INIT;
	uint64_t start, ns, bytes = 0;
	struct nexus_op *op;
	size_t count, cap;
	char *end, *buf;
	ssize_t n;

	count = argc ? strtoul(argv[0], &end, 10) : 0;
	if (!count || *end)
		return nx_usage("bench get wants a number of calls, not '%s'", argc ? argv[0] : "");
	n = nexus_head(nx->nexus, nx->bucket, nx->key, NULL, &op);
	if (n < 0)
		return nx_result(op, n);
	cap = nexus_op_content_length(op);
	nexus_op_free(op);
	buf = nexus_alloc(nx->nexus, cap ? cap : 1);
	if (!buf)
		return nx_fail("NexusGuestArena", "no room for the object", -errno);
	n = nexus_get(nx->nexus, nx->bucket, nx->key, buf, cap, &nx->options, &op);
	if (n < 0)
		return nx_result(op, n);
	nexus_op_free(op);
	nexus_info(nx->nexus, &before);
	start = nx_now();
	for (size_t i = 0; i < count; i++) {
		n = nexus_get(nx->nexus, nx->bucket, nx->key, buf, cap, &nx->options, &op);
		if (n < 0)
			return nx_result(op, n);
		bytes += n;
		nexus_op_free(op);
	}
	ns = nx_now() - start;
	nexus_info(nx->nexus, &after);
	printf("calls=%zu bytes=%llu kicks=%llu waits=%llu copied=%llu ns_per_call=%llu\n", count,
	       (unsigned long long)bytes, (unsigned long long)(after.kicks - before.kicks),
	       (unsigned long long)(after.waits - before.waits),
	       (unsigned long long)(after.copied - before.copied), (unsigned long long)(ns / count));
	nexus_free(nx->nexus, buf);
	return EXIT_SUCCESS;
}

static int nx_probe(void)
{
	uint32_t version;
	int ret = nexus_probe(&version);

	if (ret == -ENXIO)
		return nx_fail("NexusNoHost", "not a KVM guest", ret);
	if (ret)
		return nx_fail("NexusNoHost", "no Nexus host: this KVM host does not have nexus_kvm loaded", ret);
	printf("abi=%u.%u\n", version >> 16, version & 0xffff);
	return EXIT_SUCCESS;
}

static const struct verb {
	const char *name;
	int min, max;		/* arguments behind the verb */
	bool object;		/* the first two are BUCKET and KEY */
	int (*run)(struct nx *nx, int argc, char **argv);
} verbs[] = {
	{ "get", 2, 3, true, nx_get },
	{ "put", 2, 3, true, nx_put },
	{ "head", 2, 2, true, nx_head },
	{ "delete", 2, 2, true, nx_delete },
	{ "delete-many", 2, 1001, false, nx_delete_many },
	{ "copy", 4, 4, true, nx_copy },
	{ "list", 1, 2, false, nx_list },
	{ "multipart", 3, 10004, false, nx_multipart },
	{ "http", 2, 3, false, nx_http },
	{ "aws", 3, 4, false, nx_aws },
	{ "flush", 0, 0, false, nx_flush },
	{ "null", 0, 0, false, nx_null },
	{ "bench", 4, 4, true, nx_bench },
};

static void nx_print_stats(struct nexus *nexus)
{
	struct nexus_info i = NEXUS_INFO_INIT;

	nexus_info(nexus, &i);
	fprintf(stderr, "transport=%s host=%u.%u slots=%u arena=%llu requests=%llu kicks=%llu waits=%llu resizes=%llu copied=%llu\n",
		i.transport, i.host_version >> 16, i.host_version & 0xffff, i.slots, (unsigned long long)i.arena_size,
		(unsigned long long)i.requests, (unsigned long long)i.kicks, (unsigned long long)i.waits,
		(unsigned long long)i.resizes, (unsigned long long)i.copied);
}

static int nx_run(struct nx *nx, const struct verb *verb, int argc, char **argv)
{
	int ret;

	if (verb->object) {
		nx->bucket = argv[0];
		if (nx_key(nx, argv[1]))
			return nx_usage("bad key '%s'", argv[1]);
		argc -= 2;
		argv += 2;
	}
	ret = nexus_open(&nx->nexus, nx->target);
	if (ret)
		return nx_fail("NexusNoHost", nexus_open_error(), ret);
	ret = verb->run(nx, argc, argv);
	if (nx->stats)
		nx_print_stats(nx->nexus);
	nexus_close(nx->nexus);
	return ret;
}

int main(int argc, char **argv)
{
	struct nx nx = {
		.options = NEXUS_OPTIONS_INIT, .list = NEXUS_LIST_OPTIONS_INIT, .copy = NEXUS_COPY_INIT,
		.http = NEXUS_HTTP_INIT,
	};
	const char *name;
	int ret = nx_options(&nx, argc, argv);

	if (ret >= 0)
		return ret;
	argc -= optind;
	argv += optind;
	if (!argc)
		return nx_usage("%s", "what is to be done?");
	name = argv[0];
	if (!strcmp(name, "probe") && argc == 1)
		return nx_probe();
	for (const struct verb *v = verbs; v < verbs + sizeof(verbs) / sizeof(verbs[0]); v++) {
		if (strcmp(name, v->name))
			continue;
		if (argc - 1 < v->min || argc - 1 > v->max)
			return nx_usage("wrong number of arguments for %s", name);
		if (v->run == nx_bench) {
			if (strcmp(argv[1], "get"))
				return nx_usage("bench knows 'get', not '%s'", argv[1]);
			argc--;
			argv++;
		}
		return nx_run(&nx, v, argc - 1, argv + 1);
	}
	return nx_usage("there is no '%s'", name);
}
