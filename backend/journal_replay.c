// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an earlier daemon left. A record whose place was reserved and never
 * written leaves a gap, behind which the next one is found because each begins
 * at a block and has the segment's nonce.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cleanup.h"
#include "journal_core.h"
#include "log.h"

#define READ_SIZE	(1U << 20)

struct replay {
	struct record **records;
	size_t count, room;
	char *buffer;		/* READ_SIZE */
};

static void replay_name(const struct segment *segment, char name[32])
{
	segment_name(segment->number, name);
}

static int replay_payload_crc(struct replay *replay, int fd, uint64_t offset, uint64_t len, uint32_t *crc)
{
	ssize_t n;

	*crc = 0;
	while (len) {
		n = pread(fd, replay->buffer, len < READ_SIZE ? len : READ_SIZE, offset);
		if (n <= 0)
			return n ? -errno : -EIO;
		*crc = journal_crc(*crc, replay->buffer, n);
		offset += n;
		len -= n;
	}
	return 0;
}

static int replay_add(struct replay *replay, struct record *record)
{
	struct record **grown;

	if (replay->count == replay->room) {
		replay->room = replay->room ? 2 * replay->room : 64;
		grown = reallocarray(replay->records, replay->room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		replay->records = grown;
	}
	replay->records[replay->count++] = record;
	return 0;
}

static void replay_damaged(struct segment *segment, uint64_t offset, const char *what)
{
	char name[32];

	replay_name(segment, name);
	segment->damaged = true;
	journal_stats.damaged++;
	log_error("journal: %s: the record at %" PRIu64 " was committed, but %s: it is lost; the file is kept as %s.damaged",
		  name, offset, what, name);
}

/* A header that is one. 0, or -ENOMEM. */
static int replay_record(struct replay *replay, struct segment *segment, uint64_t offset,
			 const struct journal_header *head)
{
	uint64_t payload = offset + journal_head_size(head->request_len);
	uint64_t end = offset + journal_extent(head->request_len, head->payload_len);
	struct journal_footer footer;
	struct record *record;
	uint32_t crc;

	if (head->seq > journal.seq)
		journal.seq = head->seq;
	if (end - JOURNAL_BLOCK > segment->end ||
	    pread(segment->fd, &footer, sizeof(footer), end - JOURNAL_BLOCK) != sizeof(footer)) {
		journal_stats.torn++;
		return 0;
	}
	switch (journal_end(&footer, head)) {
	case JOURNAL_DONE:
		return 0;
	case JOURNAL_TORN:
		journal_stats.torn++;
		return 0;
	case JOURNAL_COMMITTED:
		break;
	}
	if (replay_payload_crc(replay, segment->fd, payload, head->payload_len, &crc) || crc != footer.payload_crc) {
		replay_damaged(segment, offset, "its payload is not what was written");
		return 0;
	}
	record = calloc(1, sizeof(*record) + head->request_len);
	if (!record)
		return -ENOMEM;
	memcpy(&record->head, head, sizeof(*head) + head->request_len);
	record->footer = footer;
	record->segment = segment;
	record->offset = offset;
	record->footer_offset = end - JOURNAL_BLOCK;
	if (record_prepare(record)) {
		record_free(record);
		replay_damaged(segment, offset, "its request is not understood");
		return 0;
	}
	segment->live++;
	return replay_add(replay, record);
}

static int replay_records(struct replay *replay, struct segment *segment)
{
	char buffer[JOURNAL_HEAD_MAX] __attribute__((aligned(8)));
	const struct journal_header *head = (const void *)buffer;
	uint64_t offset = JOURNAL_BLOCK;
	ssize_t n;
	int ret;

	while (offset + sizeof(*head) <= segment->end) {
		n = pread(segment->fd, buffer, sizeof(*head), offset);
		if (n == sizeof(*head) && !memcmp(head->magic, JOURNAL_HEADER_MAGIC, sizeof(head->magic)))
			n = pread(segment->fd, buffer, sizeof(buffer), offset);
		if (n < (ssize_t)sizeof(*head) || !journal_is_header(head, segment->nonce, n)) {
			offset += JOURNAL_BLOCK;
			continue;
		}
		ret = replay_record(replay, segment, offset, head);
		if (ret)
			return ret;
		offset += journal_extent(head->request_len, head->payload_len);
	}
	return 0;
}

static int replay_segment(struct replay *replay, uint64_t number)
{
	struct segment *segment = segment_new();
	struct journal_segment headers[2];
	struct stat st;
	char name[32];
	bool valid = false;

	if (!segment)
		return -ENOMEM;
	segment->number = number;
	segment->old = true;
	if (number > journal.number)
		journal.number = number;
	replay_name(segment, name);
	segment->fd = openat(journal.dir, name, O_RDWR | O_CLOEXEC);
	if (segment->fd < 0 || fstat(segment->fd, &st)) {
		log_error("journal: %s: %s", name, strerror(errno));
		return -EIO;
	}
	segment->end = st.st_size;
	journal.bytes += segment->end;
	journal_stats.bytes = journal.bytes;
	for (int i = 0; i < 2 && !valid; i++) {
		valid = pread(segment->fd, &headers[i], sizeof(headers[i]), i * JOURNAL_BLOCK / 2) ==
			sizeof(headers[i]) && journal_is_segment(&headers[i], number);
		if (valid)
			memcpy(segment->nonce, headers[i].nonce, sizeof(segment->nonce));
	}
	if (valid)
		return replay_records(replay, segment);
	/* A daemon that died while it began one left no record in it. */
	if (segment->end > JOURNAL_BLOCK) {
		segment->damaged = true;
		journal_stats.damaged++;
		log_error("journal: %s is no segment: the file is kept as %s.damaged", name, name);
	}
	return 0;
}

static int replay_compare(const void *a, const void *b)
{
	const struct record *const *x = a, *const *y = b;

	return ((*x)->head.seq > (*y)->head.seq) - ((*x)->head.seq < (*y)->head.seq);
}

static int replay_directory(struct replay *replay)
{
	int fd = openat(journal.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0, used;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	uint64_t number;

	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir))) {
		used = 0;
		if (sscanf(entry->d_name, "%16" SCNx64 ".journal%n", &number, &used) == 1 && used == 24 &&
		    !entry->d_name[used])
			ret = replay_segment(replay, number);
	}
	closedir(dir);
	return ret;
}

int journal_replay(struct record ***records, size_t *count)
{
	struct replay replay = { .buffer = malloc(READ_SIZE) };
	struct segment *segment, *next;
	int ret = replay.buffer ? replay_directory(&replay) : -ENOMEM;

	free(replay.buffer);
	if (ret) {
		log_error("journal: cannot read it: %s", strerror(-ret));
		return ret;
	}
	if (replay.count)
		qsort(replay.records, replay.count, sizeof(struct record *), replay_compare);
	for (segment = journal.segments; segment; segment = next) {
		next = segment->next;
		journal_release(segment);
	}
	*records = replay.records;
	*count = replay.count;
	return 0;
}
