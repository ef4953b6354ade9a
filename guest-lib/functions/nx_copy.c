// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include "nx.h"

int nx_copy(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret;

	(void)argc;
	nx->copy.bucket = argv[0];
	nx->copy.key = argv[1];
	nx->copy.version_id = nx->options.version_id;
	nx->copy.range = nx->options.range;
	nx->options.version_id = nx->options.range = NULL;
	ret = nexus_copy(nx->nexus, &nx->copy, nx->bucket, nx->key, &nx->options, &op);
	if (!ret) {
		nx_print("etag", nexus_op_etag(op));
		nx_print("last-modified", nexus_op_last_modified(op));
	}
	return nx_result(op, ret);
}
