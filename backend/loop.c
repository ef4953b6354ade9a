// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event loop. One turn: submit what was queued and wait, in one
 * io_uring_enter(); run the callbacks of completed polls; expire timers; call
 * the idle hooks, which decide whether the next turn sleeps.
 *
 * A poll in the kernel is named by a watch, which the loop owns: stopping a
 * poll cuts the link from the watch to it, so that a completion already on its
 * way finds nobody, and the caller's memory may go at once.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "cleanup.h"
#include "container.h"
#include "loop.h"

#define LOOP_ENTRIES	256	/* submissions queued before an early submit */
#define LOOP_REAP	32	/* completions a turn: what was asked for since waits behind no more than these */
#define WATCHES_PER_BLOCK 64

struct loop_watch {
	struct loop_poll *poll;		/* NULL: stopped, or on the free list */
	struct loop_watch *next_free;
};

struct watch_block {
	struct watch_block *next;
	struct loop_watch watches[WATCHES_PER_BLOCK];
};

struct post {
	struct post *next;
	void (*fn)(void *arg);
	void *arg;
};

struct loop {
	struct io_uring ring;
	bool enabled;			/* the ring belongs to the thread that runs the loop */
	bool stopped;
	uint64_t now_ms;

	struct loop_watch *free_watches;
	struct watch_block *blocks;

	struct loop_timer **heap;	/* binary heap by deadline; index 0 is unused */
	unsigned int heap_len, heap_size;

	struct loop_idle *idles;
	struct loop_idle *idle_next;	/* where an iteration stands, so that hooks may remove any */

	int post_fd;			/* eventfd */
	struct loop_poll post_poll;
	pthread_mutex_t post_lock;	/* protects posts and posts_tail */
	struct post *posts, **posts_tail;
};

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t loop_now_ms(struct loop *loop)
{
	return loop->now_ms;
}

/* ---- polls ---- */

static struct loop_watch *watch_get(struct loop *loop)
{
	struct loop_watch *watch = loop->free_watches;
	struct watch_block *block;

	if (!watch) {
		block = calloc(1, sizeof(*block));
		if (!block)
			return NULL;
		block->next = loop->blocks;
		loop->blocks = block;
		for (int i = 0; i < WATCHES_PER_BLOCK; i++) {
			block->watches[i].next_free = watch;
			watch = &block->watches[i];
		}
	}
	loop->free_watches = watch->next_free;
	return watch;
}

static void watch_put(struct loop *loop, struct loop_watch *watch)
{
	watch->poll = NULL;
	watch->next_free = loop->free_watches;
	loop->free_watches = watch;
}

static struct io_uring_sqe *loop_sqe(struct loop *loop)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	if (!sqe && io_uring_submit(&loop->ring) >= 0)
		sqe = io_uring_get_sqe(&loop->ring);
	return sqe;
}

static int poll_start(struct loop *loop, struct loop_poll *poll, int fd, unsigned int events, unsigned int flags)
{
	struct loop_watch *watch;
	struct io_uring_sqe *sqe;

	loop_poll_stop(loop, poll);
	watch = watch_get(loop);
	if (!watch)
		return -ENOMEM;
	sqe = loop_sqe(loop);
	if (!sqe) {
		watch_put(loop, watch);
		return -EBUSY;
	}
	io_uring_prep_poll_add(sqe, fd, events);
	sqe->len = flags;
	io_uring_sqe_set_data(sqe, watch);
	watch->poll = poll;
	poll->watch = watch;
	return 0;
}

int loop_poll_start(struct loop *loop, struct loop_poll *poll, int fd, unsigned int events)
{
	return poll_start(loop, poll, fd, events, 0);
}

int loop_poll_start_edges(struct loop *loop, struct loop_poll *poll, int fd, unsigned int events)
{
	return poll_start(loop, poll, fd, events, IORING_POLL_ADD_MULTI);
}

/* The kernel refuses that (EALREADY) while an event is on its way to us: poll_completed() asks again. */
static void poll_remove(struct loop *loop, struct loop_watch *watch)
{
	struct io_uring_sqe *sqe = loop_sqe(loop);

	if (!sqe)
		return;
	io_uring_prep_poll_remove(sqe, (uintptr_t)watch);
	io_uring_sqe_set_data(sqe, NULL);
}

/*
 * The watch stays the kernel's until its completion arrives. Without room for
 * the removal the poll lingers in the kernel until it fires or the ring ends.
 */
void loop_poll_stop(struct loop *loop, struct loop_poll *poll)
{
	struct loop_watch *watch = poll->watch;

	if (!watch)
		return;
	watch->poll = NULL;
	poll->watch = NULL;
	poll_remove(loop, watch);
}

/* more: the kernel keeps the poll. */
static void poll_completed(struct loop *loop, struct loop_watch *watch, int res, bool more)
{
	struct loop_poll *poll = watch->poll;

	if (!more)
		watch_put(loop, watch);
	else if (!poll)
		poll_remove(loop, watch);
	if (!poll)
		return;
	if (!more)
		poll->watch = NULL;
	poll->ready(poll, res < 0 ? POLLERR | POLLNVAL : (unsigned int)res);
}

/* ---- files ---- */

/* What a completion names: a watch, or with this bit a loop_io. */
#define LOOP_IO	1UL

static int io_queue(struct io_uring_sqe *sqe, struct loop_io *io)
{
	io_uring_sqe_set_data(sqe, (void *)((uintptr_t)io | LOOP_IO));
	return 0;
}

int loop_read(struct loop *loop, struct loop_io *io, int fd, void *data, uint32_t len, uint64_t offset)
{
	struct io_uring_sqe *sqe = loop_sqe(loop);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_read(sqe, fd, data, len, offset);
	return io_queue(sqe, io);
}

int loop_write(struct loop *loop, struct loop_io *io, int fd, const void *data, uint32_t len, uint64_t offset)
{
	struct io_uring_sqe *sqe = loop_sqe(loop);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_write(sqe, fd, data, len, offset);
	return io_queue(sqe, io);
}

int loop_datasync(struct loop *loop, struct loop_io *io, int fd)
{
	struct io_uring_sqe *sqe = loop_sqe(loop);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	return io_queue(sqe, io);
}

static void io_completed(uintptr_t name, int res)
{
	struct loop_io *io = (struct loop_io *)(name & ~LOOP_IO);

	io->done(io, res);
}

/* ---- timers ---- */

static void heap_set(struct loop *loop, unsigned int i, struct loop_timer *timer)
{
	loop->heap[i] = timer;
	timer->index = i;
}

static void heap_up(struct loop *loop, unsigned int i, struct loop_timer *timer)
{
	while (i > 1 && loop->heap[i / 2]->deadline_ms > timer->deadline_ms) {
		heap_set(loop, i, loop->heap[i / 2]);
		i /= 2;
	}
	heap_set(loop, i, timer);
}

static void heap_down(struct loop *loop, unsigned int i, struct loop_timer *timer)
{
	unsigned int child;

	while ((child = 2 * i) <= loop->heap_len) {
		if (child < loop->heap_len &&
		    loop->heap[child + 1]->deadline_ms < loop->heap[child]->deadline_ms)
			child++;
		if (loop->heap[child]->deadline_ms >= timer->deadline_ms)
			break;
		heap_set(loop, i, loop->heap[child]);
		i = child;
	}
	heap_set(loop, i, timer);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
	struct loop_timer **heap;

	loop_timer_stop(loop, timer);
	if (loop->heap_len + 1 >= loop->heap_size) {
		/* A request without its time-out would be without bound: no way to go on. */
		loop->heap_size = loop->heap_size ? 2 * loop->heap_size : 64;
		heap = realloc(loop->heap, loop->heap_size * sizeof(*heap));
		if (!heap)
			abort();
		loop->heap = heap;
	}
	/* Never within the turn that started it: a timer may restart itself. */
	timer->deadline_ms = loop->now_ms + (delay_ms ? delay_ms : 1);
	heap_up(loop, ++loop->heap_len, timer);
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *last;
	unsigned int i = timer->index;

	if (!timer->deadline_ms)
		return;
	timer->deadline_ms = 0;
	last = loop->heap[loop->heap_len--];
	if (last == timer)
		return;
	if (i > 1 && loop->heap[i / 2]->deadline_ms > last->deadline_ms)
		heap_up(loop, i, last);
	else
		heap_down(loop, i, last);
}

static void timers_expire(struct loop *loop)
{
	struct loop_timer *timer;

	while (loop->heap_len && loop->heap[1]->deadline_ms <= loop->now_ms) {
		timer = loop->heap[1];
		loop_timer_stop(loop, timer);
		timer->expired(timer);
	}
}

/* ---- idle hooks ---- */

void loop_idle_add(struct loop *loop, struct loop_idle *idle)
{
	idle->next = loop->idles;
	loop->idles = idle;
}

void loop_idle_remove(struct loop *loop, struct loop_idle *idle)
{
	if (loop->idle_next == idle)
		loop->idle_next = idle->next;
	for (struct loop_idle **p = &loop->idles; *p; p = &(*p)->next) {
		if (*p == idle) {
			*p = idle->next;
			return;
		}
	}
}

static bool idles_may_sleep(struct loop *loop)
{
	struct loop_idle *idle;
	bool sleep = true;

	for (idle = loop->idles; idle; idle = loop->idle_next) {
		loop->idle_next = idle->next;
		if (!idle->before_sleep(idle))
			sleep = false;
	}
	return sleep;
}

static void idles_awake(struct loop *loop)
{
	struct loop_idle *idle;

	for (idle = loop->idles; idle; idle = loop->idle_next) {
		loop->idle_next = idle->next;
		idle->after_sleep(idle);
	}
}

/* ---- posts ---- */

int loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct post *post = malloc(sizeof(*post));
	bool first;

	if (!post)
		return -ENOMEM;
	*post = (struct post){ .fn = fn, .arg = arg };
	pthread_mutex_lock(&loop->post_lock);
	first = !loop->posts;
	*loop->posts_tail = post;
	loop->posts_tail = &post->next;
	if (first)
		eventfd_write(loop->post_fd, 1);
	pthread_mutex_unlock(&loop->post_lock);
	return 0;
}

static void posts_run(struct loop_poll *poll, unsigned int revents)
{
	struct loop *loop = container_of(poll, struct loop, post_poll);
	struct post *post, *next;
	eventfd_t value;

	(void)revents;
	pthread_mutex_lock(&loop->post_lock);
	eventfd_read(loop->post_fd, &value);
	post = loop->posts;
	loop->posts = NULL;
	loop->posts_tail = &loop->posts;
	pthread_mutex_unlock(&loop->post_lock);
	for (; post; post = next) {
		next = post->next;
		post->fn(post->arg);
		free(post);
	}
	if (loop_poll_start(loop, poll, loop->post_fd, POLLIN))
		abort();	/* deaf to the other threads, it could not even be stopped */
}

/* ---- life ---- */

struct loop *loop_new(void)
{
	/*
	 * The kernel completes polls only when this thread asks (no interrupts,
	 * no signals to the thread); older kernels do without.
	 */
	static const unsigned int flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		0,
	};
	auto_free struct loop *loop = calloc(1, sizeof(*loop));
	int ret = -EINVAL;

	if (!loop)
		return NULL;
	loop->post_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->post_fd < 0)
		return NULL;
	for (size_t i = 0; ret == -EINVAL && i < sizeof(flags) / sizeof(flags[0]); i++)
		ret = io_uring_queue_init(LOOP_ENTRIES, &loop->ring, flags[i] | IORING_SETUP_R_DISABLED);
	if (ret) {
		close(loop->post_fd);
		errno = -ret;
		return NULL;
	}
	pthread_mutex_init(&loop->post_lock, NULL);
	loop->posts_tail = &loop->posts;
	loop->post_poll.ready = posts_run;
	loop->now_ms = clock_ms();
	ret = loop_poll_start(loop, &loop->post_poll, loop->post_fd, POLLIN);
	if (ret) {
		loop_free(take_ptr(loop));
		errno = -ret;
		return NULL;
	}
	return take_ptr(loop);
}

void loop_free(struct loop *loop)
{
	struct watch_block *block;
	struct post *post;

	if (!loop)
		return;
	io_uring_queue_exit(&loop->ring);
	while ((block = loop->blocks)) {
		loop->blocks = block->next;
		free(block);
	}
	while ((post = loop->posts)) {
		loop->posts = post->next;
		free(post);
	}
	pthread_mutex_destroy(&loop->post_lock);
	close(loop->post_fd);
	free(loop->heap);
	free(loop);
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

/* Submit, and wait for a completion, the next timer, or (sleep false) nothing. */
static int loop_wait(struct loop *loop, bool sleep)
{
	struct __kernel_timespec ts;
	struct io_uring_cqe *cqe;
	uint64_t now, delay;
	int ret;

	if (!sleep) {
		/* Spinning must not cost a system call a turn; peeking enters the kernel if it asks. */
		ret = io_uring_sq_ready(&loop->ring) ? io_uring_submit_and_get_events(&loop->ring) : 0;
	} else if (loop->heap_len) {
		now = clock_ms();
		delay = loop->heap[1]->deadline_ms > now ? loop->heap[1]->deadline_ms - now : 0;
		ts = (struct __kernel_timespec){ delay / 1000, delay % 1000 * 1000000 };
		ret = io_uring_submit_and_wait_timeout(&loop->ring, &cqe, 1, &ts, NULL);
	} else {
		ret = io_uring_submit_and_wait(&loop->ring, 1);
	}
	/* Time is up; a signal; the completion queue is full: each is answered by a turn. */
	if (ret == -ETIME || ret == -EINTR || ret == -EBUSY || ret == -EAGAIN)
		ret = 0;
	return ret < 0 ? ret : 0;
}

static void loop_reap(struct loop *loop)
{
	struct io_uring_cqe *cqe;
	struct loop_watch *watch;
	unsigned int room = LOOP_REAP;
	bool more;
	int res;

	/* One at a time: a callback may submit, which makes the kernel flush more. */
	while (room-- && !io_uring_peek_cqe(&loop->ring, &cqe)) {
		watch = io_uring_cqe_get_data(cqe);
		res = cqe->res;
		more = cqe->flags & IORING_CQE_F_MORE;
		io_uring_cqe_seen(&loop->ring, cqe);
		if ((uintptr_t)watch & LOOP_IO)
			io_completed((uintptr_t)watch, res);
		else if (watch)
			poll_completed(loop, watch, res, more);
	}
}

int loop_run(struct loop *loop)
{
	bool sleep;
	int ret;

	if (!loop->enabled) {
		/* liburing 2.3 declares io_uring_enable_rings(), but does not export it. */
		if (syscall(SYS_io_uring_register, loop->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0))
			return -errno;
		loop->enabled = true;
	}
	loop->stopped = false;
	loop->now_ms = clock_ms();
	while (!loop->stopped) {
		sleep = idles_may_sleep(loop);
		ret = loop_wait(loop, sleep);
		loop->now_ms = clock_ms();
		if (sleep)
			idles_awake(loop);
		if (ret)
			return ret;
		loop_reap(loop);
		timers_expire(loop);
	}
	return 0;
}
