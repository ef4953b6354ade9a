// SPDX-License-Identifier: GPL-2.0-only
/* Requests to where a guest says: addresses are looked at when they are connected to, pools are bounded. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include "../tap.h"
#include "address.h"
#include "http_request.h"
#include "store_harness.h"
#include "store_server.h"

static struct harness harness;
static struct server server;
static struct rules rules;
static struct network networks[2];
static struct call call;
static unsigned int connections;

static void serve_many(struct server *s, int fd)
{
	__atomic_add_fetch(&connections, 1, __ATOMIC_RELAXED);
	while (!server_read_head(s, fd))
		server_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void serve(struct server *s)
{
	server_accept_each(s, serve_many);
}

static const Nexus__V1__Request *request_http(const char *url)
{
	static Nexus__V1__HttpRequest http;
	static Nexus__V1__Request request;

	nexus__v1__request__init(&request);
	nexus__v1__http_request__init(&http);
	http.method = "GET";
	http.url = (char *)url;
	request.op_case = NEXUS__V1__REQUEST__OP_HTTP_REQUEST;
	request.http_request = &http;
	return &request;
}

/* Into call, until call_free(). */
static void fetch(struct call *c, const char *host)
{
	char url[128];

	snprintf(url, sizeof(url), "http://%s:%u/", host, server.port);
	/* The request's own window has no content; the second one takes the answer. */
	c->upload = "";
	call_start(&harness, c, &http_request_type, request_http(url));
	c->upload = NULL;
	if (!c->finished)
		call_window(c, 100);
}

static void is(const char *host, bool allowed)
{
	fetch(&call, host);
	harness_run(&harness, &call, 5000);
	tap_ok(call.finished && (allowed ? !call.status : call.status == -EACCES && !strcmp(call_code(&call), "NexusPolicyDenied")),
	       "%s is %s: %d %s", host, allowed ? "reached" : "denied", call.status, call_message(&call));
	call_free(&call);
}

int main(void)
{
	static struct call held[CONN_ORIGINS_MAX + 1];
	char host[32];
	unsigned int before;

	server_start(&server, serve, NULL);
	harness_open(&harness, server.port);
	rules = *harness.tenant.rules;
	rules.http_hosts = (char *[]){ "*:*", NULL };
	harness.tenant.rules = &rules;

	is("127.0.0.1", false);
	is("localhost", false);
	is("0x7f.1", false);
	is("0", false);
	is("[::ffff:127.0.0.1]", false);
	is("[::1]", false);
	tap_is(connections, 0, "nothing was connected");

	/* The same name, another answer: it is not the name that is checked. */
	network_parse(&networks[0], "127.0.0.0/8");
	rules.http_networks = (struct networks){ networks, 1 };
	is("127.0.0.1", true);
	is("localhost", true);
	is("a.localhost", true);
	rules.http_networks.count = 0;
	is("127.0.0.3", false);

	/* What was connected for S3, without a look, is not for the guest to use, and the other way round. */
	harness_close(&harness);
	harness_open(&harness, server.port);
	harness.tenant.rules = &rules;
	call.window_size = 100;
	call_start(&harness, &call, &s3_get_type, request_get("data", "key", ""));
	harness_run(&harness, &call, 5000);
	tap_ok(call.finished && !call.status, "an endpoint of the operator's is not concerned");
	call_free(&call);
	before = harness_counters(&harness).store_connections;
	is("127.0.0.1", false);
	tap_is(harness_counters(&harness).store_connections, before + 1, "by a connection of its own");

	/* Pools. libcurl knows that each name below localhost is this machine. */
	rules.http_networks.count = 1;
	harness_close(&harness);
	harness_open(&harness, server.port);
	harness.tenant.rules = &rules;
	for (int i = 0; i < 3 * CONN_ORIGINS_MAX; i++) {
		snprintf(host, sizeof(host), "a%d.localhost", i);
		fetch(&call, host);
		harness_run(&harness, &call, 5000);
		if (call.status)
			break;
		call_free(&call);
	}
	tap_is(harness_counters(&harness).store_connections, 3 * CONN_ORIGINS_MAX, "any number of origins, one after the other");
	fetch(&call, host);
	harness_run(&harness, &call, 5000);
	call_free(&call);
	tap_is(harness_counters(&harness).store_connections, 3 * CONN_ORIGINS_MAX, "the last one's connection is kept");
	fetch(&call, "a0.localhost");
	harness_run(&harness, &call, 5000);
	call_free(&call);
	tap_is(harness_counters(&harness).store_connections, 3 * CONN_ORIGINS_MAX + 1, "the first one's is gone");
	for (int i = 0; i <= CONN_ORIGINS_MAX; i++) {
		snprintf(host, sizeof(host), "b%d.localhost", i);
		fetch(&held[i], host);
	}
	tap_ok(held[CONN_ORIGINS_MAX].finished && held[CONN_ORIGINS_MAX].status == -EBUSY &&
	       !strcmp(call_code(&held[CONN_ORIGINS_MAX]), "NexusLimitExceeded"), "%u at a time: %s", CONN_ORIGINS_MAX,
	       call_message(&held[CONN_ORIGINS_MAX]));
	call_free(&held[CONN_ORIGINS_MAX]);
	before = 0;
	for (int i = 0; i < CONN_ORIGINS_MAX; i++) {
		harness_run(&harness, &held[i], 5000);
		before += held[i].finished && !held[i].status;
		call_free(&held[i]);
	}
	tap_is(before, CONN_ORIGINS_MAX, "which all end well");
	is("c.localhost", true);

	harness_close(&harness);
	server_stop(&server);
	return tap_done();
}
