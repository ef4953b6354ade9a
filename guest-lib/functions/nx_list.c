// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "nx.h"

static int list_print(void *arg, const struct nexus_page *page)
{
	struct nx *nx = arg;

	for (size_t i = 0; i < page->nr_objects; i++) {
		const struct nexus_object *o = &page->objects[i];

		printf("%llu %s %s %s", (unsigned long long)o->size, o->etag, o->last_modified, o->storage_class);
		if (nx->list.fetch_owner)
			printf(" %s", *o->owner_id ? o->owner_id : "-");
		printf(" %s\n", o->key);
	}
	for (size_t i = 0; i < page->nr_prefixes; i++)
		printf("prefix %s\n", page->prefixes[i]);
	return 0;
}

int nx_list(struct nx *nx, int argc, char **argv)
{
	struct nexus_page *page;
	struct nexus_op *op;
	int ret;

	if (argc > 1)
		nx->list.prefix = argv[1];
	nx->list.timeout_ms = nx->options.timeout_ms;
	if (nx->all) {
		ret = nexus_list_all(nx->nexus, argv[0], &nx->list, list_print, nx, &op);
		return nx_result(op, ret);
	}
	ret = nexus_list(nx->nexus, argv[0], &nx->list, &page, &op);
	if (!ret) {
		list_print(nx, page);
		if (page->is_truncated)
			printf("next %s\n", nx->list.v1 ? page->next_marker : page->next_token);
	}
	nexus_page_free(page);
	return nx_result(op, ret);
}
