/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmark's function in C, and the communication fabric that it stands on: one of fabric_*.c. As a module
 * of WebAssembly the function imports these calls.
 */
#ifndef FUNCTION_H
#define FUNCTION_H

#include <stddef.h>
#include <stdint.h>

#define NAME_SIZE	256		/* of a bucket's or a key's name, with its NUL */
#define EVENT_MAX	(64U << 10)	/* bytes of an event */
#define OBJECT_MAX	(8U << 20)	/* bytes */
#define RESULT_MAX	(256U << 10)	/* bytes of what a work makes of an object */

/* One event, JSON; answers it. */
void handle(const char *event, size_t len);

/* Of a module only: EVENT_MAX bytes for an event. */
char *event_room(void);

/* What is done to an object; returns the bytes written, which fit. Whatever cannot be ends the process. */
size_t function_gzip(const void *data, size_t len, void *out, size_t cap);	/* zlib's format, level 6 */
size_t function_thumbnail(const void *data, size_t len, void *out, size_t cap);	/* a JPEG's, one of 128 pixels */

/*
 * Memory for an object, or (OBJECT_OUT) for RESULT_MAX bytes, where get and put need no copy if the fabric can do
 * without: ask again after fabric_get(), which may move it.
 */
enum fabric_object { OBJECT_IN, OBJECT_OUT };
void *fabric_buffer(enum fabric_object which);

/* Returns the object's bytes. Whatever fails ends the process. */
size_t fabric_get(const char *bucket, const char *key, void *buf);

void fabric_put(const char *bucket, const char *key, const void *buf, size_t len);

/* Another function's answer to an event, the payload, by Lambda's API. Returns its bytes. */
size_t fabric_call(const char *function, const char *payload, size_t len, char *answer, size_t cap);

void fabric_respond(const char *answer, size_t len);

#endif
