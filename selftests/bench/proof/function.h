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
#define OBJECT_MAX	(8U << 20)	/* bytes */

/* One event, JSON; answers it. */
void handle(const char *event, size_t len);

/* Memory for an object, the same at each call, where get and put need no copy if the fabric can do without. */
void *fabric_buffer(void);

/* Returns the object's bytes. Whatever fails ends the process. */
size_t fabric_get(const char *bucket, const char *key, void *buf);

void fabric_put(const char *bucket, const char *key, const void *buf, size_t len);
void fabric_respond(const char *answer, size_t len);

#endif
