// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "../cleanup.h"
#include "nx.h"

int nx_delete_many(struct nx *nx, int argc, char **argv)
{
	autofree struct nexus_object_id *objects = calloc(argc, sizeof(*objects));
	struct nexus_deletion *deletion;
	struct nexus_op *op;
	size_t failed;
	int ret;

	if (!objects)
		return nx_fail("NexusInternal", "out of memory", -ENOMEM);
	for (int i = 1; i < argc; i++)
		objects[i - 1].key = argv[i];
	ret = nexus_delete_objects(nx->nexus, argv[0], objects, argc - 1, nx->quiet, &nx->options, &deletion, &op);
	if (ret)
		return nx_result(op, ret);
	for (size_t i = 0; i < deletion->nr_deleted; i++)
		printf("deleted %s\n", deletion->deleted[i].key);
	for (size_t i = 0; i < deletion->nr_errors; i++)
		fprintf(stderr, "nx: %s: %s: %s\n", deletion->errors[i].code, deletion->errors[i].key,
			deletion->errors[i].message);
	failed = deletion->nr_errors;
	nexus_deletion_free(deletion);
	nexus_op_free(op);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
