// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the journal to the store. The journal is a guest of its own daemon: one
 * channel for each tenant, in private memory, whose puts take the way of all
 * others, policy and retries included. A put that fails is tried again for ever:
 * it was acknowledged. Only one that is refused time after time is moved aside.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "channel.h"
#include "config.h"
#include "container.h"
#include "journal_core.h"
#include "log.h"
#include "nexus_hypercall.h"
#include "retry.h"
#include "worker_core.h"

#define LANES		4U		/* objects at a time, of one tenant */
#define LANE_SLOTS	2U		/* the request's, and one for each window that follows */
#define LANE_WINDOW	(256U << 10)
#define LANE_ANSWER	4096U		/* room for what ends a stream of windows */
#define LANE_MEMORY	(NEXUS_MSG_MAX + LANE_ANSWER + LANE_WINDOW)
#define RETRY_FIRST_MS	200U
#define RETRY_LAST_MS	30000U

struct lane {
	struct journal_uploader *uploader;
	struct record *record;		/* NULL: idle */
	uint64_t base;			/* of its memory in the arena */
	uint64_t sent;			/* bytes submitted */
	uint32_t chunk;			/* bytes that are being read */
	struct loop_io read;
};

struct journal_uploader {
	struct journal_uploader *next;
	const struct tenant *tenant;
	struct guest guest;
	struct channel channel;
	struct worker_client client;
	struct nexus_ring sq, cq;
	uint32_t sq_tail, cq_head;
	struct record *ready, **ready_tail;
	struct lane lanes[LANES];
};

static struct journal_uploader *uploaders;

static void upload_next(struct journal_uploader *uploader);

/* ---- one record ---- */

static void record_marked(struct journal_sync *sync, int status)
{
	struct record *record = container_of(sync, struct record, sync);

	if (status)
		log_error("journal: a record that is done cannot be marked so: a restart will store it again");
	record_done(record);
}

static void record_mark_written(struct loop_io *io, int res)
{
	struct record *record = container_of(io, struct record, io);

	record->sync.done = record_marked;
	if (res == sizeof(record->footer))
		journal_flush(record->segment, &record->sync);
	else
		record_marked(&record->sync, -EIO);
}

/* The mark is durable before the next write of this key begins: a replay never brings this one after it. */
void record_mark(struct record *record)
{
	int ret;

	journal_seal_footer(&record->footer, record->segment->nonce, true);
	record->io.done = record_mark_written;
	ret = loop_write(journal.loop, &record->io, record->segment->fd, &record->footer, sizeof(record->footer),
			 record->footer_offset);
	if (ret)
		record_mark_written(&record->io, ret);
}

static void record_retry(struct loop_timer *timer)
{
	upload_ready(container_of(timer, struct record, retry));
}

void record_wait(struct record *record)
{
	uint32_t delay = RETRY_FIRST_MS << (record->attempts < 8 ? record->attempts : 8);

	if (delay > RETRY_LAST_MS)
		delay = RETRY_LAST_MS;
	record->attempts++;
	record->retry.expired = record_retry;
	loop_timer_start(journal.loop, &record->retry, delay / 2 + random() % (delay / 2));
}

/* ---- lanes ---- */

/*
 * Would the same be answered tomorrow? Not to what failed on the way, or because
 * of load, or within the store. What the operator can remedy (rights, keys, a
 * bucket that is missing) is a refusal, too: that is why one is not enough.
 */
static bool is_refusal(uint32_t http_status, const char *code)
{
	if (!http_status)
		return !strcmp(code, "NexusPolicyDenied") || !strcmp(code, "NexusBadRequest");
	return ((http_status >= 300 && http_status < 500) || http_status == 501) &&
	       retry_classify(http_status, code) == RETRY_NEVER;
}

static void lane_end(struct lane *lane, int status, uint32_t http_status, const char *code, const char *message)
{
	struct record *record = lane->record;

	lane->record = NULL;
	if (status)
		record->refusals = is_refusal(http_status, code) ? record->refusals + 1 : 0;
	if (!status) {
		record_mark(record);
	} else if (record->refusals == journal.config->journal_attempts) {
		record_refuse(record, http_status, code, message);
	} else {
		__atomic_add_fetch(&journal_stats.retries, 1, __ATOMIC_RELAXED);
		log_warning("journal: a write of function %s of tenant %s is tried again: %s: %s", record->head.function,
			    record->head.tenant, code, message);
		record_wait(record);
	}
	upload_next(lane->uploader);
}

static void lane_submit(struct lane *lane)
{
	struct journal_uploader *uploader = lane->uploader;
	const struct journal_header *head = &lane->record->head;
	uint32_t number = (lane - uploader->lanes) * LANE_SLOTS + !!lane->sent;
	struct nexus_slot *slot = nexus_slot_at(uploader->channel.arena.base, number);
	uint64_t data = lane->base + NEXUS_MSG_MAX + LANE_ANSWER;
	bool fin = lane->sent + lane->chunk == head->payload_len;

	if (!lane->sent) {
		memcpy(uploader->channel.arena.base + lane->base, head + 1, head->request_len);
		*slot = (struct nexus_slot){
			.kind = NEXUS_SLOT_REQUEST, .msg_off = lane->base, .msg_len = head->request_len,
			.msg_cap = NEXUS_MSG_MAX,
		};
	} else {
		*slot = (struct nexus_slot){
			.kind = NEXUS_SLOT_WINDOW, .stream = number - 1, .msg_off = lane->base + NEXUS_MSG_MAX,
			.msg_cap = LANE_ANSWER,
		};
	}
	slot->flags = fin ? NEXUS_SLOT_FIN : 0;
	slot->data_off = data;
	slot->data_len = lane->chunk;
	lane->sent += lane->chunk;
	nexus_ring_push(&uploader->sq, &uploader->sq_tail, number);
	channel_take(&uploader->channel);
}

static void lane_read_done(struct loop_io *io, int res)
{
	struct lane *lane = container_of(io, struct lane, read);

	if (res == (int)lane->chunk)
		lane_submit(lane);
	else if (lane->sent)
		log_error("journal: %s while reading a record: its upload will time out, and begin anew",
			  res < 0 ? strerror(-res) : "end of file");
	else
		lane_end(lane, -EIO, 0, "NexusInternal", res < 0 ? strerror(-res) : "end of file");
}

/* The next window: from the file into the lane's memory, and on. */
static void lane_go_on(struct lane *lane)
{
	const struct record *record = lane->record;
	uint64_t left = record->head.payload_len - lane->sent;
	int ret;

	lane->chunk = left < LANE_WINDOW ? left : LANE_WINDOW;
	if (!lane->chunk) {
		lane_submit(lane);
		return;
	}
	lane->read.done = lane_read_done;
	ret = loop_read(journal.loop, &lane->read, record->segment->fd,
			lane->uploader->channel.arena.base + lane->base + NEXUS_MSG_MAX + LANE_ANSWER, lane->chunk,
			record->offset + journal_head_size(record->head.request_len) + lane->sent);
	if (ret)
		lane_read_done(&lane->read, ret);
}

static void lane_completed(struct lane *lane, const struct nexus_slot *slot)
{
	Nexus__V1__Response *response = NULL;
	const Nexus__V1__Error *error;

	if (slot->result_flags & NEXUS_SLOT_MORE) {
		lane_go_on(lane);
		return;
	}
	if (slot->status && slot->msg_out)
		response = nexus__v1__response__unpack(NULL, slot->msg_out,
				(uint8_t *)lane->uploader->channel.arena.base + slot->msg_off);
	error = response ? response->error : NULL;
	lane_end(lane, slot->status, response ? response->http_status : 0, error ? error->code : "NexusInternal",
		 error ? error->message : strerror(-slot->status));
	if (response)
		nexus__v1__response__free_unpacked(response, NULL);
}

static void upload_next(struct journal_uploader *uploader)
{
	struct record *record;

	for (struct lane *lane = uploader->lanes; lane < uploader->lanes + LANES && uploader->ready; lane++) {
		if (lane->record)
			continue;
		record = uploader->ready;
		uploader->ready = record->next_ready;
		if (!uploader->ready)
			uploader->ready_tail = &uploader->ready;
		lane->record = record;
		lane->sent = 0;
		lane_go_on(lane);
	}
}

/* ---- the channel ---- */

static void uploader_notify(struct channel *channel)
{
	struct journal_uploader *uploader = container_of(channel, struct journal_uploader, channel);
	struct nexus_ring_header *header = (struct nexus_ring_header *)channel->arena.base;
	struct nexus_slot *slot;
	uint32_t number;

	while (channel->state == CHANNEL_SERVED && nexus_ring_ready(&uploader->cq, uploader->cq_head)) {
		number = nexus_ring_peek(&uploader->cq, uploader->cq_head);
		slot = nexus_slot_at(channel->arena.base, number);
		nexus_store(&slot->state, NEXUS_SLOT_FREE);
		nexus_store_release(&header->cq_head, ++uploader->cq_head);
		lane_completed(&uploader->lanes[number / LANE_SLOTS], slot);
	}
}

static void uploader_release(struct channel *channel)
{
	(void)channel;
}

static const struct channel_transport uploader_transport = {
	.name = "journal",
	.notify = uploader_notify,
	.release = uploader_release,
};

static void uploader_abandon(struct worker_client *client)
{
	struct journal_uploader *uploader = container_of(client, struct journal_uploader, client);

	worker_remove(client);
	channel_abandon(&uploader->channel);
}

static int uploader_memory(struct journal_uploader *uploader)
{
	struct arena *arena = &uploader->channel.arena;
	uint64_t control = NEXUS_CONTROL_SIZE(LANES * LANE_SLOTS), size = control + LANES * LANE_MEMORY;
	struct nexus_ring_header *header;
	int fd, ret;

	fd = memfd_create("nexus-journal", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = ftruncate(fd, size) ? -errno : arena_reserve(arena);
	if (!ret)
		ret = arena_map(arena, 0, size, fd, 0);
	close(fd);
	if (ret)
		return ret;
	arena->size = size;
	header = (struct nexus_ring_header *)arena->base;
	header->magic = NEXUS_RING_MAGIC;
	header->version = NEXUS_ABI_VERSION;
	header->nr_slots = LANES * LANE_SLOTS;
	header->guest_flags = NEXUS_GUEST_NEED_WAKE;	/* notify() is called whenever something completed */
	uploader->sq = nexus_ring_sq(arena->base, header->nr_slots);
	uploader->cq = nexus_ring_cq(arena->base, header->nr_slots);
	for (uint32_t i = 0; i < LANES; i++)
		uploader->lanes[i] = (struct lane){ .uploader = uploader, .base = control + i * LANE_MEMORY };
	return 0;
}

static struct journal_uploader *uploader_new(const struct tenant *tenant)
{
	struct journal_uploader *uploader = calloc(1, sizeof(*uploader));

	if (!uploader)
		return NULL;
	uploader->tenant = tenant;
	uploader->guest.tenant = tenant;
	uploader->guest.internal = true;
	strcpy(uploader->guest.function, "journal");
	uploader->channel.worker = journal.worker;
	uploader->channel.transport = &uploader_transport;
	uploader->channel.guest = &uploader->guest;
	uploader->client.abandon = uploader_abandon;
	uploader->ready_tail = &uploader->ready;
	if (uploader_memory(uploader) || channel_attach(&uploader->channel)) {
		arena_release(&uploader->channel.arena);
		free(uploader);
		return NULL;
	}
	worker_add(journal.worker, &uploader->client);
	uploader->next = uploaders;
	uploaders = uploader;
	return uploader;
}

static struct journal_uploader *uploader_of(const struct tenant *tenant)
{
	struct journal_uploader *uploader = uploaders;

	while (uploader && uploader->tenant != tenant)
		uploader = uploader->next;
	return uploader ? uploader : uploader_new(tenant);
}

void upload_ready(struct record *record)
{
	const struct tenant *tenant = config_tenant(journal.config, record->head.tenant);
	struct journal_uploader *uploader;

	if (!tenant) {
		__atomic_add_fetch(&journal_stats.orphaned, 1, __ATOMIC_RELAXED);
		log_warning("journal: a write of tenant %s, which is not configured, is kept: "
			    "configure the tenant and restart", record->head.tenant);
		return;
	}
	uploader = uploader_of(tenant);
	if (!uploader) {
		record_wait(record);
		return;
	}
	record->next_ready = NULL;
	*uploader->ready_tail = record;
	uploader->ready_tail = &record->next_ready;
	upload_next(uploader);
}
