// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* nexus-init: owner of the arenas of a guest, and its first process if need be. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "../init_protocol.h"
#include "boot.h"
#include "environment.h"
#include "server.h"

#define ARGUMENTS	"/etc/nexus-init.args"
#define DEFAULT_ID	1000
#define EXIT_USAGE	2

static const char usage_text[] =
	"usage: nexus-init --serve [--socket PATH]\n"
	"       nexus-init [--uid N] [--gid N] [--chdir DIR] -- COMMAND [ARG...]\n"
	"\n"
	"Owns the memory that processes of this guest share with the Nexus host. As the\n"
	"first process of a microVM it also mounts the usual file systems, runs COMMAND,\n"
	"and switches the machine off when COMMAND has ended. Without arguments it takes\n"
	"them from /etc/nexus-init.args, one a line.\n"
	"\n"
	"  --serve        be a service, run no command\n"
	"  --socket PATH  where processes connect (default: " INIT_SOCKET ")\n"
	"  --uid N        run COMMAND as this user (default: 1000)\n"
	"  --gid N        and this group (default: the uid)\n"
	"  --chdir DIR    in this directory (default: /)\n"
	"  --env K=V      with this in its environment; may be repeated\n"
	"  --help\n"
	"\n"
	"Exit status, as a service: 0 after SIGTERM; 1 the socket cannot be used; 2 wrong\n"
	"usage.\n";

static const struct option long_options[] = {
	{ "serve", no_argument, NULL, 's' },
	{ "socket", required_argument, NULL, 'p' },
	{ "uid", required_argument, NULL, 'u' },
	{ "gid", required_argument, NULL, 'g' },
	{ "chdir", required_argument, NULL, 'd' },
	{ "env", required_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct arguments {
	const char *socket;
	bool serve, help;
	struct command command;
};

static struct server server;	/* large, and there is one */

static int parse_id(const char *text, unsigned int *id)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || n >= 0xffffffffUL) {
		fprintf(stderr, "nexus-init: '%s' is no user or group number\n", text);
		return -EINVAL;
	}
	*id = n;
	return 0;
}

/* 0, or -EINVAL after a complaint. */
static int parse(struct arguments *a, int argc, char **argv)
{
	bool gid = false;
	int c;

	*a = (struct arguments){ .socket = INIT_SOCKET, .command = { .uid = DEFAULT_ID, .dir = "/" } };
	optind = 0;
	while ((c = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		switch (c) {
		case 's':
			a->serve = true;
			break;
		case 'p':
			a->socket = optarg;
			break;
		case 'u':
			if (parse_id(optarg, &a->command.uid))
				return -EINVAL;
			break;
		case 'g':
			gid = true;
			if (parse_id(optarg, &a->command.gid))
				return -EINVAL;
			break;
		case 'd':
			a->command.dir = optarg;
			break;
		case 'e':
			if (!strchr(optarg, '=') || *optarg == '=' || putenv(optarg)) {
				fprintf(stderr, "nexus-init: --env %s: write NAME=VALUE\n", optarg);
				return -EINVAL;
			}
			break;
		case 'h':
			a->help = true;
			return 0;
		default:
			return -EINVAL;
		}
	}
	if (!gid)
		a->command.gid = a->command.uid;
	if (optind < argc)
		a->command.argv = argv + optind;
	if (a->serve == !!a->command.argv) {
		fprintf(stderr, "nexus-init: either --serve or a command is wanted; see nexus-init --help\n");
		return -EINVAL;
	}
	return 0;
}

static int open_signals(bool first)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (!first) {
		sigaddset(&set, SIGTERM);
		sigaddset(&set, SIGINT);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Serve until a signal asks for the end, or pid (0: none) has ended. Its status. */
static int serve(int signals, pid_t pid)
{
	struct signalfd_siginfo info;
	int status = 0;

	for (;;) {
		if (!server_run(&server, signals))
			continue;
		while (read(signals, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo != SIGCHLD)
				return 0;
			if (boot_reap(pid, &status))
				return status;
		}
	}
}

static int run_service(const struct arguments *a)
{
	int signals = open_signals(false);
	pid_t pid = 0;
	int ret;

	ret = server_open(&server, a->socket);
	if (ret) {
		fprintf(stderr, "nexus-init: cannot listen at %s: %s\n", a->socket, strerror(-ret));
		return EXIT_FAILURE;
	}
	if (a->command.argv) {
		pid = boot_start(&a->command);
		if (pid < 0) {
			fprintf(stderr, "nexus-init: cannot start %s: %s\n", a->command.argv[0], strerror(-pid));
			return EXIT_FAILURE;
		}
	}
	ret = serve(signals, pid);
	server_close(&server);
	unlink(a->socket);
	return ret;
}

static void run_first(int argc, char **argv) __attribute__((noreturn));
static void run_first(int argc, char **argv)
{
	struct arguments a;
	int status;

	boot_prepare();
	if (argc < 2) {
		char **more = boot_read_arguments(ARGUMENTS, argv[0], &argc);

		if (more)
			argv = more;
		else
			fprintf(stderr, "nexus-init: cannot read %s: %m\n", ARGUMENTS);
	}
	if (parse(&a, argc, argv) || a.help) {
		status = EXIT_USAGE;
	} else {
		environment_read("/proc/cmdline");
		status = run_service(&a);
	}
	printf("nexus-init: command exited with status %d\n", status);
	boot_power_off();
}

int main(int argc, char **argv)
{
	struct arguments a;

	if (getpid() == 1)
		run_first(argc, argv);
	if (parse(&a, argc, argv))
		return EXIT_USAGE;
	if (a.help) {
		fputs(usage_text, stdout);
		return EXIT_SUCCESS;
	}
	return run_service(&a);
}
