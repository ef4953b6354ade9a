// SPDX-License-Identifier: GPL-2.0-only
/* What functions printed, as nexus-backend has written it into the journal (function_log.c). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include "../cleanup.h"
#include "ctl.h"

#define LINES_DEFAULT	100
#define LINES_MAX	1000000000

struct logs {
	const char *name;
	long long lines;	/* the last ones */
	bool follow;
};

static void journal_close(sd_journal **journal)
{
	sd_journal_close(*journal);
}

static int logs_options(struct logs *logs, int argc, char **argv)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' },
		{ 0 },
	};
	int option;

	opterr = 0;
	/* getopt() begins at argv[1]: the verb's last word stands before our arguments. */
	while ((option = getopt_long(argc + 1, argv - 1, "fn:", options, NULL)) != -1) {
		if (option == 'f')
			logs->follow = true;
		else if (option != 'n')
			return ctl_usage("function logs: %s is no option of it, or wants a value", argv[optind - 2]);
		else if (!ctl_number(optarg, 0, LINES_MAX, &logs->lines))
			return ctl_usage("function logs: -n %s is no number of lines", optarg);
	}
	if (optind != argc)
		return ctl_usage("function logs wants one NAME, as function list shows it");
	logs->name = argv[optind - 1];
	return CTL_OK;
}

static int logs_fail(const char *what, int ret)
{
	fprintf(stderr, "nexusctl: %s: %s\n", what, strerror(-ret));
	return CTL_REFUSED;
}

static int logs_open(const struct logs *logs, sd_journal **journal)
{
	auto_free char *match = NULL;
	int ret = sd_journal_open(journal, 0);

	if (ret)
		return logs_fail("the journal", ret);
	if (sd_journal_has_runtime_files(*journal) <= 0 && sd_journal_has_persistent_files(*journal) <= 0) {
		fprintf(stderr, "nexusctl: there is no journal here that you may read: run as root or in the group "
			"systemd-journal; without journald, what functions print is in nexus-backend's standard error\n");
		return CTL_REFUSED;
	}
	if (asprintf(&match, "NEXUS_FUNCTION=%s", logs->name) < 0)
		abort();
	ret = sd_journal_add_match(*journal, match, 0);
	return ret < 0 ? logs_fail("the journal", ret) : CTL_OK;
}

/* ---- an entry ---- */

/* A field becomes the object's, if it is there and text. */
static void entry_field(sd_journal *journal, const char *name, json_t *object, const char *key)
{
	size_t prefix = strlen(name) + 1, len;
	const void *data;
	json_t *text;

	if (sd_journal_get_data(journal, name, &data, &len) || len < prefix)
		return;
	text = json_stringn((const char *)data + prefix, len - prefix);
	if (text)
		json_object_set_new(object, key, text);
}

static void entry_print(const struct ctl *ctl, sd_journal *journal)
{
	char when[32] = "", zone[8] = "";
	uint64_t usec = 0;
	time_t seconds;
	struct tm tm;
	json_t *object;

	sd_journal_get_realtime_usec(journal, &usec);
	seconds = usec / 1000000;
	localtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);

	object = json_pack("{s:o}", "time", json_sprintf("%s.%06u%s", when, (unsigned int)(usec % 1000000), zone));
	entry_field(journal, "NEXUS_TENANT", object, "tenant");
	entry_field(journal, "PRIORITY", object, "priority");
	entry_field(journal, "NEXUS_REQUEST_ID", object, "request_id");
	entry_field(journal, "MESSAGE", object, "message");
	if (ctl->json) {
		json_dumpf(object, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		const char *id = json_string_value(json_object_get(object, "request_id"));
		const char *message = json_string_value(json_object_get(object, "message"));

		printf("%s %s %s\n", json_string_value(json_object_get(object, "time")), id ? id : "-",
		       message ? message : "(no text)");
	}
	json_decref(object);
}

/* ---- all of them ---- */

/* Those that are there. 1 if there were any, 0, or -errno. */
static int logs_print(const struct ctl *ctl, sd_journal *journal)
{
	int ret, any = 0;

	while ((ret = sd_journal_next(journal)) > 0) {
		any = 1;
		entry_print(ctl, journal);
	}
	fflush(stdout);
	return ret < 0 ? ret : any;
}

/* Ends by a signal, or with its reader. */
static int logs_follow(const struct ctl *ctl, sd_journal *journal)
{
	int ret;

	do {
		ret = sd_journal_wait(journal, (uint64_t)-1);
		if (ret >= 0)
			ret = logs_print(ctl, journal);
	} while (ret >= 0 && !ferror(stdout));
	return ret < 0 ? logs_fail("the journal", ret) : CTL_OK;
}

int ctl_function_logs(const struct ctl *ctl, int argc, char **argv)
{
	__attribute__((cleanup(journal_close))) sd_journal *journal = NULL;
	struct logs logs = { .lines = LINES_DEFAULT };
	int ret = logs_options(&logs, argc, argv);

	if (!ret)
		ret = logs_open(&logs, &journal);
	if (ret)
		return ret;
	ret = sd_journal_seek_tail(journal);
	/* One more than wanted: the next step forward is to the first of them. */
	if (!ret)
		ret = sd_journal_previous_skip(journal, logs.lines + 1);
	/* There are fewer. */
	if (ret >= 0 && ret <= logs.lines)
		ret = sd_journal_seek_head(journal);
	if (ret >= 0)
		ret = logs_print(ctl, journal);
	if (ret < 0)
		return logs_fail("the journal", ret);
	if (!ret && !logs.follow)
		fprintf(stderr, "nexusctl: the journal holds no line of function %s\n", logs.name);
	return logs.follow ? logs_follow(ctl, journal) : CTL_OK;
}
