// SPDX-License-Identifier: GPL-2.0-only
/* The verbs that name a function and no more: start, stop, snapshot, remove. */
#include <stdio.h>
#include "ctl.h"

static int function_call(const struct ctl *ctl, const char *word, const char *verb, int argc, char **argv)
{
	json_t *result;
	int ret;

	if (argc != 1)
		return ctl_usage("function %s wants one NAME, as function list shows it", word);
	ret = ctl_call(ctl, json_pack("{s:s, s:s}", "verb", verb, "function", argv[0]), &result);
	if (ret)
		return ret;
	ctl_print_json(ctl, result);
	json_decref(result);
	return CTL_OK;
}

int ctl_function_start(const struct ctl *ctl, int argc, char **argv)
{
	return function_call(ctl, "start", "function-start", argc, argv);
}

int ctl_function_stop(const struct ctl *ctl, int argc, char **argv)
{
	return function_call(ctl, "stop", "function-stop", argc, argv);
}

int ctl_function_snapshot(const struct ctl *ctl, int argc, char **argv)
{
	return function_call(ctl, "snapshot", "function-snapshot", argc, argv);
}

int ctl_function_remove(const struct ctl *ctl, int argc, char **argv)
{
	return function_call(ctl, "remove", "function-remove", argc, argv);
}
