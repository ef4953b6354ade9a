// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../cleanup.h"
#include "nx.h"

static int multipart_create(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret = nexus_multipart_create(nx->nexus, argv[0], argv[1], &nx->options, &op);

	(void)argc;
	if (!ret)
		nx_print("upload", nexus_op_upload_id(op));
	return nx_result(op, ret);
}

static int multipart_part(struct nx *nx, int argc, char **argv)
{
	uint64_t number, total = nx->size;
	struct sum sum = { 0 };
	autoclose int fd = -1;
	struct nexus_op *op;
	int ret;

	if (nx_number(argv[3], &number) || number > UINT32_MAX)
		return nx_usage("'%s' is no part's number", argv[3]);
	if (!nx->generated) {
		if (argc < 5)
			return nx_usage("%s", "a part wants a FILE, or --size and --pattern");
		ret = nx_open(argv[4], &fd, &total);
		if (ret)
			return ret;
	}
	op = nexus_multipart_part_stream(nx->nexus, argv[0], argv[1], argv[2], number, total, &nx->options);
	ret = op ? nx_send(nx, op, fd, total, &sum) : -ENOMEM;
	if (!ret)
		nx_print("etag", nexus_op_etag(op));
	return nx_result(op, ret);
}

static int multipart_complete(struct nx *nx, int argc, char **argv)
{
	size_t nr = argc - 3;
	autofree struct nexus_part *parts = calloc(nr + 1, sizeof(*parts));
	struct nexus_op *op;
	char *etag;
	int ret;

	if (!parts)
		return nx_fail("NexusInternal", "out of memory", -ENOMEM);
	for (size_t i = 0; i < nr; i++) {
		parts[i].number = strtoul(argv[i + 3], &etag, 10);
		if (*etag != '=')
			return nx_usage("'%s' is not of the form NUMBER=ETAG", argv[i + 3]);
		parts[i].etag = etag + 1;
	}
	ret = nexus_multipart_complete(nx->nexus, argv[0], argv[1], argv[2], parts, nr, &nx->options, &op);
	if (!ret)
		nx_print("etag", nexus_op_etag(op));
	return nx_result(op, ret);
}

static int multipart_abort(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret = nexus_multipart_abort(nx->nexus, argv[0], argv[1], argv[2], &nx->options, &op);

	(void)argc;
	return nx_result(op, ret);
}

int nx_multipart(struct nx *nx, int argc, char **argv)
{
	static const struct {
		const char *name;
		int min;	/* arguments behind it */
		int (*run)(struct nx *nx, int argc, char **argv);
	} verbs[] = {
		{ "create", 2, multipart_create },
		{ "part", 4, multipart_part },
		{ "complete", 3, multipart_complete },
		{ "abort", 3, multipart_abort },
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(argv[0], verbs[i].name) && argc - 1 >= verbs[i].min)
			return verbs[i].run(nx, argc - 1, argv + 1);
	}
	return nx_usage("multipart '%s': no such verb, or too few arguments", argv[0]);
}
