/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Variables that clean up when they go out of scope: the error idiom here. */
#ifndef CLEANUP_H
#define CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

/* The caller takes over: the variable's scope no longer cleans up. */
static inline int take_fd(int *fd)
{
	int ret = *fd;

	*fd = -1;
	return ret;
}

#define take_ptr(p)	({ __typeof__(p) __taken = (p); (p) = NULL; __taken; })

#define autoclose	__attribute__((cleanup(cleanup_close)))
#define autofree	__attribute__((cleanup(cleanup_free)))

#endif
