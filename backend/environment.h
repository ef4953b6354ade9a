/* SPDX-License-Identifier: GPL-2.0-only */
/* Variables of a function's environment, on the kernel's command line of its microVMs: guest-lib/init/environment.h. */
#ifndef NEXUS_ENVIRONMENT_H
#define NEXUS_ENVIRONMENT_H

#include <stddef.h>

#define COMMAND_LINE_MAX	2047	/* bytes, of a kernel on x86 */

struct function_config;

/* For config_key.c: NAME=VALUE, which is added to the list (char **, ended by NULL). */
const char *environment_parse(void *field, const char *value);

/* What `append` says, and the environment. From malloc; NULL: it has more than COMMAND_LINE_MAX bytes. */
char *environment_command_line(const struct function_config *function);

#endif
