/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's kernel as tests see it: its files and its log. */
#ifndef NEXUS_TEST_HOST_H
#define NEXUS_TEST_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* A whole file with a NUL behind it, to be freed; its size if wanted. */
char *read_file(const char *path, size_t *size);

/* 0 or -errno. */
int write_file(const char *path, const char *text);

/* Does the kernel's log since the last mark have that text? */
void mark_log(void);
bool log_says(const char *text);

#endif
