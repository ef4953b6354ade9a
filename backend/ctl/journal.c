// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "ctl.h"

static void record_print(const json_t *record)
{
	const char *bucket = json_string_value(json_object_get(record, "bucket"));
	const char *key = json_string_value(json_object_get(record, "key"));
	time_t when = json_integer_value(json_object_get(record, "time"));
	json_t *name = json_sprintf("s3://%s/%s", bucket ? bucket : "?", key ? key : "?");
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(date, sizeof(date), "%FT%TZ", &tm);
	printf("%-5lld %-20s %-16s %-16s %10lld %-24s ", (long long)json_integer_value(json_object_get(record, "id")), date,
	       json_string_value(json_object_get(record, "tenant")),
	       json_string_value(json_object_get(record, "function")),
	       (long long)json_integer_value(json_object_get(record, "bytes")),
	       json_string_value(json_object_get(record, "code")));
	/* A guest chose the key: no byte of it goes to the terminal as it is. */
	json_dumpf(name, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(name);
}

int ctl_journal_list(const struct ctl *ctl, int argc, char **argv)
{
	json_t *result, *record;
	size_t i;
	int ret;

	ret = ctl_no_arguments(argc, argv);
	if (!ret)
		ret = ctl_call(ctl, json_pack("{s:s}", "verb", "journal-list"), &result);
	if (ret)
		return ret;
	if (!ctl_print_json(ctl, result)) {
		printf("%-5s %-20s %-16s %-16s %10s %-24s %s\n", "ID", "SINCE", "TENANT", "FUNCTION", "BYTES", "REFUSED AS",
		       "OBJECT");
		json_array_foreach(result, i, record)
			record_print(record);
	}
	json_decref(result);
	return CTL_OK;
}

static int journal_order(const struct ctl *ctl, const char *verb, const char *done, int argc, char **argv)
{
	json_t *result, *call;
	long long id = 0;
	int ret;

	if (argc != 1)
		return ctl_usage("%s wants one ID, as journal list shows it, or --all", verb);
	if (strcmp(argv[0], "--all") && !ctl_number(argv[0], 1, INT64_MAX, &id))
		return ctl_usage("%s: %s is no ID", verb, argv[0]);
	call = json_pack("{s:s}", "verb", verb);
	if (id)
		json_object_set_new(call, "id", json_integer(id));
	ret = ctl_call(ctl, call, &result);
	if (ret)
		return ret;
	if (!ctl_print_json(ctl, result))
		printf("%lld %s\n", (long long)json_integer_value(json_object_get(result, "records")), done);
	json_decref(result);
	return CTL_OK;
}

int ctl_journal_retry(const struct ctl *ctl, int argc, char **argv)
{
	return journal_order(ctl, "journal-retry", "sent once more", argc, argv);
}

int ctl_journal_drop(const struct ctl *ctl, int argc, char **argv)
{
	return journal_order(ctl, "journal-drop", "removed", argc, argv);
}
