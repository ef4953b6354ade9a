// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recovery after a crash of the daemon. The arena is as untrusted here as ever:
 * a guest that lies about its slots confuses its own requests only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "channel.h"
#include "channel_recover.h"
#include "op_core.h"

struct recovery {
	bool queued[NEXUS_MAX_SLOTS];	/* in the submission ring: will be taken anew */
	bool published[NEXUS_MAX_SLOTS];	/* in the completion ring */
	bool answered[NEXUS_MAX_SLOTS];	/* its response had begun to overwrite its request */
	bool reset[NEXUS_MAX_SLOTS];		/* a stream that lost a piece of itself */
	uint32_t taken[NEXUS_MAX_SLOTS];	/* in flight when the daemon died, oldest first */
	uint32_t age[NEXUS_MAX_SLOTS];		/* submissions taken since */
	uint32_t nr_taken;
};

/* By age, as the slots tell it; equal ones, which only a lying guest has, stay as they are. */
static void recovery_insert(struct recovery *recovery, uint32_t number, uint32_t age)
{
	uint32_t at = recovery->nr_taken++;

	recovery->age[number] = age;
	for (; at && recovery->age[recovery->taken[at - 1]] < age; at--)
		recovery->taken[at] = recovery->taken[at - 1];
	recovery->taken[at] = number;
}

/* One more than the newest submission taken, in the wrapping order of any slot in flight. */
static uint32_t recovery_newest(const struct channel *channel, const struct recovery *recovery)
{
	uint32_t newest = 0, seq;
	const struct nexus_slot *slot;
	bool any = false;

	for (uint32_t number = 0; number < channel->nr_slots; number++) {
		slot = nexus_slot_at(channel->arena.base, number);
		if (recovery->queued[number] || recovery->published[number] ||
		    nexus_load(&slot->state) != NEXUS_SLOT_TAKEN)
			continue;
		seq = nexus_load(&slot->data_out) + 1;
		if (!any || (int32_t)(seq - newest) > 0)
			newest = seq;
		any = true;
	}
	return newest;
}

static void recovery_scan(struct channel *channel, struct recovery *recovery, uint32_t cq_head, uint32_t sq_tail)
{
	struct nexus_ring sq = nexus_ring_sq(channel->arena.base, channel->nr_slots);
	struct nexus_ring cq = nexus_ring_cq(channel->arena.base, channel->nr_slots);
	struct nexus_slot *slot;
	uint32_t number, state;

	for (uint32_t i = cq_head; i != channel->cq_tail; i++) {
		number = nexus_ring_peek(&cq, i);
		if (number < channel->nr_slots)
			recovery->published[number] = true;
	}
	for (uint32_t i = channel->sq_head; i != sq_tail; i++) {
		number = nexus_ring_peek(&sq, i);
		if (number < channel->nr_slots)
			recovery->queued[number] = true;
	}
	channel->taken = recovery_newest(channel, recovery);
	for (number = 0; number < channel->nr_slots; number++) {
		slot = nexus_slot_at(channel->arena.base, number);
		state = nexus_load_acquire(&slot->state);
		if (recovery->queued[number] || recovery->published[number])
			continue;
		if (state == NEXUS_SLOT_DONE) {
			channel_publish(channel, number);
		} else if (state == NEXUS_SLOT_TAKEN) {
			recovery->answered[number] = nexus_load(&slot->msg_out);
			recovery_insert(recovery, number, channel->taken - nexus_load(&slot->data_out));
		}
	}
}

/* A stream that lost its request, or a window that the guest was told of in part, is reset. */
static void recovery_judge(struct channel *channel, struct recovery *recovery)
{
	uint32_t number, stream;

	for (uint32_t i = 0; i < recovery->nr_taken; i++) {
		number = recovery->taken[i];
		if (channel->slots[number].kind != NEXUS_SLOT_WINDOW)
			continue;
		stream = channel->slots[number].stream;
		if (stream < channel->nr_slots && recovery->answered[number])
			recovery->reset[stream] = true;
	}
}

static void recovery_run(struct channel *channel, struct recovery *recovery, uint32_t number)
{
	struct channel_slot *slot = &channel->slots[number];
	uint32_t stream = slot->kind == NEXUS_SLOT_REQUEST ? number : slot->stream;

	if (recovery->answered[number] || (stream < channel->nr_slots && recovery->reset[stream]))
		op_refuse(channel, number, -ECONNRESET, "NexusConnectionLost",
			  "the daemon restarted while this was in flight");
	else
		op_resubmit(channel, number);
}

bool channel_recover(struct channel *channel)
{
	struct nexus_ring_header *header = (struct nexus_ring_header *)channel->arena.base;
	struct recovery recovery = { 0 };
	uint32_t cq_head, sq_tail;

	/* First, as the guest frees a slot before it moves cq_head: nothing is published twice. */
	cq_head = nexus_load_acquire(&header->cq_head);
	channel->cq_tail = nexus_load(&header->cq_tail);
	channel->sq_head = nexus_load(&header->sq_head);
	sq_tail = nexus_load_acquire(&header->sq_tail);
	if (channel->cq_tail - cq_head > channel->nr_slots || sq_tail - channel->sq_head > channel->nr_slots)
		return false;
	recovery_scan(channel, &recovery, cq_head, sq_tail);
	/* All of them are in flight before the first can end. */
	for (uint32_t i = 0; i < recovery.nr_taken; i++)
		channel_slot_begin(channel, recovery.taken[i]);
	recovery_judge(channel, &recovery);
	for (uint32_t i = 0; i < recovery.nr_taken; i++)
		recovery_run(channel, &recovery, recovery.taken[i]);
	return true;
}
