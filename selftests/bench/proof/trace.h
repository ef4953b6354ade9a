/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of several functions at given times. FILE: a line "MS FUNCTION" for each, in order, FUNCTION from 1 on; first
 * "KEEP_ALIVE_MS MANAGED". A managed function's instance is started and ended here, by `/init clone FUNCTION` and
 * `/init end FUNCTION`, and reached through the device vrfFUNCTION; the path of others gets the number at its end.
 *
 * The output is as of a batch and of single invocations, and "TRACE {...}": the mean memory in use, in KiB.
 */
#ifndef TRACE_H
#define TRACE_H

/* arguments: NAME ADDRESS PORT PATH EVENT. Returns the exit status. */
int trace_run(const char *file, char **arguments);

#endif
