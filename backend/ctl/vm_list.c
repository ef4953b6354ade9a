// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include "ctl.h"

static long long number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static void vm_print(const json_t *vm)
{
	json_t *calls = json_object_get(vm, "hypercalls"), *value;
	long long total = 0;
	const char *key;

	json_object_foreach(calls, key, value)
		total += json_integer_value(value);
	printf("%-5lld %-8lld %-16s %-20s %-9s %8lld %9lld KiB %9lld %11lld\n", number(vm, "id"),
	       number(vm, "pid"), text(vm, "tenant"), text(vm, "function"), text(vm, "state"),
	       number(vm, "channels"), number(vm, "pinned_pages") * 4, number(vm, "requests"), total);
}

int ctl_vm_list(const struct ctl *ctl, int argc, char **argv)
{
	json_t *result, *vm;
	size_t i;
	int ret;

	ret = ctl_no_arguments(argc, argv);
	if (!ret)
		ret = ctl_call(ctl, json_pack("{s:s}", "verb", "vm-list"), &result);
	if (ret)
		return ret;
	if (!ctl_print_json(ctl, result)) {
		printf("%-5s %-8s %-16s %-20s %-9s %8s %13s %9s %11s\n", "ID", "PID", "TENANT", "FUNCTION",
		       "STATE", "CHANNELS", "PINNED", "REQUESTS", "HYPERCALLS");
		json_array_foreach(result, i, vm)
			vm_print(vm);
	}
	json_decref(result);
	return CTL_OK;
}
