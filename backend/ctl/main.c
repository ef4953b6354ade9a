// SPDX-License-Identifier: GPL-2.0-only
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"

static const char usage[] =
	"Usage: nexusctl [OPTION]... VERB [ARGUMENT]...\n"
	"Ask nexus-backend, and tell it what to do.\n"
	"\n"
	"  vm list                                        adopted VMs and their counters\n"
	"  vm adopt --pid N --tenant NAME --function NAME let the VM of this VMM use Nexus\n"
	"  vm release ID                                  take that back\n"
	"  function list                                  functions, and what runs them\n"
	"  function show NAME                             all of one of them\n"
	"  function start NAME                            start one more instance\n"
	"  function stop NAME                             end its instances\n"
	"  function timeline NAME                         when what happened in its last invocations\n"
	"  function snapshot NAME                         take its snapshot: later instances are clones\n"
	"  function remove NAME                           remove the snapshot\n"
	"  function invoke NAME [--payload FILE|-] [--async] [--log]\n"
	"                                                 call it; its answer goes to standard output\n"
	"  function logs NAME [--follow] [-n N]           what it printed, from the journal\n"
	"  image build --output FILE [--init PATH] [--env NAME=VALUE]... SOURCE... [-- COMMAND...]\n"
	"                                                 an image of directories, or of an OCI image layout;\n"
	"                                                 --python DIR [--package NAME]...: of a function in Python\n"
	"  journal list                                   journaled writes that the store refused\n"
	"  journal retry ID|--all                         send them to the store once more\n"
	"  journal drop ID|--all                          remove them: they are lost\n"
	"  reload                                         read the configuration again\n"
	"  stats                                          counters of the daemon\n"
	"  version                                        versions of client and daemon\n"
	"\n"
	"  --control PATH   the daemon's socket (default: $NEXUS_CONTROL, or\n"
	"                   /run/nexus/control.sock)\n"
	"  --json           print JSON\n"
	"  --all            every record (journal retry, journal drop)\n"
	"  --help           print this and exit\n"
	"\n"
	"Exit status: 0 done, 1 the daemon refused, 2 wrong usage, 3 no daemon reached,\n"
	"4 the function that was invoked failed.\n"
	"See nexusctl(1).\n";

static const struct {
	const char *words[2];
	int (*run)(const struct ctl *ctl, int argc, char **argv);
} verbs[] = {
	{ { "vm", "list" }, ctl_vm_list },
	{ { "vm", "adopt" }, ctl_vm_adopt },
	{ { "vm", "release" }, ctl_vm_release },
	{ { "function", "list" }, ctl_function_list },
	{ { "function", "show" }, ctl_function_show },
	{ { "function", "start" }, ctl_function_start },
	{ { "function", "stop" }, ctl_function_stop },
	{ { "function", "timeline" }, ctl_function_timeline },
	{ { "function", "snapshot" }, ctl_function_snapshot },
	{ { "function", "remove" }, ctl_function_remove },
	{ { "function", "invoke" }, ctl_function_invoke },
	{ { "function", "logs" }, ctl_function_logs },
	{ { "image", "build" }, ctl_image_build },
	{ { "journal", "list" }, ctl_journal_list },
	{ { "journal", "retry" }, ctl_journal_retry },
	{ { "journal", "drop" }, ctl_journal_drop },
	{ { "reload", NULL }, ctl_reload },
	{ { "stats", NULL }, ctl_stats },
	{ { "version", NULL }, ctl_version },
};

int ctl_usage(const char *fmt, ...)
{
	va_list args;

	fputs("nexusctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputs("\nTry nexusctl --help\n", stderr);
	return CTL_USAGE;
}

int ctl_no_arguments(int argc, char **argv)
{
	return argc ? ctl_usage("unexpected argument %s", argv[0]) : CTL_OK;
}

bool ctl_number(const char *text, long long min, long long max, long long *number)
{
	char *end;

	*number = strtoll(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *number >= min && *number <= max;
}

/* Options may stand anywhere before a --: take ours out, and keep the rest in order. */
static int take_options(struct ctl *ctl, int argc, char **argv)
{
	bool rest = false;
	int kept = 0;

	for (int i = 1; i < argc; i++) {
		rest |= !strcmp(argv[i], "--");
		if (rest) {
			argv[kept++] = argv[i];
		} else if (!strcmp(argv[i], "--json")) {
			ctl->json = true;
		} else if (!strcmp(argv[i], "--control") && i + 1 < argc) {
			ctl->socket = argv[++i];
		} else if (!strncmp(argv[i], "--control=", 10)) {
			ctl->socket = argv[i] + 10;
		} else if (!strcmp(argv[i], "--help")) {
			fputs(usage, stdout);
			exit(CTL_OK);
		} else {
			argv[kept++] = argv[i];
		}
	}
	argv[kept] = NULL;
	return kept;
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .socket = getenv("NEXUS_CONTROL") };
	int words;

	if (!ctl.socket)
		ctl.socket = "/run/nexus/control.sock";

	argc = take_options(&ctl, argc, argv);
	if (!argc)
		return ctl_usage("a verb is missing");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		words = verbs[i].words[1] ? 2 : 1;
		if (argc >= words && !strcmp(verbs[i].words[0], argv[0]) &&
		    (words == 1 || !strcmp(verbs[i].words[1], argv[1])))
			return verbs[i].run(&ctl, argc - words, argv + words);
	}
	return ctl_usage("unknown verb %s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
}
