// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <string.h>
#include "channel.h"
#include "hypercall.h"

int nexus_info(struct nexus *nx, struct nexus_info *info)
{
	struct nexus_info have;
	size_t size = info->size;

	if (size < sizeof(info->size))
		return -EINVAL;

	CHANNEL_LOCK(nx);
	have = (struct nexus_info){
		.size = size < sizeof(have) ? size : sizeof(have),
		.transport = nx->transport->ops->name,
		.host_version = nexus_load(&nx->header->host_version),
		.slots = nx->nr_slots,
		.arena_size = nx->arena.size,
		.arena_max = nx->arena.max,
		.arena_used = nx->arena.used,
		.requests = nx->requests,
		.kicks = nx->kicks,
		.waits = __atomic_load_n(&nx->waits, __ATOMIC_RELAXED),
		.resizes = nx->resizes,
		.prefetches = nx->prefetched,
		.prefetch_hits = nx->prefetch_hits,
		.prefetch_useless = nx->prefetch_useless,
		.copied = __atomic_load_n(&nx->copied, __ATOMIC_RELAXED),
	};
	memcpy(info, &have, have.size);
	return 0;
}

int nexus_probe(uint32_t *version)
{
	long ret = hypercall_probe();

	if (ret < 0)
		return ret;
	*version = ret;
	return 0;
}
