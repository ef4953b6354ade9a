// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "channel.h"
#include "channel_recover.h"
#include "config.h"
#include "grpc_call.h"
#include "log.h"
#include "next.h"
#include "nexus_hypercall.h"
#include "op_core.h"
#include "prefetch.h"
#include "worker_core.h"

static struct nexus_ring_header *channel_header(struct channel *channel)
{
	return (struct nexus_ring_header *)channel->arena.base;
}

/* A state that the guest must learn: published, then woken for. */
static void channel_tell(struct channel *channel, uint32_t state)
{
	struct nexus_ring_header *header = channel_header(channel);

	if (channel->arena.mapped < NEXUS_PAGE_SIZE)
		return;
	nexus_store(&header->host_version, NEXUS_ABI_VERSION);
	nexus_store_release(&header->host_state, state);
	channel->transport->notify(channel);
}

/* Nothing will be completed any more. */
static void channel_forget_slots(struct channel *channel)
{
	worker_in_flight(channel->worker, -(int)channel->in_flight);
	channel->in_flight = 0;
}

void channel_break(struct channel *channel, const char *why)
{
	if (channel->state == CHANNEL_BROKEN)
		return;
	channel->state = CHANNEL_BROKEN;
	log_warning("%s: channel of function %s of tenant %s is broken and no longer served: %s",
		    channel->transport->name, channel->guest->function, channel->guest->tenant->name, why);
	worker_forget(channel);
	op_abandon_all(channel);
	grpc_calls_close(channel);
	instance_gone(channel);
	channel_forget_slots(channel);
	channel_tell(channel, NEXUS_HOST_BROKEN);
}

int channel_attach(struct channel *channel)
{
	struct nexus_ring_header *header = channel_header(channel);
	uint32_t version, nr_slots;

	if (channel->state != CHANNEL_NEW)
		return 0;
	if (channel->arena.size < NEXUS_PAGE_SIZE)
		return -EAGAIN;
	version = nexus_load(&header->version);
	nr_slots = nexus_load(&header->nr_slots);
	if (nexus_load(&header->magic) != NEXUS_RING_MAGIC) {
		channel_break(channel, "the header's magic number is wrong");
		return -EINVAL;
	}
	if (NEXUS_ABI_MAJOR_OF(version) != NEXUS_ABI_MAJOR) {
		channel_break(channel, "the guest library's ABI has another major version: update the older side");
		return -EPROTONOSUPPORT;
	}
	if (nr_slots < NEXUS_MIN_SLOTS || nr_slots > NEXUS_MAX_SLOTS || nr_slots & (nr_slots - 1)) {
		channel_break(channel, "the number of slots is not a power of two from 4 to 256");
		return -EINVAL;
	}
	if (channel->arena.size < NEXUS_CONTROL_SIZE(nr_slots))
		return -EAGAIN;
	channel->slots = calloc(nr_slots, sizeof(*channel->slots));
	if (!channel->slots) {
		channel_break(channel, "not enough memory");
		return -ENOMEM;
	}
	channel->nr_slots = nr_slots;
	channel->control_size = NEXUS_CONTROL_SIZE(nr_slots);
	channel->state = CHANNEL_SERVED;
	nexus_store(&header->host_version, NEXUS_ABI_VERSION);
	nexus_store(&header->host_flags, 0);
	channel->prefetch_hits = nexus_load(&header->prefetch_hits);
	channel->prefetch_useless = nexus_load(&header->prefetch_useless);
	order_tell(channel);
	if (!channel_recover(channel)) {
		channel_break(channel, "indices of the rings are out of range");
		return -EINVAL;
	}
	nexus_store_release(&header->host_state, NEXUS_HOST_ATTACHED);
	worker_activate(channel);	/* the turn's end looks at the ring, and asks for kicks */
	channel->transport->notify(channel);
	return 0;
}

/* The end of what slots in flight may touch, or of the control pages. */
static uint64_t channel_extent(const struct channel *channel)
{
	uint64_t extent = channel->control_size;
	const struct channel_slot *slot;

	for (uint32_t i = 0; i < channel->nr_slots; i++) {
		slot = &channel->slots[i];
		if (!slot->in_flight)
			continue;
		if (slot->data_len && slot->data_off + slot->data_len > extent)
			extent = slot->data_off + slot->data_len;
		if (slot->msg_cap && slot->msg_off + slot->msg_cap > extent)
			extent = slot->msg_off + slot->msg_cap;
	}
	return extent;
}

static void channel_trim(struct channel *channel)
{
	if (channel->trim && channel_extent(channel) <= channel->arena.size) {
		channel->trim = false;
		arena_trim(&channel->arena);
	}
}

void channel_resize(struct channel *channel, uint64_t size)
{
	channel->arena.size = size;
	if (size < channel->control_size && channel->state == CHANNEL_SERVED)
		channel_break(channel, "the arena shrank below its control pages");
	channel->trim = channel->arena.mapped > size && channel->state != CHANNEL_BROKEN;
	if (channel->nr_slots)
		channel_trim(channel);
}

/*
 * The guest grew or shrank its arena and then submitted: the news of the one may
 * come after the other. A guest that lies here names memory that it no longer has.
 */
static void channel_sync(struct channel *channel)
{
	uint32_t gen = nexus_load(&channel_header(channel)->arena_gen);

	if (gen == channel->arena_gen || !channel->transport->sync)
		return;
	channel->arena_gen = gen;
	channel->transport->sync(channel);
}

/* Copy what the guest wrote, each field once. What of it is wrong is op.c's to say. */
static void slot_copy(struct channel_slot *to, const struct nexus_slot *from)
{
	*to = (struct channel_slot){
		.in_flight = true,
		.kind = nexus_load(&from->kind),
		.flags = nexus_load(&from->flags),
		.stream = nexus_load(&from->stream),
		.msg_len = nexus_load(&from->msg_len),
		.msg_cap = nexus_load(&from->msg_cap),
		.msg_off = __atomic_load_n(&from->msg_off, __ATOMIC_RELAXED),
		.data_off = __atomic_load_n(&from->data_off, __ATOMIC_RELAXED),
		.data_len = __atomic_load_n(&from->data_len, __ATOMIC_RELAXED),
		.stream_op = to->stream_op,
	};
}

void channel_slot_begin(struct channel *channel, uint32_t number)
{
	struct nexus_slot *shared = nexus_slot_at(channel->arena.base, number);

	slot_copy(&channel->slots[number], shared);
	channel->in_flight++;
	worker_in_flight(channel->worker, 1);
	/* msg_out 0 in a taken slot: the request message is still intact (see channel_complete()). */
	nexus_store(&shared->msg_out, 0);
	nexus_store_release(&shared->state, NEXUS_SLOT_TAKEN);
}

static bool channel_take_all(struct channel *channel)
{
	struct nexus_ring ring;
	uint32_t ready, number;

	if (channel->state != CHANNEL_SERVED)
		return false;
	ring = nexus_ring_sq(channel->arena.base, channel->nr_slots);
	ready = nexus_ring_ready(&ring, channel->sq_head);
	if (!ready)
		return false;
	if (ready > channel->nr_slots) {
		channel_break(channel, "more submissions than slots");
		return true;
	}
	worker_activate(channel);
	prefetch_count(channel);
	channel_sync(channel);
	while (ready-- && channel->state == CHANNEL_SERVED) {
		number = nexus_ring_peek(&ring, channel->sq_head);
		if (number >= channel->nr_slots) {
			channel_break(channel, "a submission names a slot that does not exist");
			return true;
		}
		if (channel->slots[number].in_flight) {
			channel_break(channel, "a slot was submitted that is in flight already");
			return true;
		}
		/* Taken before the head moves: a daemon's crash in between loses nothing. */
		nexus_store(&nexus_slot_at(channel->arena.base, number)->data_out, channel->taken++);
		channel_slot_begin(channel, number);
		nexus_store_release(&channel_header(channel)->sq_head, ++channel->sq_head);
		op_submit(channel, number);
	}
	return true;
}

bool channel_takes(const struct channel *channel)
{
	return !worker_draining(channel->worker) || channel->invocations;
}

bool channel_take(struct channel *channel)
{
	return channel_takes(channel) && channel_take_all(channel);
}

void channel_publish(struct channel *channel, uint32_t number)
{
	struct nexus_ring ring = nexus_ring_cq(channel->arena.base, channel->nr_slots);

	nexus_ring_push(&ring, &channel->cq_tail, number);
	channel->loud |= !(channel->slots[number].flags & NEXUS_SLOT_QUIET);
	worker_notify_later(channel);
}

void channel_complete(struct channel *channel, uint32_t number, int status, uint32_t flags,
		      uint32_t data_out, const void *msg, uint32_t msg_len)
{
	struct nexus_slot *shared = nexus_slot_at(channel->arena.base, number);
	struct channel_slot *slot = &channel->slots[number];

	/*
	 * The response overwrites the request. msg_out goes first, so that a
	 * daemon that finds the slot taken knows whether it may run it again.
	 */
	nexus_store_release(&shared->msg_out, msg_len);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (msg_len)
		memcpy(channel->arena.base + slot->msg_off, msg, msg_len);
	nexus_store((__u32 *)&shared->status, status);
	nexus_store(&shared->result_flags, flags);
	nexus_store(&shared->data_out, data_out);
	nexus_store_release(&shared->state, NEXUS_SLOT_DONE);

	slot->in_flight = false;
	channel->in_flight--;
	worker_in_flight(channel->worker, -1);
	channel_publish(channel, number);
	channel_trim(channel);
}

static void channel_unmap(struct channel *channel)
{
	worker_forget(channel);
	channel_forget_slots(channel);
	arena_release(&channel->arena);
	free(channel->slots);
	channel->slots = NULL;
}

static void channel_end(struct channel *channel)
{
	channel_tell(channel, NEXUS_HOST_GONE);
	channel_unmap(channel);
	channel->transport->release(channel);
}

void channel_op_gone(struct channel *channel)
{
	if (channel->state == CHANNEL_CLOSING && !channel->ops)
		channel_end(channel);
}

void channel_close(struct channel *channel)
{
	if (channel->state == CHANNEL_CLOSING)
		return;
	/* What the guest submitted before it went it may have called done. */
	channel_take_all(channel);
	worker_forget(channel);
	if (channel->state == CHANNEL_SERVED)
		prefetch_count(channel);
	/* Those that are finished come first, so that none of them ends the channel meanwhile. */
	op_close_all(channel);
	grpc_calls_close(channel);
	channel->state = CHANNEL_CLOSING;
	instance_gone(channel);
	channel_op_gone(channel);
}

void channel_abandon(struct channel *channel)
{
	channel->state = CHANNEL_BROKEN;	/* the end of its last operation is not its end */
	op_abandon_all(channel);
	grpc_calls_close(channel);
	instance_gone(channel);
	channel_unmap(channel);
}
