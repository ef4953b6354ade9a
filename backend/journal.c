// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config.h"
#include "container.h"
#include "journal_core.h"
#include "log.h"
#include "worker.h"
#include "writes.h"

#define KEY_BUCKETS	4096U

struct journal journal = { .dir = -1 };
struct journal_stats journal_stats;

/* Pending records of a key, oldest first, among others that hash alike. */
static struct record *keys[KEY_BUCKETS];
static struct journal_wait *waits;

bool journal_enabled(void)
{
	return journal.dir >= 0;
}

/* ---- records ---- */

static uint32_t record_hash(const struct record *record)
{
	const char *const texts[] = { record->head.tenant, record->head.function, record->name.bucket, record->name.key };
	uint32_t hash = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		hash = journal_crc(hash, texts[i], strlen(texts[i]) + 1);
	return hash;
}

int record_prepare(struct record *record)
{
	struct order_name names[ORDER_NAMES_MAX];

	record->request = nexus__v1__request__unpack(NULL, record->head.request_len, (uint8_t *)(&record->head + 1));
	if (!record->request || record->request->op_case != NEXUS__V1__REQUEST__OP_PUT_OBJECT)
		return -EINVAL;
	order_names(record->request, names);
	record->name = names[0];
	record->tenant = writes_of(record->head.tenant);
	record->hash = record_hash(record);
	return record->tenant ? 0 : -ENOMEM;
}

void record_free(struct record *record)
{
	if (!record)
		return;
	if (record->request)
		nexus__v1__request__free_unpacked(record->request, NULL);
	free(record);
}

static bool record_same_key(const struct record *a, const struct record *b)
{
	return a->hash == b->hash && !strcmp(a->head.tenant, b->head.tenant) &&
	       !strcmp(a->head.function, b->head.function) && !strcmp(a->name.bucket, b->name.bucket) &&
	       !strcmp(a->name.key, b->name.key);
}

static void record_count(struct record *record)
{
	__atomic_add_fetch(&record->tenant->journaled, 1, __ATOMIC_RELEASE);
	__atomic_add_fetch(&journal_stats.records, 1, __ATOMIC_RELAXED);
}

static void record_pend(struct record *record)
{
	struct record **p = &keys[record->hash % KEY_BUCKETS];
	bool first = true;

	for (; *p; p = &(*p)->next_key)
		first &= !record_same_key(*p, record);
	record->next_key = NULL;
	*p = record;
	record->commit = ++journal.commits;
	if (first)
		upload_ready(record);
}

void record_commit(struct record *record)
{
	record_count(record);
	record_pend(record);
}

static void record_leave_segment(struct record *record)
{
	writes_add(record->tenant, -(int64_t)record->charged);
	record->segment->live--;
	journal_release(record->segment);
}

void record_drop(struct record *record)
{
	if (record->segment)
		record_leave_segment(record);
	record_free(record);
}

/* ---- those who wait ---- */

static bool wait_matches(const struct journal_wait *wait, const struct record *record)
{
	if (wait->commit < record->commit || wait->tenant != record->tenant ||
	    strcmp(wait->function, record->head.function))
		return false;
	for (unsigned int i = 0; i < wait->nr_names; i++) {
		if (wait->names[i].kind != ORDER_FLUSH && order_names_meet(&wait->names[i], &record->name))
			return true;
	}
	return false;
}

void journal_wait(struct journal_wait *wait)
{
	wait->commit = journal.commits;
	wait->waits_for = 0;
	for (unsigned int i = 0; i < KEY_BUCKETS; i++) {
		for (const struct record *record = keys[i]; record; record = record->next_key)
			wait->waits_for += wait_matches(wait, record);
	}
	if (!wait->waits_for) {
		wait->done(wait);
		return;
	}
	wait->next = waits;
	waits = wait;
}

static void waits_tell(const struct record *record)
{
	struct journal_wait **p = &waits, *wait, *over = NULL;

	while ((wait = *p)) {
		if (wait_matches(wait, record) && !--wait->waits_for) {
			*p = wait->next;
			wait->next = over;
			over = wait;
		} else {
			p = &wait->next;
		}
	}
	while ((wait = over)) {
		over = wait->next;
		wait->done(wait);
	}
}

void record_done(struct record *record)
{
	struct record **p = &keys[record->hash % KEY_BUCKETS], *next;

	while (*p != record)
		p = &(*p)->next_key;
	*p = record->next_key;
	for (next = *p; next && !record_same_key(next, record); next = next->next_key)
		;
	__atomic_sub_fetch(&journal_stats.records, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&record->tenant->journaled, 1, __ATOMIC_RELEASE);
	waits_tell(record);
	record_leave_segment(record);
	record_free(record);
	if (next)
		upload_ready(next);
}

/* ---- writes that come in ---- */

struct incoming {
	struct journal_write *write;
	struct loop_io head_io, data_io, end_io;
	unsigned int pending;
	int status;
	struct journal_sync sync;
	struct journal_wait wait;
};

static void incoming_reply(struct incoming *in, int status)
{
	struct journal_write *write = in->write;

	free(in);
	write->status = status;
	if (loop_post(write->owner, write->reply, write))
		abort();	/* a guest would wait for ever; a restart helps it */
}

static void incoming_synced(struct journal_sync *sync, int status)
{
	struct incoming *in = container_of(sync, struct incoming, sync);

	if (!status) {
		record_commit(in->write->record);
		in->write->record = NULL;
	}
	incoming_reply(in, status);
}

static void incoming_moved(struct incoming *in, int status)
{
	if (status && !in->status)
		in->status = -EIO;
	if (--in->pending)
		return;
	if (!in->status && in->write->record->segment->failed)
		in->status = -EIO;
	if (in->status || !in->write->last)
		incoming_reply(in, in->status);
	else
		journal_flush(in->write->record->segment, &in->sync);
}

/* Files are written whole or not at all, but where the disk is full or broken. */
#define INCOMING_DONE(name, io, size) \
	static void name(struct loop_io *done, int res) \
	{ \
		struct incoming *in = container_of(done, struct incoming, io); \
		incoming_moved(in, res < 0 ? res : (size_t)res == (size) ? 0 : -ENOSPC); \
	}

INCOMING_DONE(incoming_head_done, head_io, sizeof(struct journal_header) + in->write->record->head.request_len)
INCOMING_DONE(incoming_data_done, data_io, in->write->len)
INCOMING_DONE(incoming_end_done, end_io, sizeof(struct journal_footer))

static void incoming_write(struct incoming *in, struct loop_io *io, const void *data, uint32_t len, uint64_t offset)
{
	int ret;

	in->pending++;
	ret = loop_write(journal.loop, io, in->write->record->segment->fd, data, len, offset);
	if (ret)
		incoming_moved(in, ret);
}

static int incoming_reserve(struct record *record)
{
	int ret = journal_reserve(record);

	if (ret)
		return ret;
	record->charged = journal_extent(record->head.request_len, record->head.payload_len);
	writes_add(record->tenant, record->charged);
	record->head.seq = ++journal.seq;
	journal_seal_header(&record->head, record->segment->nonce);
	return 0;
}

static void incoming_through(struct journal_wait *wait)
{
	incoming_reply(container_of(wait, struct incoming, wait), -ENOSPC);
}

static void incoming_run(struct incoming *in)
{
	struct journal_write *write = in->write;
	struct record *record = write->record;
	uint64_t payload;

	in->pending = 1;
	if (!record->segment) {
		if (incoming_reserve(record)) {
			/* It goes to the store by itself, behind what the journal holds of its key. */
			in->wait = (struct journal_wait){
				.done = incoming_through, .tenant = record->tenant, .function = record->head.function,
				.names = { record->name }, .nr_names = 1,
			};
			journal_wait(&in->wait);
			return;
		}
		in->head_io.done = incoming_head_done;
		incoming_write(in, &in->head_io, &record->head, sizeof(record->head) + record->head.request_len,
			       record->offset);
	}
	payload = record->offset + journal_head_size(record->head.request_len);
	if (write->len) {
		in->data_io.done = incoming_data_done;
		incoming_write(in, &in->data_io, write->buffer, write->len, payload + write->written);
	}
	if (write->last) {
		record->footer = (struct journal_footer){
			.seq = record->head.seq, .payload_len = record->head.payload_len, .payload_crc = write->crc,
		};
		journal_seal_footer(&record->footer, record->segment->nonce, false);
		in->end_io.done = incoming_end_done;
		incoming_write(in, &in->end_io, &record->footer, sizeof(record->footer), record->footer_offset);
	}
	incoming_moved(in, 0);
}

static void incoming_posted(void *arg)
{
	struct journal_write *write = arg;
	struct incoming *in;

	if (write->drop) {
		if (write->record)
			record_drop(write->record);
		free(write);
		return;
	}
	in = calloc(1, sizeof(*in));
	if (!in)
		abort();
	in->write = write;
	in->sync.done = incoming_synced;
	incoming_run(in);
}

void journal_write_send(struct journal_write *write)
{
	if (loop_post(journal.loop, incoming_posted, write))
		abort();	/* as in incoming_reply() */
}

/* ---- life ---- */

static struct record **replayed;
static size_t nr_replayed;

int journal_open(const struct config *config)
{
	int ret;

	journal.config = config;
	if (!config->journal)
		return 0;
	ret = journal_disk_open(config->journal);
	if (!ret)
		ret = refused_open();
	if (!ret)
		ret = journal_replay(&replayed, &nr_replayed);
	if (ret)
		return ret;
	/* From the first request on whoever must wait asks the journal's thread, which knows them by then. */
	for (size_t i = 0; i < nr_replayed; i++) {
		record_count(replayed[i]);
		replayed[i]->charged = journal_extent(replayed[i]->head.request_len, replayed[i]->head.payload_len);
		writes_add(replayed[i]->tenant, replayed[i]->charged);
	}
	journal_stats.replayed = nr_replayed;
	if (nr_replayed)
		log_notice("journal: %zu writes of an earlier daemon go on", nr_replayed);
	return 0;
}

static void journal_go_on(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < nr_replayed; i++)
		record_pend(replayed[i]);
	free(replayed);
	replayed = NULL;
	nr_replayed = 0;
}

void journal_start(struct worker *worker)
{
	journal.worker = worker;
	journal.loop = worker->loop;
	if (loop_post(journal.loop, journal_go_on, NULL))
		abort();
}

void journal_close(void)
{
	if (journal.dir >= 0)
		close(journal.dir);
	journal.dir = -1;
}
