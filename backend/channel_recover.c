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
	bool taken[NEXUS_MAX_SLOTS];	/* in flight when the daemon died */
	bool answered[NEXUS_MAX_SLOTS];	/* its response had begun to overwrite its request */
	bool reset[NEXUS_MAX_SLOTS];		/* a stream that cannot be run again */
	uint32_t order[NEXUS_MAX_SLOTS];	/* 1 + age in the submission ring; 0: unknown */
};

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
	/* Entries before the head that the guest has not overwritten yet tell the order. */
	for (uint32_t age = 1; age <= channel->nr_slots - (sq_tail - channel->sq_head); age++) {
		number = nexus_ring_peek(&sq, channel->sq_head - age);
		if (number < channel->nr_slots && !recovery->order[number])
			recovery->order[number] = age;
	}
	for (number = 0; number < channel->nr_slots; number++) {
		slot = nexus_slot_at(channel->arena.base, number);
		state = nexus_load_acquire(&slot->state);
		if (recovery->queued[number] || recovery->published[number])
			continue;
		if (state == NEXUS_SLOT_DONE) {
			channel_publish(channel, number);
		} else if (state == NEXUS_SLOT_TAKEN) {
			recovery->taken[number] = true;
			recovery->answered[number] = nexus_load(&slot->msg_out);
			channel_slot_begin(channel, number);
		}
	}
}

/* A stream whose windows cannot be put in order again, or lost its request, is reset. */
static void recovery_judge(struct channel *channel, struct recovery *recovery)
{
	uint32_t stream;

	for (uint32_t number = 0; number < channel->nr_slots; number++) {
		if (!recovery->taken[number] || channel->slots[number].kind != NEXUS_SLOT_WINDOW)
			continue;
		stream = channel->slots[number].stream;
		if (stream < channel->nr_slots && (recovery->answered[number] || !recovery->order[number]))
			recovery->reset[stream] = true;
	}
}

static void recovery_run(struct channel *channel, struct recovery *recovery, uint32_t number)
{
	struct channel_slot *slot = &channel->slots[number];
	uint32_t stream = slot->kind == NEXUS_SLOT_REQUEST ? number : slot->stream;

	recovery->taken[number] = false;
	if (recovery->answered[number] || (stream < channel->nr_slots && recovery->reset[stream]))
		op_refuse(channel, number, -ECONNRESET, "NexusConnectionLost",
			  "the daemon restarted while this was in flight");
	else
		op_resubmit(channel, number);
}

/* Requests first: their order does not matter, they ran side by side. Then windows, oldest first. */
static void recovery_rerun(struct channel *channel, struct recovery *recovery)
{
	uint32_t number, oldest;

	for (number = 0; number < channel->nr_slots; number++) {
		if (recovery->taken[number] && channel->slots[number].kind == NEXUS_SLOT_REQUEST)
			recovery_run(channel, recovery, number);
	}
	do {
		oldest = channel->nr_slots;
		for (number = 0; number < channel->nr_slots; number++) {
			if (recovery->taken[number] && (oldest == channel->nr_slots ||
							recovery->order[number] > recovery->order[oldest]))
				oldest = number;
		}
		if (oldest < channel->nr_slots)
			recovery_run(channel, recovery, oldest);
	} while (oldest < channel->nr_slots);
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
	recovery_judge(channel, &recovery);
	recovery_rerun(channel, &recovery);
	return true;
}
