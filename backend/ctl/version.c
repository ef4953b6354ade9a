// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include "../version.h"
#include "ctl.h"

int ctl_version(const struct ctl *ctl, int argc, char **argv)
{
	json_t *result;
	int ret;

	ret = ctl_no_arguments(argc, argv);
	if (!ret)
		ret = ctl_call(ctl, json_pack("{s:s}", "verb", "version"), &result);
	if (ret)
		return ret;
	json_object_set_new(result, "nexusctl", json_string(NEXUS_VERSION));
	if (!ctl_print_json(ctl, result))
		printf("nexusctl %s\nnexus-backend %s, ABI %s\n", NEXUS_VERSION,
		       json_string_value(json_object_get(result, "backend")),
		       json_string_value(json_object_get(result, "abi")));
	json_decref(result);
	return CTL_OK;
}
