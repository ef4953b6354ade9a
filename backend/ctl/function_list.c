// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include "ctl.h"

static void function_print(const json_t *function)
{
	printf("%-20s %-16s %6lld MiB %9lld %8lld ms %-9s %9zu\n",
	       json_string_value(json_object_get(function, "name")),
	       json_string_value(json_object_get(function, "tenant")),
	       (long long)json_integer_value(json_object_get(function, "memory")) >> 20,
	       (long long)json_integer_value(json_object_get(function, "concurrency")),
	       (long long)json_integer_value(json_object_get(function, "timeout_ms")),
	       json_is_true(json_object_get(function, "snapshot")) ? "yes" : "no",
	       json_array_size(json_object_get(function, "instances")));
}

static int function_calls(const struct ctl *ctl, json_t **result)
{
	return ctl_call(ctl, json_pack("{s:s}", "verb", "function-list"), result);
}

int ctl_function_list(const struct ctl *ctl, int argc, char **argv)
{
	json_t *result, *function;
	size_t i;
	int ret;

	ret = ctl_no_arguments(argc, argv);
	if (!ret)
		ret = function_calls(ctl, &result);
	if (ret)
		return ret;
	if (!ctl_print_json(ctl, result)) {
		printf("%-20s %-16s %10s %9s %11s %-9s %9s\n", "FUNCTION", "TENANT", "MEMORY", "AT MOST", "TIMEOUT",
		       "SNAPSHOT", "INSTANCES");
		json_array_foreach(result, i, function)
			function_print(function);
	}
	json_decref(result);
	return CTL_OK;
}

/* All that is known of one, as JSON: there is no shorter form that says it. */
int ctl_function_show(const struct ctl *ctl, int argc, char **argv)
{
	json_t *result, *function;
	int status = CTL_REFUSED, ret;
	size_t i;

	if (argc != 1)
		return ctl_usage("function show wants one NAME");
	ret = function_calls(ctl, &result);
	if (ret)
		return ret;
	json_array_foreach(result, i, function) {
		if (strcmp(json_string_value(json_object_get(function, "name")), argv[0]))
			continue;
		json_dumpf(function, stdout, JSON_INDENT(2));
		putchar('\n');
		status = CTL_OK;
	}
	if (status)
		fprintf(stderr, "nexusctl: no function %s is configured: see nexusctl function list\n", argv[0]);
	json_decref(result);
	return status;
}
