// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* nexus-runtime: runs a function that speaks AWS's Lambda Runtime API, its events from the host. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "runtime.h"

static const char usage[] =
	"usage: nexus-runtime [OPTION...] -- COMMAND [ARGUMENT...]\n"
	"Run a function that speaks AWS's Lambda Runtime API; its events come from the host.\n"
	"\n"
	"  --target T      kvm: or unix:SOCKET (default: $NEXUS_TARGET, or kvm:)\n"
	"  --port N        of the Runtime API on 127.0.0.1 (default: 9001)\n"
	"  --gateway N     port of the gateway for AWS's services and HTTP there (default: 9002; 0: none)\n"
	"  --prefetch N    windows lent to the host for inputs that it expects (default: 0, at most 8)\n"
	"  --help\n";

enum { OPT_TARGET = 256, OPT_PORT, OPT_GATEWAY, OPT_PREFETCH, OPT_HELP };

static const struct option long_options[] = {
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "gateway", required_argument, NULL, OPT_GATEWAY },
	{ "prefetch", required_argument, NULL, OPT_PREFETCH },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

struct settings {
	const char *target;
	unsigned long port, gateway, prefetches;
};

/* -1: a number from min to max is wanted. */
static int number(const char *text, unsigned long min, unsigned long max, unsigned long *n)
{
	char *end;

	*n = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *n >= min && *n <= max ? 0 : -1;
}

static int options(int argc, char **argv, struct settings *s)
{
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_TARGET:
			s->target = optarg;
			break;
		case OPT_PORT:
			ret = number(optarg, 1, 65535, &s->port);
			break;
		case OPT_GATEWAY:
			ret = number(optarg, 0, 65535, &s->gateway);
			break;
		case OPT_PREFETCH:
			ret = number(optarg, 0, NEXUS_LEND_MAX, &s->prefetches);
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			exit(0);
		default:
			return -1;
		}
		if (ret)
			fprintf(stderr, "nexus-runtime: bad value '%s'\n", optarg);
	}
	if (!ret && optind == argc) {
		fprintf(stderr, "nexus-runtime: no command\n");
		ret = -1;
	}
	return ret;
}

/* What a function finds in its environment, unless whoever started us knows better. */
static void environment(const struct settings *s)
{
	char api[32], gateway[48];

	snprintf(api, sizeof(api), "127.0.0.1:%lu", s->port);
	setenv("AWS_LAMBDA_RUNTIME_API", api, 1);
	setenv("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST", 0);
	setenv("AWS_REGION", "us-east-1", 0);
	setenv("AWS_DEFAULT_REGION", "us-east-1", 0);
	if (!s->gateway)
		return;
	snprintf(gateway, sizeof(gateway), "http://127.0.0.1:%lu", s->gateway);
	setenv("AWS_ENDPOINT_URL", gateway, 0);
	setenv("http_proxy", gateway, 0);
	setenv("no_proxy", "127.0.0.1,localhost", 0);
	/* SDKs insist on signing; the gateway reads no more of it than the service's name. */
	setenv("AWS_ACCESS_KEY_ID", "guest", 0);
	setenv("AWS_SECRET_ACCESS_KEY", "guest", 0);
}

int main(int argc, char **argv)
{
	struct nexus_next_options next = NEXUS_NEXT_OPTIONS_INIT;
	struct settings s = { .port = 9001, .gateway = 9002 };
	struct nexus *nx;
	int ret;

	if (options(argc, argv, &s)) {
		fprintf(stderr, "see nexus-runtime --help\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	environment(&s);
	ret = nexus_open(&nx, s.target);
	if (ret) {
		fprintf(stderr, "nexus-runtime: %s\n", nexus_open_error());
		return 1;
	}
	next.prefetches = s.prefetches;
	ret = turn_start(nx, &next);
	if (!ret) {
		api_start(nx);
		gateway_start(nx);
		ret = http_serve("127.0.0.1", s.port, api_handle);
		if (!ret && s.gateway) {
			s.port = s.gateway;	/* for the message */
			ret = http_serve("127.0.0.1", s.gateway, gateway_handle);
		}
	}
	if (ret) {
		fprintf(stderr, "nexus-runtime: 127.0.0.1:%lu: %s\n", s.port, strerror(-ret));
		return 1;
	}
	child_supervise(nx, argv + optind);
	return 1;
}
