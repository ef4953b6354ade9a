// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large objects against the same server for curl(1), in one run. The figures
 * are for people; what is asserted is that no payload is copied.
 */
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "../tap.h"
#include "store_harness.h"
#include "store_server.h"

#define SIZE	(256UL << 20)
#define ROUNDS	3

static struct harness harness;
static struct server server;

/* Sends or takes SIZE bytes a request. */
static void serve_large(struct server *s, int fd)
{
	static const char block[1 << 20];
	char head[128];

	while (!server_read_head(s, fd)) {
		if (!strncmp(s->head, "PUT", 3)) {
			server_read(fd, NULL, SIZE);
			server_puts(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
			continue;
		}
		snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %lu\r\n\r\n", SIZE);
		server_puts(fd, head);
		for (size_t i = 0; i < SIZE / sizeof(block); i++)
			server_write(fd, block, sizeof(block));
	}
}

static void serve(struct server *s)
{
	server_accept_each(s, serve_large);
}

struct cost {
	double wall, cpu;
};

/* who: this thread, or the children that were waited for. */
static struct cost cost_now(int who)
{
	struct rusage usage;
	struct timespec ts;

	getrusage(who, &usage);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct cost){
		ts.tv_sec + ts.tv_nsec / 1e9,
		usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6 + usage.ru_stime.tv_sec + usage.ru_stime.tv_usec / 1e6,
	};
}

static struct cost cost_since(struct cost start, int who)
{
	struct cost end = cost_now(who);

	return (struct cost){ end.wall - start.wall, end.cpu - start.cpu };
}

static struct cost by_nexus(bool put, char *scratch, uint32_t window)
{
	struct call call = { .window_size = window, .scratch = scratch };
	struct cost start = cost_now(RUSAGE_THREAD), cost;

	if (put) {
		call.upload = scratch;
		call.upload_len = SIZE;
	}
	call_start(&harness, &call, put ? &s3_put_type : &s3_get_type,
		   put ? request_put("data", "key", SIZE) : request_get("data", "key", ""));
	harness_run(&harness, &call, 60000);
	cost = cost_since(start, RUSAGE_THREAD);
	tap_ok(call.finished && !call.status, "%s of %lu MiB in windows of %u KiB", put ? "put" : "get", SIZE >> 20, window >> 10);
	call_free(&call);
	return cost;
}

static struct cost by_curl(bool put, const char *file)
{
	struct cost start = cost_now(RUSAGE_CHILDREN);
	char command[256];

	snprintf(command, sizeof(command), "curl -s -o /dev/null %s%s -H 'Expect:' http://127.0.0.1:%u/data/key",
		 put ? "-T " : "", put ? file : "", server.port);
	tap_ok(!system(command), "curl");
	return cost_since(start, RUSAGE_CHILDREN);
}

static void compare(bool put, const char *file, uint32_t window)
{
	struct cost nexus = { 1e9, 1e9 }, curl = { 1e9, 1e9 }, cost;
	char *scratch = calloc(1, window);

	for (int i = 0; i < ROUNDS; i++) {
		cost = by_nexus(put, scratch, window);
		nexus = cost.wall < nexus.wall ? cost : nexus;
		cost = by_curl(put, file);
		curl = cost.wall < curl.wall ? cost : curl;
	}
	free(scratch);
	printf("# %s, windows of %u KiB: nexus %.0f MB/s with %.3f s of CPU, curl %.0f MB/s with %.3f s: %.2f times as fast\n",
	       put ? "put" : "get", window >> 10, SIZE / 1e6 / nexus.wall, nexus.cpu, SIZE / 1e6 / curl.wall, curl.cpu,
	       curl.wall / nexus.wall);
}

int main(void)
{
	char file[] = "/tmp/nexus-store-bench-XXXXXX";
	int fd = mkstemp(file);

	if (fd < 0 || ftruncate(fd, SIZE))
		tap_bail("a file to put");
	server_start(&server, serve, NULL);
	harness_open(&harness, server.port);
	compare(false, file, 64 << 10);
	compare(false, file, 1 << 20);
	compare(true, file, 64 << 10);
	compare(true, file, 1 << 20);
	/* The first response of its kind may bring some bytes along with its head. */
	tap_ok(harness_counters(&harness).bytes_copied < 128, "of %lu bytes of payload %lu were copied",
	       harness_counters(&harness).bytes_from_store + harness_counters(&harness).bytes_to_store,
	       harness_counters(&harness).bytes_copied);
	harness_close(&harness);
	server_stop(&server);
	close(fd);
	unlink(file);
	return tap_done();
}
