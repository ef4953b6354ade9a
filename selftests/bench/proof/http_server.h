/* SPDX-License-Identifier: GPL-2.0-only */
/* The least server of HTTP/1.1 for one caller at a time, who keeps his connection. Whatever fails ends the process. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stddef.h>

void http_listen(int port);

/* Waits for the next request; its body is good until the next call. */
const char *http_next(size_t *len);

void http_answer(const char *body, size_t len);

#endif
