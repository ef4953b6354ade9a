// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Requests to HTTP servers and AWS services: the body from a file, the answer to standard output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../cleanup.h"
#include "nx.h"
#include "sum.h"

/* Send the body, take the answer. Frees op. */
static int http_run(struct nx *nx, struct nexus_op *op, int fd, uint64_t total)
{
	struct sum sent = { 0 }, sum = { 0 };
	const void *data;
	bool printed = false;
	ssize_t n = op ? nx_send(nx, op, fd, total, &sent) : -ENOMEM;

	while (!n && (n = nexus_read_window(op, &data)) > 0) {
		if (nx->include && !printed) {
			nx_print_headers(op);
			putchar('\n');
			fflush(stdout);
			printed = true;
		}
		sum_add(&sum, data, n);
		n = nx->sum ? 0 : nx_write_all(STDOUT_FILENO, data, n);
	}
	if (op && nx->include && !printed)
		nx_print_headers(op);
	if (!n && nx->sum)
		sum_print(&sum);
	return nx_result(op, n);
}

/* The body: a file's, a pattern, or none. 0, or the exit status. */
static int http_body(const struct nx *nx, const char *file, int *fd, uint64_t *total)
{
	*total = nx->size;
	return file ? nx_open(file, fd, total) : 0;
}

int nx_http(struct nx *nx, int argc, char **argv)
{
	autoclose int fd = -1;
	uint64_t total;
	int ret = http_body(nx, argc > 2 ? argv[2] : NULL, &fd, &total);

	if (ret)
		return ret;
	nx->http.method = argv[0];
	nx->http.url = argv[1];
	nx->http.content_length = nx->http.chunked ? 0 : total;
	return http_run(nx, nexus_http_stream(nx->nexus, &nx->http, &nx->options), fd, total);
}

int nx_aws(struct nx *nx, int argc, char **argv)
{
	struct nexus_aws aws = NEXUS_AWS_INIT;
	char *query = strchr(argv[2], '?');
	autoclose int fd = -1;
	uint64_t total;
	int ret = http_body(nx, argc > 3 ? argv[3] : NULL, &fd, &total);

	if (ret)
		return ret;
	if (query)
		*query++ = '\0';
	aws.service = argv[0];
	aws.method = argv[1];
	aws.path = argv[2];
	aws.query = query;
	aws.content_length = total;
	return http_run(nx, nexus_aws_stream(nx->nexus, &aws, &nx->options), fd, total);
}
