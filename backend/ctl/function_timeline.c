// SPDX-License-Identifier: GPL-2.0-only
/* When what happened in a function's last invocations. */
#include <stdio.h>
#include "ctl.h"

static double milliseconds(const json_t *moments, const char *name)
{
	return json_integer_value(json_object_get(moments, name)) / 1000.0;
}

static void timeline_print(const json_t *invocation)
{
	const json_t *moments = json_object_get(invocation, "moments"), *start = json_object_get(invocation, "start");
	const json_t *fetches = json_object_get(invocation, "fetches"), *fetch;
	size_t i;

	printf("%s %s, %s: taken at %.1f ms, ended at %.1f ms\n", json_string_value(json_object_get(invocation, "id")),
	       json_string_value(json_object_get(invocation, "end")),
	       json_is_true(json_object_get(invocation, "cold")) ? "cold" : "warm",
	       milliseconds(moments, "taken"), milliseconds(moments, "ended"));
	if (start)
		printf("    %s%s: VM at %.1f ms, adopted %.1f, ran %.1f; %.1f ms of it while something was fetched\n",
		       json_is_true(json_object_get(start, "restored")) ? "clone" : "boot",
		       json_is_true(json_object_get(start, "pooled")) ? " of a started VMM" : "",
		       milliseconds(start, "ready"), milliseconds(start, "adopted"), milliseconds(start, "running"),
		       milliseconds(start, "overlap"));
	json_array_foreach(fetches, i, fetch)
		printf("    %s: %lld bytes from %.1f to %.1f ms%s\n", json_string_value(json_object_get(fetch, "object")),
		       (long long)json_integer_value(json_object_get(fetch, "bytes")), milliseconds(fetch, "started"),
		       milliseconds(fetch, "finished"),
		       json_integer_value(json_object_get(fetch, "status")) ? ", in vain" : "");
}

int ctl_function_timeline(const struct ctl *ctl, int argc, char **argv)
{
	json_t *result, *invocation;
	size_t i;
	int ret;

	if (argc != 1)
		return ctl_usage("function timeline wants one NAME, as function list shows it");
	ret = ctl_call(ctl, json_pack("{s:s, s:s}", "verb", "function-timeline", "function", argv[0]), &result);
	if (ret)
		return ret;
	if (!ctl_print_json(ctl, result)) {
		json_array_foreach(result, i, invocation)
			timeline_print(invocation);
	}
	json_decref(result);
	return CTL_OK;
}
