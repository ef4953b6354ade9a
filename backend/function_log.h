/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What functions print, for the operator: into the journal, if standard error leads there (systemd
 * says so by JOURNAL_STREAM), with the fields NEXUS_FUNCTION, NEXUS_TENANT and NEXUS_REQUEST_ID, which
 * nexusctl function logs asks for; else a line each on standard error. At most FUNCTION_LOG_LINES of a function in
 * FUNCTION_LOG_MS; what is dropped is counted and said. Any thread may call.
 */
#ifndef NEXUS_FUNCTION_LOG_H
#define NEXUS_FUNCTION_LOG_H

#include <stddef.h>

struct function;

#define FUNCTION_LOG_LINES	1000
#define FUNCTION_LOG_MS		10000

/* id: of the invocation; "": none. Control characters are replaced. */
void function_log(struct function *function, const char *id, const char *text, size_t len);

#endif
