/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest asks for ahead of need gives way to what it waits for: few at a time, and none
 * while the guest is near its limit of operations.
 */
#ifndef NEXUS_PREFETCH_H
#define NEXUS_PREFETCH_H

struct channel;

extern const struct gate prefetch_gate;

/* Add to the worker's counters what the guest says became of its prefetches since the last time. */
void prefetch_count(struct channel *channel);

#endif
