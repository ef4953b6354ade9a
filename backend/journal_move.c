// SPDX-License-Identifier: GPL-2.0-only
/*
 * A record that the store refuses for good leaves the journal: copied into a
 * file, which gets its name when all of it is durable, and then marked as done.
 * So a daemon that dies in between has it in the journal still. One at a time.
 *
 * journal_max does not count here: a journal that is full of what the store
 * refuses would never empty. What moves was within it once, and nothing new
 * comes in meanwhile, so both together take less than twice as much.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "container.h"
#include "journal_refused.h"
#include "log.h"

struct move {
	struct move *next;
	struct record *record;
	struct journal_refusal refusal;
	int fd;
	uint64_t done;		/* bytes of the payload that are copied */
	uint32_t chunk;		/* bytes under way */
	uint32_t crc;
	struct loop_io io;
	char *buffer;		/* JOURNAL_CHUNK bytes while it runs */
};

/* The first one runs. */
static struct move *moves, **moves_tail = &moves;

static void move_begin(void);

/* status 0: the file is there, and durable. */
static void move_end(int status)
{
	struct move *move = moves;
	struct record *record = move->record;
	char name[32];

	if (move->fd >= 0)
		close(move->fd);
	if (status) {
		unlinkat(refused.dir, letter_name(move->refusal.number, ".partial", name), 0);
		log_error("journal: a write that the store refuses cannot be moved aside: %s: it is tried again",
			  strerror(-status));
		record->refusals = 0;
		record_wait(record);
	} else {
		log_error("journal: a write of function %s of tenant %s is moved aside, since it was refused %u times: %s: %s",
			  record->head.function, record->head.tenant, move->refusal.refusals, move->refusal.code,
			  move->refusal.message);
		record_mark(record);
	}
	moves = move->next;
	if (!moves)
		moves_tail = &moves;
	free(move->buffer);
	free(move);
	if (moves)
		move_begin();
}

static void move_synced(struct loop_io *io, int res)
{
	struct move *move = container_of(io, struct move, io);
	char partial[32], name[32];
	int status = res;

	letter_name(move->refusal.number, ".partial", partial);
	letter_name(move->refusal.number, ".refused", name);
	if (!status && (renameat(refused.dir, partial, refused.dir, name) || fsync(refused.dir)))
		status = -errno;
	if (!status)
		status = letter_add(move->refusal.number, letter_size(&move->record->head), move->record->tenant);
	move_end(status);
}

/* All but the payload: small, and into room that is there. */
static int move_write(const struct move *move, const void *data, size_t len, uint64_t offset)
{
	ssize_t n = pwrite(move->fd, data, len, offset);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -ENOSPC;
}

static void move_finish(struct move *move)
{
	const struct record *record = move->record;
	uint64_t footer = JOURNAL_BLOCK + record->footer_offset - record->offset;
	int ret = move->crc == record->footer.payload_crc ? 0 : -EIO;

	if (!ret)
		ret = move_write(move, &record->footer, sizeof(record->footer), footer);
	move->io.done = move_synced;
	if (!ret)
		ret = loop_datasync(journal.loop, &move->io, move->fd);
	if (ret)
		move_end(ret);
}

static void move_go_on(struct move *move);

static void move_written(struct loop_io *io, int res)
{
	struct move *move = container_of(io, struct move, io);

	if (res != (int)move->chunk) {
		move_end(res < 0 ? res : -ENOSPC);
		return;
	}
	move->done += move->chunk;
	move_go_on(move);
}

static uint64_t move_payload(const struct move *move)
{
	return journal_head_size(move->record->head.request_len) + move->done;
}

static void move_read(struct loop_io *io, int res)
{
	struct move *move = container_of(io, struct move, io);
	int ret = res == (int)move->chunk ? 0 : res < 0 ? res : -EIO;

	if (!ret) {
		move->crc = journal_crc(move->crc, move->buffer, move->chunk);
		move->io.done = move_written;
		ret = loop_write(journal.loop, &move->io, move->fd, move->buffer, move->chunk,
				 JOURNAL_BLOCK + move_payload(move));
	}
	if (ret)
		move_end(ret);
}

static void move_go_on(struct move *move)
{
	const struct record *record = move->record;
	uint64_t left = record->head.payload_len - move->done;
	int ret;

	if (!left) {
		move_finish(move);
		return;
	}
	move->chunk = left < JOURNAL_CHUNK ? left : JOURNAL_CHUNK;
	move->io.done = move_read;
	ret = loop_read(journal.loop, &move->io, record->segment->fd, move->buffer, move->chunk,
			record->offset + move_payload(move));
	if (ret)
		move_end(ret);
}

static int move_open(struct move *move)
{
	const struct record *record = move->record;
	uint64_t size = letter_size(&record->head);
	char name[32];

	if (refused.dir < 0) {
		if (mkdirat(journal.dir, REFUSED_DIRECTORY, 0700) && errno != EEXIST)
			return -errno;
		refused.dir = openat(journal.dir, REFUSED_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (refused.dir < 0 || fsync(journal.dir))
			return -errno;
	}
	move->refusal.number = ++refused.number;
	journal_seal_refusal(&move->refusal, record->segment->nonce);
	move->fd = openat(refused.dir, letter_name(refused.number, ".partial", name),
			  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (move->fd < 0)
		return -errno;
	return -posix_fallocate(move->fd, 0, size);
}

static void move_begin(void)
{
	struct move *move = moves;
	const struct record *record = move->record;
	int ret;

	move->buffer = malloc(JOURNAL_CHUNK);
	ret = move->buffer ? move_open(move) : -ENOMEM;
	if (!ret)
		ret = move_write(move, &move->refusal, sizeof(move->refusal), 0);
	if (!ret)
		ret = move_write(move, &record->head, sizeof(record->head) + record->head.request_len, JOURNAL_BLOCK);
	if (ret)
		move_end(ret);
	else
		move_go_on(move);
}

/* Cut at the end of a character. */
static void refusal_text(char *to, size_t size, const char *text)
{
	size_t len;

	snprintf(to, size, "%s", text);
	len = strlen(to);
	if (text[len]) {
		while (len && (to[len - 1] & 0xc0) == 0x80)
			len--;
		to[len ? len - 1 : 0] = '\0';
	}
}

void record_refuse(struct record *record, uint32_t http_status, const char *code, const char *message)
{
	struct move *move = calloc(1, sizeof(*move));

	if (!move) {
		record_wait(record);
		return;
	}
	move->record = record;
	move->fd = -1;
	move->refusal.time = time(NULL);
	move->refusal.refusals = record->refusals;
	move->refusal.http_status = http_status;
	refusal_text(move->refusal.code, sizeof(move->refusal.code), code);
	refusal_text(move->refusal.message, sizeof(move->refusal.message), message);
	*moves_tail = move;
	moves_tail = &move->next;
	if (moves == move)
		move_begin();
}
