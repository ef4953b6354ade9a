/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the first process of a microVM has to do beside serving. */
#ifndef INIT_BOOT_H
#define INIT_BOOT_H

#include <sys/types.h>

struct command {
	uid_t uid;
	gid_t gid;
	const char *dir;	/* working directory */
	char **argv;		/* NULL-terminated; NULL: none */
};

/* Mount the kernel's file systems, open the console, bring up lo. */
void boot_prepare(void);

/* Arguments, one a line, after argv[0]. NULL: no such file, or no memory. */
char **boot_read_arguments(const char *path, char *argv0, int *argc);

/* Start it. Its process id, or a negative errno. */
pid_t boot_start(const struct command *cmd);

/* Reap every child that ended. True: pid was among them, *status is its exit status (128+N: signal N). */
int boot_reap(pid_t pid, int *status);

/* Does not return. */
void boot_power_off(void) __attribute__((noreturn));

#endif
