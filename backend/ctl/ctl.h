/* SPDX-License-Identifier: GPL-2.0-only */
/* nexusctl: a file per verb; call.c talks to the daemon. */
#ifndef NEXUS_CTL_H
#define NEXUS_CTL_H

#include <jansson.h>
#include <stdbool.h>

/* Exit codes. */
enum {
	CTL_OK,
	CTL_REFUSED,		/* the daemon said no, and why */
	CTL_USAGE,
	CTL_UNREACHABLE,	/* no daemon, or no right to talk to it */
	CTL_FUNCTION_ERROR,	/* the function that was invoked failed */
};

#define CTL_FDS_MAX	2

struct ctl {
	const char *socket;
	bool json;
};

/* Takes the arguments after the verb's words. Returns an exit code. */
int ctl_vm_list(const struct ctl *ctl, int argc, char **argv);
int ctl_vm_adopt(const struct ctl *ctl, int argc, char **argv);
int ctl_vm_release(const struct ctl *ctl, int argc, char **argv);
int ctl_function_list(const struct ctl *ctl, int argc, char **argv);
int ctl_function_show(const struct ctl *ctl, int argc, char **argv);
int ctl_function_start(const struct ctl *ctl, int argc, char **argv);
int ctl_function_stop(const struct ctl *ctl, int argc, char **argv);
int ctl_function_snapshot(const struct ctl *ctl, int argc, char **argv);
int ctl_function_timeline(const struct ctl *ctl, int argc, char **argv);
int ctl_function_remove(const struct ctl *ctl, int argc, char **argv);
int ctl_function_invoke(const struct ctl *ctl, int argc, char **argv);
int ctl_function_logs(const struct ctl *ctl, int argc, char **argv);
int ctl_image_build(const struct ctl *ctl, int argc, char **argv);
int ctl_journal_list(const struct ctl *ctl, int argc, char **argv);
int ctl_journal_retry(const struct ctl *ctl, int argc, char **argv);
int ctl_journal_drop(const struct ctl *ctl, int argc, char **argv);
int ctl_reload(const struct ctl *ctl, int argc, char **argv);
int ctl_stats(const struct ctl *ctl, int argc, char **argv);
int ctl_version(const struct ctl *ctl, int argc, char **argv);

/*
 * Send the call (its reference is taken over) and wait for the answer. CTL_OK
 * with *result, which the caller releases; or another code after the reason
 * went to standard error.
 */
int ctl_call(const struct ctl *ctl, json_t *call, json_t **result);

/* The same with open files, at most CTL_FDS_MAX; they stay the caller's. */
int ctl_call_files(const struct ctl *ctl, json_t *call, const int *fds, unsigned int nr_fds, json_t **result);

/* With --json: print the result. Returns whether it did. */
bool ctl_print_json(const struct ctl *ctl, const json_t *result);

/* A usage error: prints it, returns CTL_USAGE. */
int ctl_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* CTL_USAGE unless there are no arguments. */
int ctl_no_arguments(int argc, char **argv);

/* Parse a decimal number; false if it is none, or out of [min, max]. */
bool ctl_number(const char *text, long long min, long long max, long long *number);

#endif
