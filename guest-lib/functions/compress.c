// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * compress BUCKET KEY OUTKEY: a function that reads an object, compresses it,
 * and stores the result. Memory is bounded whatever the object's size: a small
 * one is compressed into one arena buffer; a large one is read twice, first to
 * learn the result's length, which a PUT must name, then to send it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "../nexus.h"
#include "interfaces.h"
#include "json.h"

#define ONE_PASS_MAX	(8UL << 20)	/* bytes of result kept in the arena */
#define GZIP_HEADER	18		/* beyond deflateBound(), which knows zlib's wrapper */
#define ETAG_MAX	256

enum {
	EXIT_USAGE = 2,
	EXIT_OPEN = 3,
	EXIT_GET = 4,
	EXIT_PUT = 5,
	EXIT_LOCAL = 6,		/* memory, zlib */
};

static const char usage_text[] =
	"usage: compress BUCKET KEY OUTKEY\n"
	"\n"
	"Gets the object KEY, compresses it as gzip does, and puts the result as OUTKEY.\n"
	"Prints one line of JSON. NEXUS_TARGET says how the host is reached (kvm: or\n"
	"unix:SOCKET).\n"
	"\n"
	"Exit status: 0; 2 wrong usage; 3 no Nexus host; 4 the object could not be read;\n"
	"5 the result could not be stored; 6 out of memory.\n";

struct job {
	struct nexus *nexus;
	const char *bucket, *key, *outkey;
	char etag[ETAG_MAX];		/* of the object, as first seen */
	char out_etag[ETAG_MAX];
	uint64_t bytes_in, bytes_out;
	unsigned int passes;
	z_stream z;
	/* where compressed bytes go */
	char *buf;			/* one pass: arena memory */
	struct nexus_op *put;		/* second pass */
};

static int job_fail(int exit_code, struct nexus_op *op, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", op ? nexus_op_error_code(op) : "NexusInternal", what,
		op ? nexus_op_error_message(op) : "out of memory");
	return exit_code;
}

/* Room for output. 0, or a negative errno of the upload. */
static int job_room(struct job *job, void *scratch, size_t size, size_t *cap)
{
	void *data = scratch;
	int ret = 0;

	*cap = size;
	if (job->buf)
		return 0;	/* all of it was given at the start */
	if (job->put) {
		ret = nexus_write_window(job->put, &data, cap);
		/* The last bytes are out, deflate has only to say so. */
		if (ret == -EINVAL && nexus_op_status(job->put) == -EINPROGRESS) {
			*cap = size;
			data = scratch;
			ret = 0;
		}
	}
	job->z.next_out = data;
	job->z.avail_out = *cap;
	return ret;
}

/* Compress one piece of input; with Z_FINISH, all that is left. */
static int job_deflate(struct job *job, const void *data, size_t n, int flush)
{
	char scratch[16384];
	int ret;

	job->z.next_in = (void *)data;
	job->z.avail_in = n;
	do {
		size_t cap = 0, made;

		if (job->put || !job->buf) {
			ret = job_room(job, scratch, sizeof(scratch), &cap);
			if (ret)
				return ret;
		}
		made = job->z.avail_out;
		ret = deflate(&job->z, flush);
		made -= job->z.avail_out;
		job->bytes_out += made;
		if (ret == Z_STREAM_ERROR || (job->buf && !job->z.avail_out && ret != Z_STREAM_END))
			return -EOVERFLOW;
		if (job->put && made) {
			int err = nexus_write_commit(job->put, made);

			if (err)
				return err;
		}
	} while (flush == Z_FINISH ? ret != Z_STREAM_END : job->z.avail_in || !job->z.avail_out);
	return 0;
}

/* One reading of the object through deflate. An exit code. */
static int job_pass(struct job *job, struct nexus_op *get, const void *data, ssize_t n)
{
	job->bytes_in = 0;
	job->bytes_out = 0;
	job->passes++;
	for (; n > 0; n = nexus_read_window(get, &data)) {
		job->bytes_in += n;
		if (job_deflate(job, data, n, Z_NO_FLUSH))
			return job_fail(job->put ? EXIT_PUT : EXIT_LOCAL, job->put, job->outkey);
	}
	if (n < 0)
		return job_fail(EXIT_GET, get, job->key);
	if (job_deflate(job, NULL, 0, Z_FINISH))
		return job_fail(job->put ? EXIT_PUT : EXIT_LOCAL, job->put, job->outkey);
	return 0;
}

static int job_stored(struct job *job, struct nexus_op *put, int ret)
{
	if (ret) {
		ret = job_fail(EXIT_PUT, put, job->outkey);
	} else {
		snprintf(job->out_etag, sizeof(job->out_etag), "%s", nexus_op_etag(put));
	}
	nexus_op_free(put);
	return ret;
}

static int job_put_buffer(struct job *job, const struct nexus_options *options)
{
	struct nexus_op *put;
	int ret = nexus_put(job->nexus, job->bucket, job->outkey, job->buf, job->bytes_out, options, &put);

	return job_stored(job, put, ret);
}

/* The second reading: the same bytes, for the store compares the entity tag. */
static int job_put_stream(struct job *job, const struct nexus_options *options)
{
	struct nexus_options same = NEXUS_OPTIONS_INIT;
	uint64_t total = job->bytes_out;
	struct nexus_op *get, *put;
	const void *data;
	ssize_t n;
	int ret;

	same.if_match = *job->etag ? job->etag : NULL;
	get = nexus_get_stream(job->nexus, job->bucket, job->key, &same);
	put = nexus_put_stream(job->nexus, job->bucket, job->outkey, total, options);
	if (!get || !put) {
		ret = job_fail(EXIT_LOCAL, NULL, job->key);
	} else {
		deflateReset(&job->z);
		job->put = put;
		n = nexus_read_window(get, &data);
		ret = job_pass(job, get, data, n);
		job->put = NULL;
	}
	nexus_op_free(get);
	if (ret) {
		nexus_op_free(put);
		return ret;
	}
	return job_stored(job, put, nexus_finish(put));
}

static int job_run(struct job *job)
{
	const struct nexus_options options = { .size = sizeof(options), .content_type = "application/gzip" };
	struct nexus_op *get = nexus_get_stream(job->nexus, job->bucket, job->key, NULL);
	const void *data = NULL;
	uint64_t bound;
	ssize_t n;
	int ret;

	if (!get)
		return job_fail(EXIT_LOCAL, NULL, job->key);
	n = nexus_read_window(get, &data);
	if (n < 0) {
		ret = job_fail(EXIT_GET, get, job->key);
		nexus_op_free(get);
		return ret;
	}
	snprintf(job->etag, sizeof(job->etag), "%s", nexus_op_etag(get));
	bound = deflateBound(&job->z, nexus_op_content_length(get)) + GZIP_HEADER;
	if (bound <= ONE_PASS_MAX)
		job->buf = nexus_alloc(job->nexus, bound);
	if (job->buf) {
		job->z.next_out = (void *)job->buf;
		job->z.avail_out = bound;
	}
	ret = job_pass(job, get, data, n);
	nexus_op_free(get);
	if (!ret)
		ret = job->buf ? job_put_buffer(job, &options) : job_put_stream(job, &options);
	nexus_free(job->nexus, job->buf);
	return ret;
}

static void job_print(const struct job *job)
{
	struct nexus_info info = NEXUS_INFO_INIT;

	nexus_info(job->nexus, &info);
	printf("{\"function\":\"compress\",\"bytes_in\":%llu,\"bytes_out\":%llu,\"passes\":%u,\"etag\":",
	       (unsigned long long)job->bytes_in, (unsigned long long)job->bytes_out, job->passes);
	json_string(stdout, job->out_etag);
	printf(",\"source_etag\":");
	json_string(stdout, job->etag);
	printf(",\"transport\":\"%s\",\"uid\":%u,\"kicks\":%llu,\"waits\":%llu,\"copied\":%llu,\"interfaces\":",
	       info.transport, getuid(), (unsigned long long)info.kicks, (unsigned long long)info.waits,
	       (unsigned long long)info.copied);
	if (interfaces_print(stdout))
		printf("null");
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct job job = { 0 };
	int ret;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return EXIT_SUCCESS;
	}
	if (argc != 4) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	job.bucket = argv[1];
	job.key = argv[2];
	job.outkey = argv[3];
	ret = nexus_open(&job.nexus, NULL);
	if (ret) {
		fprintf(stderr, "NexusNoHost: %s\n", nexus_open_error());
		return EXIT_OPEN;
	}
	/* 15 bits of window, and 16 for gzip's wrapper: no time in it, the same bytes each time. */
	if (deflateInit2(&job.z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		ret = job_fail(EXIT_LOCAL, NULL, "zlib");
	} else {
		ret = job_run(&job);
		if (!ret)
			job_print(&job);
		deflateEnd(&job.z);
	}
	nexus_close(job.nexus);
	return ret;
}
