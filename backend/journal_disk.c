// SPDX-License-Identifier: GPL-2.0-only
/* Segments: files in one directory, each named by its number. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "cleanup.h"
#include "config.h"
#include "container.h"
#include "journal_core.h"
#include "log.h"

#define SEGMENT_SIZE	(64ULL << 20)	/* bytes after which the next one begins */
#define LOCK_TRIES	100		/* a daemon that was killed lets go in a moment */

char *segment_name(uint64_t number, char name[32])
{
	snprintf(name, 32, "%016llx.journal", (unsigned long long)number);
	return name;
}

/* Whoever may write there could have the daemon store what he likes, as any tenant. */
static int directory_check(int dir, const char *path)
{
	struct stat st;

	if (fstat(dir, &st))
		return -errno;
	if (st.st_uid != geteuid())
		log_error("journal = %s: it belongs to another user: chown it to the daemon's", path);
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		log_error("journal = %s: mode %04o lets other users in: chmod 0700", path, st.st_mode & 07777);
	else
		return 0;
	return -EPERM;
}

int journal_disk_open(const char *path)
{
	const struct timespec pause = { 0, 50000000 };
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), tries = 0, ret;

	if (dir < 0) {
		ret = -errno;
		log_error("journal = %s: %s: create the directory, for the daemon's user only", path, strerror(-ret));
		return ret;
	}
	ret = directory_check(dir, path);
	if (ret) {
		close(dir);
		return ret;
	}
	while (flock(dir, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK && ++tries < LOCK_TRIES) {
			nanosleep(&pause, NULL);
			continue;
		}
		log_error("journal = %s: %s", path, errno == EWOULDBLOCK ? "another daemon uses it" : strerror(errno));
		close(dir);
		return -EBUSY;
	}
	journal.dir = dir;
	return 0;
}

/* ---- room ---- */

struct segment *segment_new(void)
{
	struct segment *segment = calloc(1, sizeof(*segment)), **p = &journal.segments;

	if (!segment)
		return NULL;
	segment->fd = -1;
	segment->waiting_tail = &segment->waiting;
	segment->next = *p;
	*p = segment;
	__atomic_add_fetch(&journal_stats.segments, 1, __ATOMIC_RELAXED);
	return segment;
}

static void segment_free(struct segment *segment)
{
	struct segment **p = &journal.segments;

	while (*p != segment)
		p = &(*p)->next;
	*p = segment->next;
	journal.bytes -= segment->end;
	__atomic_store_n(&journal_stats.bytes, journal.bytes, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&journal_stats.segments, 1, __ATOMIC_RELAXED);
	if (segment->fd >= 0)
		close(segment->fd);
	free(segment);
}

static void segment_grow(struct segment *segment, uint64_t bytes)
{
	segment->end += bytes;
	journal.bytes += bytes;
	__atomic_store_n(&journal_stats.bytes, journal.bytes, __ATOMIC_RELAXED);
}

/* The file, its header and its name are durable before anything is in it. */
static int segment_create(struct segment *segment)
{
	struct journal_segment header = { .number = segment->number };
	char name[32];

	if (getrandom(segment->nonce, sizeof(segment->nonce), 0) != sizeof(segment->nonce))
		return -EIO;
	memcpy(header.nonce, segment->nonce, sizeof(header.nonce));
	journal_seal_segment(&header);
	segment->fd = openat(journal.dir, segment_name(segment->number, name),
			     O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (segment->fd < 0)
		return -errno;
	if (ftruncate(segment->fd, JOURNAL_BLOCK) || pwrite(segment->fd, &header, sizeof(header), 0) != sizeof(header) ||
	    pwrite(segment->fd, &header, sizeof(header), JOURNAL_BLOCK / 2) != sizeof(header) ||
	    fsync(segment->fd) || fsync(journal.dir)) {
		int err = errno ? -errno : -ENOSPC;

		unlinkat(journal.dir, name, 0);
		return err;
	}
	segment_grow(segment, JOURNAL_BLOCK);
	return 0;
}

/* The one that takes records now; NULL: none. */
static struct segment *segment_active(void)
{
	struct segment *segment = journal.segments;

	return segment && !segment->old && !segment->failed && segment->end < SEGMENT_SIZE ? segment : NULL;
}

static int segment_next(struct segment **out)
{
	struct segment *last = journal.segments, *segment = segment_new();
	int ret;

	if (!segment)
		return -ENOMEM;
	segment->number = ++journal.number;
	ret = segment_create(segment);
	if (ret) {
		log_error("journal: cannot begin segment %llu: %s", (unsigned long long)segment->number, strerror(-ret));
		segment_free(segment);
		return ret;
	}
	if (last)
		journal_release(last);
	*out = segment;
	return 0;
}

static bool journal_has_room(uint64_t extent)
{
	return extent + JOURNAL_BLOCK <= journal.config->journal_max &&
	       journal.bytes <= journal.config->journal_max - extent - JOURNAL_BLOCK;
}

/* The active segment counts whole, though its records may all be done: that one need not stay. */
static void segment_retire(struct segment *segment)
{
	if (segment && !segment->live && !segment->syncing) {
		segment->old = true;
		journal_release(segment);
	}
}

int journal_reserve(struct record *record)
{
	uint64_t extent = journal_extent(record->head.request_len, record->head.payload_len);
	struct segment *segment;
	int ret;

	if (!journal_has_room(extent))
		segment_retire(segment_active());
	if (!journal_has_room(extent))
		return -ENOSPC;
	segment = segment_active();
	if (!segment) {
		ret = segment_next(&segment);
		if (ret)
			return ret;
	}
	/* What is there cannot be missing when it is written. */
	if (posix_fallocate(segment->fd, segment->end, extent))
		return -ENOSPC;
	record->segment = segment;
	record->offset = segment->end;
	record->footer_offset = segment->end + extent - JOURNAL_BLOCK;
	segment->live++;
	segment_grow(segment, extent);
	return 0;
}

void journal_release(struct segment *segment)
{
	char name[32], kept[48];

	if (segment->live || segment->syncing || segment == segment_active())
		return;
	segment_name(segment->number, name);
	snprintf(kept, sizeof(kept), "%s.damaged", name);
	if (segment->damaged ? renameat(journal.dir, name, journal.dir, kept) : unlinkat(journal.dir, name, 0))
		log_warning("journal: cannot remove %s: %s", name, strerror(errno));
	segment_free(segment);
}

/* ---- durability ---- */

static void segment_sync(struct segment *segment);

static void segment_synced(struct loop_io *io, int res)
{
	struct segment *segment = container_of(io, struct segment, sync);
	struct journal_sync *sync, *next;

	if (res < 0) {
		/* What the kernel could not write it may have forgotten: no second try tells the truth. */
		log_error("journal: segment %llu: %s: it takes no more records", (unsigned long long)segment->number,
			  strerror(-res));
		segment->failed = true;
	}
	for (sync = segment->served; sync; sync = next) {
		next = sync->next;
		sync->done(sync, segment->failed ? -EIO : 0);
	}
	segment->served = NULL;
	segment->syncing = false;
	if (segment->waiting)
		segment_sync(segment);
	else
		journal_release(segment);
}

static void segment_sync(struct segment *segment)
{
	segment->syncing = true;
	segment->served = segment->waiting;
	segment->waiting = NULL;
	segment->waiting_tail = &segment->waiting;
	segment->sync.done = segment_synced;
	if (loop_datasync(journal.loop, &segment->sync, segment->fd))
		segment_synced(&segment->sync, -EBUSY);
}

void journal_flush(struct segment *segment, struct journal_sync *sync)
{
	sync->next = NULL;
	*segment->waiting_tail = sync;
	segment->waiting_tail = &sync->next;
	if (!segment->syncing)
		segment_sync(segment);
}
