// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Arena memory for callers. */
#include <errno.h>
#include "channel.h"

void *nexus_alloc(struct nexus *nx, size_t size)
{
	CHANNEL_LOCK(nx);
	ssize_t off = channel_alloc(nx, size);

	if (off < 0) {
		errno = -off;
		return NULL;
	}
	return channel_at(nx, off);
}

void nexus_free(struct nexus *nx, void *ptr)
{
	if (!ptr)
		return;

	CHANNEL_LOCK(nx);
	channel_free(nx, (char *)ptr - (char *)nx->header);
	channel_shrink_idle(nx, channel_now());
}

int nexus_trim(struct nexus *nx)
{
	CHANNEL_LOCK(nx);
	return channel_shrink(nx);
}
