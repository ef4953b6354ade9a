// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include "ctl.h"

int ctl_vm_release(const struct ctl *ctl, int argc, char **argv)
{
	json_t *result;
	long long id;
	int ret;

	if (argc != 1)
		return ctl_usage("vm release wants one ID, as vm list shows it");
	if (!ctl_number(argv[0], 0, UINT32_MAX, &id))
		return ctl_usage("vm release: %s is no ID", argv[0]);
	ret = ctl_call(ctl, json_pack("{s:s, s:I}", "verb", "vm-release", "id", (json_int_t)id), &result);
	if (ret)
		return ret;
	ctl_print_json(ctl, result);
	json_decref(result);
	return CTL_OK;
}
