/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A libcurl multi handle driven from a worker's loop. It brings connections
 * up; who moves bytes over them afterwards waits on his own (conn.c).
 */
#ifndef NEXUS_CURLIO_H
#define NEXUS_CURLIO_H

#include <curl/curl.h>

struct curlio;
struct loop;

/* done: a transfer ended; called from the loop, never from within curlio_add(). */
struct curlio *curlio_new(struct loop *loop, void (*done)(CURL *easy, CURLcode code));

/* Every easy handle was removed before. */
void curlio_free(struct curlio *io);

/* Start a transfer. 0 or -ENOMEM. */
int curlio_add(struct curlio *io, CURL *easy);

/* Closes the connection of a CONNECT_ONLY handle, too. Not from within libcurl's callbacks. */
void curlio_remove(struct curlio *io, CURL *easy);

#endif
