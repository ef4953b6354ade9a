/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the subcommands of nx share. */
#ifndef NX_H
#define NX_H

#include <stdbool.h>
#include <stdint.h>
#include "../nexus.h"
#include "sum.h"

#define EXIT_USAGE	2
#define MAX_META	32

struct nx {
	struct nexus *nexus;
	const char *target;
	struct nexus_options options;
	struct nexus_list_options list;
	struct nexus_copy copy;
	struct nexus_http http;
	struct nexus_field meta[MAX_META], headers[MAX_META];
	bool sum, key_hex, stats, generated, flush, include, all, quiet;
	uint64_t size, seed;
	const char *bucket;
	char key[2049];		/* longer than any store takes, so that it can refuse */
};

/* Complain, and return the exit status. */
int nx_usage(const char *fmt, const char *value);
int nx_fail(const char *code, const char *message, int err);

/* Report what became of op, and free it. Returns the exit status. */
int nx_result(struct nexus_op *op, int status);

/* "name: value", unless the value is empty. */
void nx_print(const char *name, const char *value);

/* The answer's status and headers. */
void nx_print_headers(const struct nexus_op *op);

int nx_write_all(int fd, const char *data, size_t n);
int nx_number(const char *text, uint64_t *n);

/* Fill the next window from the file, or with the pattern. Bytes, or a negative errno. */
ssize_t nx_fill(const struct nx *nx, int fd, uint64_t done, void *data, size_t cap);

/* The file's descriptor and length; "-": standard input, a regular file too. 0, or the exit status. */
int nx_open(const char *file, int *fd, uint64_t *len);

/* Send a stream's total bytes, from the file (fd < 0: the pattern), and finish it. 0, or the status. */
int nx_send(struct nx *nx, struct nexus_op *op, int fd, uint64_t total, struct sum *sum);

/* nx_options.c: take the options. -1, or the exit status of a program that is to end here. */
int nx_options(struct nx *nx, int argc, char **argv);

/* The object's key as the options say it is written. 0, or -EINVAL, -ENAMETOOLONG. */
int nx_key(struct nx *nx, const char *text);

/* The subcommands: arguments behind their names. Return the exit status. */
int nx_get(struct nx *nx, int argc, char **argv);
int nx_put(struct nx *nx, int argc, char **argv);
int nx_head(struct nx *nx, int argc, char **argv);
int nx_delete(struct nx *nx, int argc, char **argv);
int nx_delete_many(struct nx *nx, int argc, char **argv);
int nx_copy(struct nx *nx, int argc, char **argv);
int nx_list(struct nx *nx, int argc, char **argv);
int nx_multipart(struct nx *nx, int argc, char **argv);
int nx_http(struct nx *nx, int argc, char **argv);
int nx_aws(struct nx *nx, int argc, char **argv);

#endif
