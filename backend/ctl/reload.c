// SPDX-License-Identifier: GPL-2.0-only
#include "ctl.h"

int ctl_reload(const struct ctl *ctl, int argc, char **argv)
{
	json_t *result;
	int ret;

	ret = ctl_no_arguments(argc, argv);
	if (!ret)
		ret = ctl_call(ctl, json_pack("{s:s}", "verb", "reload"), &result);
	if (ret)
		return ret;
	ctl_print_json(ctl, result);
	json_decref(result);
	return CTL_OK;
}
