/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The environment that the host's configuration gives a function. It comes on the kernel's command line, a word
 * nexus.env=NAME=VALUE for each variable, the value percent-encoded.
 */
#ifndef INIT_ENVIRONMENT_H
#define INIT_ENVIRONMENT_H

#include <stddef.h>

/* Take the variables out of a file with such a line, in place of those that are set. How many; what is malformed is left out. */
size_t environment_read(const char *path);

#endif
