// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* One object at a time, and how payload comes from and goes to files. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../cleanup.h"
#include "nx.h"

static void nx_print_object(const struct nexus_op *op)
{
	const char *name, *value;

	printf("content-length: %llu\n", (unsigned long long)nexus_op_content_length(op));
	nx_print("content-type", nexus_op_content_type(op));
	nx_print("etag", nexus_op_etag(op));
	nx_print("last-modified", nexus_op_last_modified(op));
	nx_print("version-id", nexus_op_version_id(op));
	for (size_t i = 0; !nexus_op_metadata_at(op, i, &name, &value); i++)
		printf("meta-%s: %s\n", name, value);
}

/* Once, before the data. */
static void nx_print_first(const struct nx *nx, const struct nexus_op *op, bool *printed)
{
	if (!nx->include || *printed)
		return;
	*printed = true;
	nx_print_object(op);
	nx_print_headers(op);
	putchar('\n');
	fflush(stdout);
}

int nx_write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t done = write(fd, data, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			data += done;
			n -= done;
		}
	}
	return 0;
}

int nx_get(struct nx *nx, int argc, char **argv)
{
	const char *file = argc ? argv[0] : "-";
	autoclose int fd = -1;
	struct sum sum = { 0 };
	bool printed = false;
	struct nexus_op *op;
	const void *data;
	ssize_t n;

	if (!nx->sum && strcmp(file, "-")) {
		fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fd < 0)
			return nx_fail("File", file, -errno);
	}
	op = nexus_get_stream(nx->nexus, nx->bucket, nx->key, &nx->options);
	if (!op)
		return nx_result(NULL, -ENOMEM);
	while ((n = nexus_read_window(op, &data)) > 0) {
		int ret = 0;

		nx_print_first(nx, op, &printed);
		sum_add(&sum, data, n);
		if (!nx->sum)
			ret = nx_write_all(fd < 0 ? STDOUT_FILENO : fd, data, n);
		if (ret) {
			nexus_op_free(op);
			return nx_fail("File", file, ret);
		}
	}
	if (!n)
		nx_print_first(nx, op, &printed);
	if (!n && nx->sum)
		sum_print(&sum);
	return nx_result(op, n);
}

ssize_t nx_fill(const struct nx *nx, int fd, uint64_t done, void *data, size_t cap)
{
	size_t have = 0;

	if (fd < 0) {
		/* Whole words but for the end, as the pattern wants them. */
		if (cap > 8)
			cap &= ~7UL;
		sum_pattern(data, cap, nx->seed, done);
		return cap;
	}
	while (have < cap) {
		ssize_t n = read(fd, (char *)data + have, cap - have);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return -ENODATA;	/* the file shrank */
		if (n > 0)
			have += n;
	}
	return have;
}

int nx_open(const char *file, int *fd, uint64_t *len)
{
	struct stat st;

	*fd = !strcmp(file, "-") ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &st))
		return nx_fail("File", file, -errno);
	if (!S_ISREG(st.st_mode))
		return nx_usage("'%s' is not a regular file: its length must be known", file);
	*len = st.st_size;
	return 0;
}

int nx_send(struct nx *nx, struct nexus_op *op, int fd, uint64_t total, struct sum *sum)
{
	uint64_t done = 0;
	size_t cap;
	void *data;
	ssize_t n;

	while (done < total && !nexus_write_window(op, &data, &cap)) {
		if (cap > total - done)
			cap = total - done;
		n = nx_fill(nx, fd, done, data, cap);
		if (n < 0)
			exit(nx_fail("File", "cannot read it", n));
		sum_add(sum, data, n);
		done += n;
		nexus_write_commit(op, n);
	}
	return nexus_finish(op);
}

int nx_put(struct nx *nx, int argc, char **argv)
{
	uint64_t total = nx->size;
	struct sum sum = { 0 };
	autoclose int fd = -1;
	struct nexus_op *op;
	int ret;

	if (!nx->generated && !argc)
		return nx_usage("%s", "put wants a FILE, or --size and --pattern");
	ret = nx->generated ? 0 : nx_open(argv[0], &fd, &total);
	if (ret)
		return ret;
	op = nexus_put_stream(nx->nexus, nx->bucket, nx->key, total, &nx->options);
	ret = op ? nx_send(nx, op, fd, total, &sum) : -ENOMEM;
	/* Over a unix socket nobody else could wait for it. */
	if (!ret && nx->flush) {
		nexus_op_free(op);
		ret = nexus_flush(nx->nexus, NULL, &op);
	}
	if (!ret && nx->sum)
		sum_print(&sum);
	else if (!ret)
		nx_print("etag", nexus_op_etag(op));
	return nx_result(op, ret);
}

int nx_head(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret = nexus_head(nx->nexus, nx->bucket, nx->key, &nx->options, &op);

	(void)argc;
	(void)argv;
	if (!ret)
		nx_print_object(op);
	if (!ret && nx->include)
		nx_print_headers(op);
	return nx_result(op, ret);
}

int nx_delete(struct nx *nx, int argc, char **argv)
{
	struct nexus_op *op;
	int ret = nexus_delete(nx->nexus, nx->bucket, nx->key, &nx->options, &op);

	(void)argc;
	(void)argv;
	return nx_result(op, ret);
}
