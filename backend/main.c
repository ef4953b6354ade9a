// SPDX-License-Identifier: GPL-2.0-only
/* nexus-backend: the order of start, and its mirror. */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include "cleanup.h"
#include "config.h"
#include "control.h"
#include "control_functions.h"
#include "control_invoke.h"
#include "event.h"
#include "function.h"
#include "grpc_ingress.h"
#include "ingress.h"
#include "journal.h"
#include "keys.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "microvm.h"
#include "reload.h"
#include "scale.h"
#include "transport_unix.h"
#include "version.h"
#include "vm.h"
#include "workers.h"

static const char usage[] =
	"Usage: nexus-backend [OPTION]...\n"
	"Serve the I/O of guests: run their requests for them, on their own pages.\n"
	"\n"
	"  --config DIR     read *.conf in DIR (default: /etc/nexus)\n"
	"  --check-config   read the configuration, say what is wrong with it, and exit\n"
	"  --version        print the version and exit\n"
	"  --help           print this and exit\n"
	"\n"
	"See nexus-backend(8), nexus.conf(5).\n";

static struct loop *main_loop;
static int signal_fd = -1;
static struct loop_poll signal_poll;
static struct loop_timer watchdog_timer;
static uint64_t watchdog_ms;

static bool stopping;

/* Text of several lines. */
static void log_lines(char *text)
{
	char *save;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		log_error("%s", line);
}

static void reload_wanted(void)
{
	auto_free char *error = NULL;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	if (reload(&error)) {
		log_lines(error);
		log_error("nothing is reloaded: correct the configuration");
	}
	sd_notify(0, "READY=1");
}

static void signals_ready(struct loop_poll *poll, unsigned int revents)
{
	struct signalfd_siginfo info;

	(void)revents;
	while (read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			reload_wanted();
		} else {
			stopping = true;
			loop_stop(main_loop);
		}
	}
	loop_poll_start(main_loop, poll, signal_fd, POLLIN);
}

/* Workers inherit the mask: signals come through the descriptor only. */
static int signals_start(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return -errno;
	signal_poll.ready = signals_ready;
	return loop_poll_start(main_loop, &signal_poll, signal_fd, POLLIN);
}

static void watchdog_expired(struct loop_timer *timer)
{
	sd_notify(0, "WATCHDOG=1");
	loop_timer_start(main_loop, timer, watchdog_ms);
}

static void watchdog_start(void)
{
	uint64_t interval_us;

	if (sd_watchdog_enabled(0, &interval_us) <= 0)
		return;
	watchdog_ms = interval_us / 2000;
	watchdog_timer.expired = watchdog_expired;
	loop_timer_start(main_loop, &watchdog_timer, watchdog_ms);
}

/* The unit's capabilities are for the daemon: the VMMs that it starts get none of them. */
static void keep_capabilities(void)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/* Every connection is a descriptor or several. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int main_fail(const char *what, int ret)
{
	log_error("%s: %s%s", what, strerror(-ret), ret == -EPERM || ret == -ENOSYS ?
		  ": io_uring is needed: sysctl kernel.io_uring_disabled=0" : "");
	return ret;
}

static int serve(struct config *config)
{
	int ret;

	ret = control_open(config);
	if (ret)
		return ret;
	main_loop = loop_new();
	if (!main_loop)
		return main_fail("event loop", -errno);
	ret = signals_start();
	if (ret)
		return main_fail("signals", ret);
	ret = journal_open(config);
	if (!ret)
		ret = functions_start(config, main_loop);
	if (!ret)
		ret = workers_start(config);
	if (ret)
		return ret;
	ret = keys_start(main_loop, config);
	if (!ret && !stopping)
		ret = unix_listen(main_loop, config);
	if (!ret && !stopping)
		ret = ingress_start(main_loop, config);
	if (!ret && !stopping)
		ret = grpc_ingress_start(config);
	if (!ret && !stopping)
		ret = metrics_start(main_loop, config);
	if (!ret && !stopping) {
		microvms_start(main_loop, config);
		vm_start(main_loop, config);
		scale_start(main_loop);
		control_functions_start(config);
		ret = control_serve(main_loop);
	}
	if (!ret && !stopping) {
		watchdog_start();
		sd_notifyf(0, "READY=1\nSTATUS=Serving with %u workers", workers_count());
		log_info("nexus-backend %s is ready", NEXUS_VERSION);
		ret = loop_run(main_loop);
	}

	sd_notify(0, "STOPPING=1\nSTATUS=Finishing operations in flight");
	log_info("it stops, and finishes what is under way");
	keys_stop();
	metrics_stop();
	ingress_quiesce();
	grpc_ingress_quiesce();
	functions_quiesce();
	unix_unlisten();
	workers_stop();
	ingress_stop();
	grpc_ingress_stop();
	events_stop();
	control_invoke_stop();
	functions_stop();
	microvms_stop();
	vm_stop();
	journal_close();
	return ret;
}

static void unserve(void)
{
	control_close();
	if (signal_fd >= 0)
		close(signal_fd);
	loop_free(main_loop);
}

static int check_config(const struct config *config)
{
	unsigned int tenants = 0, endpoints = 0, listens = 0;
	char error[512];
	int ret = 0;

	for (const struct tenant *t = config->tenants; t; t = t->next)
		tenants++;
	for (const struct endpoint *e = config->endpoints; e; e = e->next)
		endpoints++;
	for (const struct listen *l = config->listens; l; l = l->next)
		listens++;
	for (const struct function_config *f = config->functions; f; f = f->next) {
		if (microvm_check_memory(f, error, sizeof(error))) {
			fprintf(stderr, "%s\n", error);
			ret = 1;
		}
	}
	if (ret)
		return ret;
	printf("configuration is fine: %u tenants, %u endpoints, %u listening sockets, %u workers\n",
	       tenants, endpoints, listens, config->workers);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *dir = "/etc/nexus";
	auto_free char *error = NULL;
	struct config *config;
	bool check = false;
	int option, ret;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			dir = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 'v':
			printf("nexus-backend %s, ABI %s\n", NEXUS_VERSION, NEXUS_ABI_TEXT);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs("Try nexus-backend --help\n", stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "nexus-backend: unexpected argument %s\nTry nexus-backend --help\n", argv[optind]);
		return 2;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	config = config_load(dir, &error);
	if (!config) {
		fputs(error, stderr);
		ret = 1;
	} else if (check) {
		ret = check_config(config);
	} else {
		keep_capabilities();
		raise_limits();
		reload_start(config, dir);
		ret = serve(config) ? 1 : 0;
		unserve();
	}
	config_free(config);
	curl_global_cleanup();
	return ret;
}
