// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include "ctl.h"

int ctl_stats(const struct ctl *ctl, int argc, char **argv)
{
	json_t *result, *workers, *worker, *total;
	const char *name;
	size_t i;
	int ret;

	ret = ctl_no_arguments(argc, argv);
	if (!ret)
		ret = ctl_call(ctl, json_pack("{s:s}", "verb", "stats"), &result);
	if (ret)
		return ret;
	if (ctl_print_json(ctl, result)) {
		json_decref(result);
		return CTL_OK;
	}
	workers = json_object_get(result, "workers");
	printf("%-20s %14s", "", "TOTAL");
	for (i = 0; i < json_array_size(workers); i++)
		printf("  %11s%-3zu", "WORKER", i);
	json_object_foreach(json_object_get(result, "totals"), name, total) {
		printf("\n%-20s %14lld", name, (long long)json_integer_value(total));
		json_array_foreach(workers, i, worker)
			printf("  %14lld", (long long)json_integer_value(json_object_get(worker, name)));
	}
	printf("\n%-20s %14zu\n%-20s %14lld\n", "vms", json_array_size(json_object_get(result, "vms")),
	       "connections", (long long)json_integer_value(json_object_get(result, "connections")));
	json_object_foreach(json_object_get(result, "journal"), name, total)
		printf("journal_%-12s %14lld\n", name, (long long)json_integer_value(total));
	json_decref(result);
	return CTL_OK;
}
