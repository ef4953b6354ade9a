/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same function twice: fetches an object into its own buffer, by libnexus-guest
 * (fetch_nexus.c) or by libcurl (fetch_curl.c). fetch.c counts what that costs.
 */
#ifndef FETCH_H
#define FETCH_H

#include <stddef.h>

/* where: nexus: the bucket; curl: the URL of the bucket. max: bytes of the largest object. Exits on failure. */
void fetch_open(const char *where, size_t max);

/* Returns the bytes that arrived; exits on failure. */
size_t fetch(const char *key);

void fetch_die(const char *what, const char *why) __attribute__((noreturn));

#endif
