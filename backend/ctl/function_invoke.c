// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../cleanup.h"
#include "ctl.h"

#define PAYLOAD_MAX	(6U << 20)	/* bytes: Lambda's limit, and the daemon's */

struct invoke {
	const char *name, *payload;
	bool async, log;
};

static int invoke_options(struct invoke *invoke, int argc, char **argv)
{
	static const struct option options[] = {
		{ "payload", required_argument, NULL, 'p' },
		{ "async", no_argument, NULL, 'a' },
		{ "log", no_argument, NULL, 'l' },
		{ 0 },
	};
	int option;

	opterr = 0;
	/* getopt() begins at argv[1]: the verb's last word stands before our arguments. */
	while ((option = getopt_long(argc + 1, argv - 1, "", options, NULL)) != -1) {
		if (option == 'p')
			invoke->payload = optarg;
		else if (option == 'a')
			invoke->async = true;
		else if (option == 'l')
			invoke->log = true;
		else
			return ctl_usage("function invoke: %s is no option of it, or wants a value", argv[optind - 2]);
	}
	if (optind != argc)
		return ctl_usage("function invoke wants one NAME, as function list shows it");
	invoke->name = argv[optind - 1];
	if (invoke->async && invoke->log)
		return ctl_usage("function invoke: --log wants the end of the call, which --async does not wait for");
	return CTL_OK;
}

static int invoke_fail(const char *what, int err)
{
	fprintf(stderr, "nexusctl: %s: %s\n", what, strerror(err));
	return CTL_REFUSED;
}

/* A little more than the daemon takes: it says what is too much. */
static int copy(int from, int to)
{
	size_t left = PAYLOAD_MAX + 1;
	char buffer[65536];
	ssize_t n = 0;

	while (left && (n = read(from, buffer, left < sizeof(buffer) ? left : sizeof(buffer))) > 0) {
		if (write(to, buffer, n) != n)
			return -errno;
		left -= n;
	}
	return n < 0 ? -errno : 0;
}

/* The daemon reads a file of its own kind, whatever the user's is. */
static int payload_load(const struct invoke *invoke, int to)
{
	bool input = invoke->payload && !strcmp(invoke->payload, "-");
	auto_close int from = -1;
	int ret;

	if (!invoke->payload)
		return CTL_OK;
	if (!input) {
		from = open(invoke->payload, O_RDONLY | O_CLOEXEC);
		if (from < 0)
			return invoke_fail(invoke->payload, errno);
	}
	ret = copy(input ? STDIN_FILENO : from, to);
	return ret ? invoke_fail(invoke->payload, -ret) : CTL_OK;
}

/* An object like the daemon's, with what the files hold; an answer that is no JSON is a string, or null if it is no text. */
static void print_json(json_t *result, const char *answer, size_t len, const char *log, size_t log_len)
{
	json_t *parsed = json_loadb(answer, len, JSON_DECODE_ANY, NULL);

	if (!parsed)
		parsed = json_stringn(answer, len);
	json_object_set_new(result, "answer", parsed ? parsed : json_null());
	if (log_len) {
		parsed = json_stringn(log, log_len);
		json_object_set_new(result, "log", parsed ? parsed : json_null());
	}
}

static int invoke_print(const struct ctl *ctl, const struct invoke *invoke, json_t *result, int fd)
{
	size_t len = json_integer_value(json_object_get(result, "answer_bytes"));
	size_t log_len = json_integer_value(json_object_get(result, "log_bytes"));
	char *map = len + log_len ? mmap(NULL, len + log_len, PROT_READ, MAP_PRIVATE, fd, 0) : "";
	bool error = json_is_true(json_object_get(result, "error"));

	if (map == MAP_FAILED)
		return invoke_fail("the answer", errno);
	if (ctl->json) {
		print_json(result, map, len, map + len, log_len);
		ctl_print_json(ctl, result);
	} else {
		fwrite(map + len, 1, log_len, stderr);
		fwrite(map, 1, len, stdout);
		if (isatty(STDOUT_FILENO))
			putchar('\n');
	}
	if (fflush(stdout))
		return invoke_fail("standard output", errno);
	if (!error)
		return CTL_OK;
	fprintf(stderr, "nexusctl: function %s failed, request %s\n", invoke->name,
		json_string_value(json_object_get(result, "request_id")));
	return CTL_FUNCTION_ERROR;
}

int ctl_function_invoke(const struct ctl *ctl, int argc, char **argv)
{
	auto_close int payload = memfd_create("payload", MFD_CLOEXEC), answer = memfd_create("answer", MFD_CLOEXEC);
	struct invoke invoke = { 0 };
	json_t *result;
	int ret;

	ret = invoke_options(&invoke, argc, argv);
	if (ret)
		return ret;
	if (payload < 0 || answer < 0)
		return invoke_fail("memory for the payload", errno);
	ret = payload_load(&invoke, payload);
	if (ret)
		return ret;
	ret = ctl_call_files(ctl, json_pack("{s:s, s:s, s:b, s:b}", "verb", "function-invoke", "function", invoke.name,
					    "async", invoke.async, "log", invoke.log),
			     (int[]){ payload, answer }, 2, &result);
	if (ret)
		return ret;
	ret = invoke_print(ctl, &invoke, result, answer);
	json_decref(result);
	return ret;
}
