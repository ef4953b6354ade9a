// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "ctl.h"

int ctl_vm_adopt(const struct ctl *ctl, int argc, char **argv)
{
	const char *tenant = NULL, *function = NULL, *pid_text = NULL;
	long long pid;
	json_t *result;
	int ret;

	for (int i = 0; i < argc; i += 2) {
		const char **value = !strcmp(argv[i], "--pid") ? &pid_text :
				     !strcmp(argv[i], "--tenant") ? &tenant :
				     !strcmp(argv[i], "--function") ? &function : NULL;

		if (!value)
			return ctl_usage("vm adopt: unexpected argument %s", argv[i]);
		if (i + 1 == argc)
			return ctl_usage("vm adopt: %s wants a value", argv[i]);
		*value = argv[i + 1];
	}
	if (!pid_text || !tenant || !function)
		return ctl_usage("vm adopt wants --pid N --tenant NAME --function NAME");
	if (!ctl_number(pid_text, 1, INT_MAX, &pid))
		return ctl_usage("vm adopt: --pid %s is no process id", pid_text);
	ret = ctl_call(ctl, json_pack("{s:s, s:I, s:s, s:s}", "verb", "vm-adopt", "pid", (json_int_t)pid,
				      "tenant", tenant, "function", function), &result);
	if (ret)
		return ret;
	if (!ctl_print_json(ctl, result))
		printf("vm %lld\n", (long long)json_integer_value(json_object_get(result, "id")));
	json_decref(result);
	return CTL_OK;
}
