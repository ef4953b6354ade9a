// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <time.h>
#include "../uapi/nexus_hypercall.h"
#include "channel.h"
#include "op.h"

#define TAIL_IDLE_NS	1000000000LL	/* longer than between two requests of a busy function */

int64_t channel_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int64_t channel_deadline(int64_t timeout_ms)
{
	return timeout_ms < 0 ? FOREVER : channel_now() + timeout_ms * 1000000;
}

static int channel_grow(struct nexus *nx, size_t size)
{
	size_t from = nx->arena.size, to = arena_grow_to(&nx->arena, size);
	int ret;

	if (!to)
		return -ENOSPC;
	/* Our books first: they must not fail once the host has the pages. */
	ret = arena_extend(&nx->arena, to);
	if (ret)
		return ret;
	ret = nx->transport->ops->grow(nx->transport, to);
	if (ret) {
		arena_truncate(&nx->arena, from);
		return ret;
	}
	nx->resizes++;
	return 0;
}

ssize_t channel_alloc(struct nexus *nx, size_t size)
{
	ssize_t off = arena_alloc(&nx->arena, size);

	while (off == -ENOSPC) {
		int ret = channel_grow(nx, size);

		if (ret)
			return ret;
		off = arena_alloc(&nx->arena, size);
	}
	if (off >= 0 && off + size > nx->transport->size)
		nx->tail_used = channel_now();
	return off;
}

void channel_free(struct nexus *nx, size_t off)
{
	arena_free(&nx->arena, off);
}

int channel_shrink(struct nexus *nx)
{
	size_t size;
	int ret;

	op_spares_trim(nx);
	size = arena_shrink_to(&nx->arena);
	if (size == nx->arena.size)
		return 0;
	ret = nx->transport->ops->shrink(nx->transport, size);
	if (ret)
		return ret;
	nx->resizes++;
	arena_truncate(&nx->arena, size);
	return 0;
}

void channel_shrink_idle(struct nexus *nx, int64_t now)
{
	if (nx->arena.size > nx->transport->size && now - nx->tail_used > TAIL_IDLE_NS) {
		nx->tail_used = now;
		/* What stays is only memory: try again later. */
		channel_shrink(nx);
	}
}
