/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys from a metadata service: IMDSv2 (a token, the role's name, its keys) or
 * the endpoint of containers (one request). In the main thread, by libcurl.
 */
#ifndef NEXUS_METADATA_H
#define NEXUS_METADATA_H

#include <curl/curl.h>

struct credentials;
struct curlio;
struct key_source;
struct metadata;

/* The curlio's callback. */
void metadata_done(CURL *easy, CURLcode code);

/*
 * Ask. done() is called once, from the loop, never from within this: with keys
 * that it owns then, or with NULL and why. NULL: no memory.
 */
struct metadata *metadata_ask(struct curlio *io, const struct key_source *source,
			      void (*done)(void *arg, struct credentials *credentials, const char *error),
			      void *arg);

/* No longer interested; not from within done(). */
void metadata_abort(struct metadata *metadata);

#endif
