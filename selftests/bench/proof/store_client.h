/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of the store for those who have a network: libcurl, one connection that is kept alive, requests signed by the
 * daemon's own signer (libcurl's own takes 300,000 instructions more). Whatever fails ends the process.
 */
#ifndef STORE_CLIENT_H
#define STORE_CLIENT_H

#include <stddef.h>

void store_open(const char *host);	/* ADDRESS[:PORT] */

/* Returns the object's bytes, cap at most. */
size_t store_get(const char *bucket, const char *key, void *buf, size_t cap);

/* The payload's hash is part of the signature, as S3 wants it over plain HTTP. */
void store_put(const char *bucket, const char *key, const void *buf, size_t len);

/* Invokes a function; returns the answer's bytes, cap at most. */
size_t store_call(const char *function, const char *payload, size_t len, char *answer, size_t cap);

#endif
