/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One event loop per worker thread, over one io_uring. Everything that belongs
 * to a loop (polls, timers, channels, connections, operations) is touched by
 * its thread only, without locks; loop_post() is the one way in from outside.
 */
#ifndef NEXUS_LOOP_H
#define NEXUS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop *loop_new(void);		/* NULL with errno set */
void loop_free(struct loop *loop);
int loop_run(struct loop *loop);	/* until loop_stop(); 0 or -errno */
void loop_stop(struct loop *loop);	/* from the loop's own thread */
uint64_t loop_now_ms(struct loop *loop);	/* CLOCK_MONOTONIC, read once per turn */

/*
 * Readiness of a file descriptor, one-shot: the callback runs once per start.
 * The caller owns the struct (zeroed before first use) and keeps it, and fd
 * open, until the callback ran or loop_poll_stop() returned; after stop the
 * callback will not run, whatever the kernel still has queued.
 */
struct loop_poll {
	void (*ready)(struct loop_poll *poll, unsigned int revents);
	struct loop_watch *watch;	/* the loop's; NULL: not started */
};
int loop_poll_start(struct loop *loop, struct loop_poll *poll, int fd, unsigned int events);

/*
 * The same, but the callback runs for each time that the descriptor has news
 * (an edge: what was not read is not told again), until stop. The kernel may
 * end it: poll->watch is NULL in the callback then, and the caller starts again.
 */
int loop_poll_start_edges(struct loop *loop, struct loop_poll *poll, int fd, unsigned int events);
void loop_poll_stop(struct loop *loop, struct loop_poll *poll);

/* One-shot timer. Same rules of ownership. Restarting moves it. */
struct loop_timer {
	void (*expired)(struct loop_timer *timer);
	uint64_t deadline_ms;		/* 0: not running */
	unsigned int index;		/* the loop's */
};
void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/*
 * File I/O. The struct and the memory are the loop's until done() was called, in
 * a later turn, with the bytes moved or -errno. It cannot be stopped. 0, or
 * -EBUSY: done() will not be called.
 */
struct loop_io {
	void (*done)(struct loop_io *io, int res);
};
int loop_read(struct loop *loop, struct loop_io *io, int fd, void *data, uint32_t len, uint64_t offset);
int loop_write(struct loop *loop, struct loop_io *io, int fd, const void *data, uint32_t len, uint64_t offset);
int loop_datasync(struct loop *loop, struct loop_io *io, int fd);

/*
 * Hooks around sleeping: before_sleep() is called when a turn has nothing left
 * to do; it returns false if it found work (the loop then does not sleep).
 * after_sleep() follows each wake-up.
 */
struct loop_idle {
	bool (*before_sleep)(struct loop_idle *idle);
	void (*after_sleep)(struct loop_idle *idle);
	struct loop_idle *next;		/* the loop's */
};
void loop_idle_add(struct loop *loop, struct loop_idle *idle);
void loop_idle_remove(struct loop *loop, struct loop_idle *idle);

/* Run fn(arg) in the loop's thread. Any thread may call. 0 or -ENOMEM. */
int loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

#endif
