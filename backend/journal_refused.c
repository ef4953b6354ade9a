// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records that the store refuses for good. They were acknowledged, so they are
 * kept, each in a file of its own (struct journal_refusal, then the record), in
 * the journal's directory `refused`, out of the way of later writes of their
 * keys. The operator reads why, and sends them once more or removes them.
 *
 * All here runs in the journal's thread but journal_order() and
 * journal_refused_each(), which only reads files: they do not change once they
 * have their name. One order is carried out at a time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cleanup.h"
#include "container.h"
#include "journal_refused.h"
#include "log.h"
#include "writes.h"

/* A file. It counts as much of its tenant's unwritten bytes, and of the journal's, as it takes. */
struct letter {
	struct letter *next;	/* by number */
	uint64_t number;
	uint64_t size;
	struct tenant_writes *tenant;
};

/* A record on its way back, for the order that is carried out. */
struct resend {
	struct letter *letter;
	int fd;
	struct loop_io io;
	struct journal_write *write;
	struct journal_footer footer;
	uint64_t payload;	/* its place in the file */
};

struct refused refused = { .dir = -1 };

static struct {
	struct letter *letters, **tail;
	struct journal_order *orders, **orders_tail;	/* the first one is carried out */
	struct resend resend;
} letters = { .tail = &letters.letters, .orders_tail = &letters.orders };

static void order_go_on(void);

/* ---- files ---- */

char *letter_name(uint64_t number, const char *suffix, char name[32])
{
	snprintf(name, 32, "%016" PRIx64 "%s", number, suffix);
	return name;
}

/* The number that a file's name says; 0: it has another one's form. */
static uint64_t letter_number(const char *name, const char *suffix)
{
	uint64_t number;
	int used = 0;

	return sscanf(name, "%16" SCNx64 "%n", &number, &used) == 1 && used == 16 && !strcmp(name + used, suffix) ?
		       number : 0;
}

uint64_t letter_size(const struct journal_header *head)
{
	return JOURNAL_BLOCK + journal_extent(head->request_len, head->payload_len);
}

/* Its first two parts. head has room for JOURNAL_HEAD_MAX bytes. 0 or -errno. */
static int letter_read(int fd, uint64_t number, struct journal_refusal *refusal, struct journal_header *head)
{
	ssize_t n;

	if (pread(fd, refusal, sizeof(*refusal), 0) != sizeof(*refusal) || !journal_is_refusal(refusal, number))
		return -EIO;
	n = pread(fd, head, JOURNAL_HEAD_MAX, JOURNAL_BLOCK);
	return n >= (ssize_t)sizeof(*head) && journal_is_header(head, refusal->nonce, n) ? 0 : -EIO;
}

static int letter_open(int dir, uint64_t number)
{
	char name[32];

	return openat(dir, letter_name(number, ".refused", name), O_RDONLY | O_CLOEXEC);
}

static void letter_charge(const struct letter *letter, bool more)
{
	int64_t bytes = more ? (int64_t)letter->size : -(int64_t)letter->size;

	journal.bytes += bytes;
	__atomic_store_n(&journal_stats.bytes, journal.bytes, __ATOMIC_RELAXED);
	writes_add(letter->tenant, bytes);
}

int letter_add(uint64_t number, uint64_t size, struct tenant_writes *tenant)
{
	struct letter *letter = malloc(sizeof(*letter));

	if (!letter || !tenant) {
		free(letter);
		return -ENOMEM;
	}
	*letter = (struct letter){ .number = number, .size = size, .tenant = tenant };
	*letters.tail = letter;
	letters.tail = &letter->next;
	letter_charge(letter, true);
	__atomic_add_fetch(&journal_stats.refused, 1, __ATOMIC_RELAXED);
	return 0;
}

/* The file, and what is known of it. -errno: both stay. */
static int letter_remove(struct letter *letter)
{
	struct letter **p = &letters.letters;
	char name[32];

	if (unlinkat(refused.dir, letter_name(letter->number, ".refused", name), 0) && errno != ENOENT)
		return -errno;
	while (*p != letter)
		p = &(*p)->next;
	*p = letter->next;
	if (!*p)
		letters.tail = p;
	letter_charge(letter, false);
	free(letter);
	__atomic_sub_fetch(&journal_stats.refused, 1, __ATOMIC_RELAXED);
	return 0;
}

/* ---- at start ---- */

static int number_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The files' numbers, ascending, which the caller frees. The count, or -errno. clean: remove what is no whole file. */
static ssize_t letter_numbers(int dir, bool clean, uint64_t **numbers)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t count = 0, room = 0;
	uint64_t number, *grown;

	*numbers = NULL;
	if (!stream)
		return -errno;
	while ((entry = readdir(stream))) {
		number = letter_number(entry->d_name, ".refused");
		/* A daemon that died while it moved a record has it in the journal still. */
		if (clean && letter_number(entry->d_name, ".partial"))
			unlinkat(dir, entry->d_name, 0);
		if (!number)
			continue;
		if (count == room) {
			room = room ? 2 * room : 64;
			grown = reallocarray(*numbers, room, sizeof(*grown));
			if (!grown) {
				closedir(stream);
				return -ENOMEM;
			}
			*numbers = grown;
		}
		(*numbers)[count++] = number;
	}
	closedir(stream);
	if (count)
		qsort(*numbers, count, sizeof(**numbers), number_compare);
	return count;
}

static int refused_found(uint64_t number)
{
	char buffer[JOURNAL_HEAD_MAX] __attribute__((aligned(8)));
	struct journal_header *head = (void *)buffer;
	auto_close int fd = letter_open(refused.dir, number);
	struct journal_refusal refusal;
	char name[32];

	refused.number = number;
	if (fd < 0 || letter_read(fd, number, &refusal, head)) {
		log_error("journal: refused/%s is damaged, and left alone", letter_name(number, ".refused", name));
		__atomic_add_fetch(&journal_stats.damaged, 1, __ATOMIC_RELAXED);
		return 0;
	}
	return letter_add(number, letter_size(head), writes_of(head->tenant));
}

int refused_open(void)
{
	auto_free uint64_t *numbers = NULL;
	ssize_t count;
	int ret = 0;

	refused.dir = openat(journal.dir, REFUSED_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (refused.dir < 0)
		return errno == ENOENT ? 0 : -errno;
	count = letter_numbers(refused.dir, true, &numbers);
	for (ssize_t i = 0; i < count && !ret; i++)
		ret = refused_found(numbers[i]);
	ret = count < 0 ? (int)count : ret;
	if (ret)
		log_error("journal: cannot read the directory %s: %s", REFUSED_DIRECTORY, strerror(-ret));
	else if (count)
		log_notice("journal: %zd writes that the store refused are kept: see nexusctl journal list", count);
	return ret;
}

/* ---- back into it ---- */

static void order_end(int status)
{
	struct journal_order *order = letters.orders;

	letters.orders = order->next;
	if (!letters.orders)
		letters.orders_tail = &letters.orders;
	order->status = status ? status : order->count ? 0 : -ENOENT;
	if (loop_post(order->owner, order->reply, order))
		abort();	/* a client would wait for ever; a restart helps it */
	if (letters.orders)
		order_go_on();
}

/* status 0: the record is the journal's, and durable there. */
static void resend_end(int status)
{
	struct resend *resend = &letters.resend;

	close(resend->fd);
	resend->write->drop = true;
	journal_write_send(resend->write);
	letter_charge(resend->letter, true);
	if (!status)
		status = letter_remove(resend->letter);
	if (status) {
		order_end(status);
		return;
	}
	letters.orders->count++;
	order_go_on();
}

static void resend_chunk(struct loop_io *io, int res);

static void resend_go_on(void)
{
	struct resend *resend = &letters.resend;
	struct journal_write *write = resend->write;
	uint64_t left = write->record->head.payload_len - write->written;
	int ret;

	write->len = left < JOURNAL_CHUNK ? left : JOURNAL_CHUNK;
	if (!write->len) {
		resend_chunk(&resend->io, 0);
		return;
	}
	resend->io.done = resend_chunk;
	ret = loop_read(journal.loop, &resend->io, resend->fd, write->buffer, write->len,
			resend->payload + write->written);
	if (ret)
		resend_end(ret);
}

static void resend_chunk(struct loop_io *io, int res)
{
	struct resend *resend = container_of(io, struct resend, io);
	struct journal_write *write = resend->write;

	if (res != (int)write->len) {
		resend_end(res < 0 ? res : -EIO);
		return;
	}
	write->crc = journal_crc(write->crc, write->buffer, write->len);
	write->last = write->written + write->len == write->record->head.payload_len;
	if (write->last && write->crc != resend->footer.payload_crc)
		resend_end(-EIO);
	else
		journal_write_send(write);
}

static void resend_replied(void *arg)
{
	struct journal_write *write = arg;

	if (write->status || write->last) {
		resend_end(write->status);
		return;
	}
	write->written += write->len;
	resend_go_on();
}

static struct record *resend_record(struct resend *resend)
{
	char buffer[JOURNAL_HEAD_MAX] __attribute__((aligned(8)));
	struct journal_header *head = (void *)buffer;
	struct journal_refusal refusal;
	struct record *record;

	if (letter_read(resend->fd, resend->letter->number, &refusal, head))
		return NULL;
	resend->payload = JOURNAL_BLOCK + journal_head_size(head->request_len);
	if (pread(resend->fd, &resend->footer, sizeof(resend->footer), letter_size(head) - JOURNAL_BLOCK) !=
		    sizeof(resend->footer) || journal_end(&resend->footer, head) != JOURNAL_COMMITTED)
		return NULL;
	record = calloc(1, sizeof(*record) + head->request_len);
	if (!record)
		return NULL;
	memcpy(&record->head, head, sizeof(*head) + head->request_len);
	if (!record_prepare(record))
		return record;
	record_free(record);
	return NULL;
}

/* It enters the journal as a new write does, with a number of its own: after all that is there of its key. */
static int resend_begin(struct letter *letter)
{
	struct resend *resend = &letters.resend;
	struct record *record;
	uint64_t len;

	*resend = (struct resend){ .letter = letter, .fd = letter_open(refused.dir, letter->number) };
	record = resend->fd < 0 ? NULL : resend_record(resend);
	len = record ? record->head.payload_len : 0;
	resend->write = record ? malloc(sizeof(*resend->write) + (len < JOURNAL_CHUNK ? len : JOURNAL_CHUNK)) : NULL;
	if (!resend->write) {
		record_free(record);
		if (resend->fd >= 0)
			close(resend->fd);
		return -EIO;
	}
	*resend->write = (struct journal_write){ .owner = journal.loop, .reply = resend_replied, .record = record };
	letter_charge(letter, false);	/* it takes no more room than it gives */
	resend_go_on();
	return 0;
}

/* The first letter from there on that the order names; NULL: none is left. */
static struct letter *order_letter(const struct journal_order *order)
{
	struct letter *letter = letters.letters;

	while (letter && letter->number < order->first)
		letter = letter->next;
	return letter && letter->number <= order->last ? letter : NULL;
}

static void order_go_on(void)
{
	struct journal_order *order = letters.orders;
	struct letter *letter;
	int ret = 0;

	while (!ret && (letter = order_letter(order))) {
		order->first = letter->number + 1;
		if (!order->drop) {
			ret = resend_begin(letter);
			if (!ret)
				return;		/* resend_end() goes on */
		} else {
			ret = letter_remove(letter);
			order->count += !ret;
		}
	}
	order_end(ret);
}

static void order_posted(void *arg)
{
	struct journal_order *order = arg;

	order->next = NULL;
	order->count = 0;
	*letters.orders_tail = order;
	letters.orders_tail = &order->next;
	if (letters.orders == order)
		order_go_on();
}

int journal_order(struct journal_order *order)
{
	if (!journal_enabled())
		return -ENXIO;
	return loop_post(journal.loop, order_posted, order);
}

/* ---- to be read ---- */

int journal_refused_each(uint32_t limit, void (*fn)(const struct journal_refused *refused, void *arg), void *arg)
{
	char buffer[JOURNAL_HEAD_MAX] __attribute__((aligned(8)));
	struct journal_header *head = (void *)buffer;
	auto_close int dir = journal_enabled() ? openat(journal.dir, REFUSED_DIRECTORY,
							O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	auto_free uint64_t *numbers = NULL;
	struct journal_refusal refusal;
	ssize_t count;

	if (dir < 0)
		return journal_enabled() && errno != ENOENT ? -errno : 0;
	count = letter_numbers(dir, false, &numbers);
	for (ssize_t i = 0; i < count && i < limit; i++) {
		auto_close int fd = letter_open(dir, numbers[i]);

		if (fd >= 0 && !letter_read(fd, numbers[i], &refusal, head))
			fn(&(struct journal_refused){ &refusal, head }, arg);
	}
	return count < 0 ? (int)count : 0;
}
