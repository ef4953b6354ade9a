/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cleanup attributes: the error idiom of user space. A local that owns
 * something carries one; returning hands it over with take_ptr() or take_fd().
 */
#ifndef NEXUS_CLEANUP_H
#define NEXUS_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define auto_free	__attribute__((cleanup(cleanup_free)))
#define auto_close	__attribute__((cleanup(cleanup_close)))
#define auto_fclose	__attribute__((cleanup(cleanup_fclose)))

/* Hand over ownership: the variable no longer cleans up. */
#define take_ptr(p)	({ __auto_type taken_ = (p); (p) = NULL; taken_; })

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
