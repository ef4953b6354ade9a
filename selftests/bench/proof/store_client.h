/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of the store for those who have a network: libcurl, one connection that is kept alive, requests signed by the
 * daemon's own signer (libcurl's own takes 300,000 instructions more). Whatever fails ends the process.
 */
#ifndef STORE_CLIENT_H
#define STORE_CLIENT_H

#include <stddef.h>

/* As libcurl's callbacks: take gets what arrives, give fills a buffer and returns its bytes. */
typedef size_t store_take(char *data, size_t size, size_t n, void *arg);
typedef size_t store_give(char *data, size_t size, size_t n, void *arg);

void store_open(const char *host);	/* ADDRESS[:PORT] */

void store_get(const char *bucket, const char *key, store_take *take, void *arg);
/* hash: of the payload, as sigv4_hash() writes it; NULL: the payload is not signed. */
void store_put(const char *bucket, const char *key, size_t len, const char *hash, store_give *give, void *arg);

#endif
