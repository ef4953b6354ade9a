/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXUS_CHANNEL_RECOVER_H
#define NEXUS_CHANNEL_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

struct channel;

/*
 * Take over what an earlier daemon left in the slots (nexus_ring.h, "Crash of
 * the daemon"); a fresh arena has nothing to take over. Sets sq_head and
 * cq_tail. False if the indices break the rules.
 */
bool channel_recover(struct channel *channel);

/* channel.c: */
/* Copy the slot and own it. */
void channel_slot_begin(struct channel *channel, uint32_t number);
/* Put the number into the completion ring. */
void channel_publish(struct channel *channel, uint32_t number);

#endif
