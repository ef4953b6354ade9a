// SPDX-License-Identifier: GPL-2.0-only
/*
 * A closed-loop load generator over libnexus-guest: one thread, one channel, so
 * many operations in flight that each is started again as soon as it ended. Its
 * last line says what was done, and what CPU time of its own that took.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "../../guest-lib/nexus.h"

#define IN_FLIGHT_MAX	255
#define ARENA_MAX	(256UL << 20)

static const char usage[] =
	"usage: load TARGET get BUCKET KEY SIZE IN_FLIGHT SECONDS   one object, again and again\n"
	"       load TARGET read BUCKET KEY SIZE COUNT              as a stream, thrown away\n"
	"       load TARGET write BUCKET KEY FILE COUNT             a file's bytes as a stream\n";

struct load {
	struct nexus *nx;
	const char *bucket, *key;
	uint64_t requests, bytes;
};

static double seconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	exit(1);
}

/* A failure would make the loop faster: nothing but complete objects counts. */
static void check(const struct nexus_op *op, int status, uint64_t size)
{
	if (status < 0)
		die(nexus_op_error_code(op), nexus_op_error_message(op));
	if (nexus_op_transferred(op) != size)
		die("an object", "has another size than was said");
}

static void load_get(struct load *load, uint64_t size, unsigned int in_flight, double duration)
{
	struct nexus_op *ops[IN_FLIGHT_MAX] = { 0 };
	void *buffers[IN_FLIGHT_MAX];
	double end = seconds(CLOCK_MONOTONIC) + duration;
	unsigned int left = in_flight;
	bool stop = false;
	int i;

	for (unsigned int n = 0; n < in_flight; n++) {
		buffers[n] = nexus_alloc(load->nx, size);
		if (!buffers[n])
			die("nexus_alloc", "the arena is full");
		ops[n] = nexus_get_start(load->nx, load->bucket, load->key, buffers[n], size, NULL);
	}
	/* As many operations at once as ended: the daemon hears of them together. */
	nexus_hold(load->nx);
	while (left) {
		i = nexus_wait_any(load->nx, ops, in_flight, -1);
		if (i < 0)
			die("nexus_wait_any", strerror(-i));
		check(ops[i], nexus_op_status(ops[i]), size);
		nexus_op_free(ops[i]);
		load->requests++;
		load->bytes += size;
		/* One look at the clock for many requests, as wrk has it. */
		if (load->requests % 64 == 0)
			stop = seconds(CLOCK_MONOTONIC) >= end;
		ops[i] = stop ? NULL : nexus_get_start(load->nx, load->bucket, load->key, buffers[i], size, NULL);
		left -= stop;
	}
	nexus_release(load->nx);
}

static void load_read(struct load *load, uint64_t size, unsigned int count)
{
	struct nexus_op *op;
	const void *data;
	ssize_t n;

	while (count--) {
		op = nexus_get_stream(load->nx, load->bucket, load->key, NULL);
		while ((n = nexus_read_window(op, &data)) > 0)
			load->bytes += n;
		check(op, n, size);
		nexus_op_free(op);
		load->requests++;
	}
}

static void write_file(struct nexus_op *op, int fd, uint64_t left)
{
	ssize_t n;
	size_t cap;
	void *data;

	for (; left; left -= n) {
		if (nexus_write_window(op, &data, &cap))
			die(nexus_op_error_code(op), nexus_op_error_message(op));
		n = read(fd, data, cap);
		if (n <= 0)
			die("the file", n ? strerror(errno) : "became shorter");
		if (nexus_write_commit(op, n))
			die(nexus_op_error_code(op), nexus_op_error_message(op));
	}
}

static void load_write(struct load *load, const char *file, unsigned int count)
{
	int fd = open(file, O_RDONLY);
	uint64_t size = lseek(fd, 0, SEEK_END);
	struct nexus_op *op;

	if (fd < 0)
		die(file, "cannot be read");
	while (count--) {
		lseek(fd, 0, SEEK_SET);
		op = nexus_put_stream(load->nx, load->bucket, load->key, size, NULL);
		write_file(op, fd, size);
		check(op, nexus_finish(op), size);
		nexus_op_free(op);
		load->requests++;
		load->bytes += size;
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct nexus_open_options options = NEXUS_OPEN_OPTIONS_INIT;
	struct nexus_info before = NEXUS_INFO_INIT, after = NEXUS_INFO_INIT;
	double wall, cpu;
	struct load load = { 0 };
	int ret;

	if (argc < 7) {
		fputs(usage, stderr);
		return 2;
	}
	options.slots = 256;
	options.arena_max = ARENA_MAX;
	ret = nexus_open_with(&load.nx, argv[1], &options);
	if (ret)
		die(argv[1], nexus_open_error());
	load.bucket = argv[3];
	load.key = argv[4];
	nexus_info(load.nx, &before);
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	if (!strcmp(argv[2], "get") && argc == 8)
		load_get(&load, strtoull(argv[5], NULL, 0), atoi(argv[6]), atof(argv[7]));
	else if (!strcmp(argv[2], "read"))
		load_read(&load, strtoull(argv[5], NULL, 0), atoi(argv[6]));
	else if (!strcmp(argv[2], "write"))
		load_write(&load, argv[5], atoi(argv[6]));
	wall = seconds(CLOCK_MONOTONIC) - wall;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	nexus_info(load.nx, &after);
	printf("requests=%llu bytes=%llu seconds=%.6f cpu=%.6f kicks=%llu waits=%llu copied=%llu\n",
	       (unsigned long long)load.requests, (unsigned long long)load.bytes, wall, cpu,
	       (unsigned long long)(after.kicks - before.kicks), (unsigned long long)(after.waits - before.waits),
	       (unsigned long long)(after.copied - before.copied));
	nexus_close(load.nx);
	return load.requests ? 0 : 1;
}
