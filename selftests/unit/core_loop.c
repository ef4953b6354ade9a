// SPDX-License-Identifier: GPL-2.0-only
/* The event loop: order of timers, silence after stop, posts from threads. */
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "../tap.h"
#include "container.h"
#include "loop.h"

static struct loop *loop;

/* ---- timers ---- */

#define TIMERS 200

struct numbered {
	struct loop_timer timer;
	uint64_t due;
};

static struct numbered timers[TIMERS];
static unsigned int fired, misordered, early;
static uint64_t last_due;

static void numbered_expired(struct loop_timer *timer)
{
	struct numbered *n = container_of(timer, struct numbered, timer);

	fired++;
	misordered += n->due < last_due;
	early += loop_now_ms(loop) < n->due;
	last_due = n->due;
}

static void stop_expired(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void run_for(uint64_t ms)
{
	struct loop_timer stop = { .expired = stop_expired };

	loop_timer_start(loop, &stop, ms);
	loop_run(loop);
}

static void test_timers(void)
{
	for (unsigned int i = 0; i < TIMERS; i++) {
		uint64_t delay = 1 + i * 7919 % 97;

		timers[i].timer.expired = numbered_expired;
		loop_timer_start(loop, &timers[i].timer, 500);
		loop_timer_start(loop, &timers[i].timer, delay);	/* moves it */
		timers[i].due = loop_now_ms(loop) + delay;
	}
	for (unsigned int i = 0; i < TIMERS; i += 2)
		loop_timer_stop(loop, &timers[i].timer);
	run_for(150);
	tap_is(fired, TIMERS / 2, "timers fire once each, stopped ones never");
	tap_is(misordered, 0, "in the order of their deadlines");
	tap_is(early, 0, "and none early");
	run_for(1);
	tap_is(fired, TIMERS / 2, "and not again");
}

static unsigned int restarts;

static void restart_expired(struct loop_timer *timer)
{
	if (++restarts < 5)
		loop_timer_start(loop, timer, 0);
}

static void test_restart(void)
{
	struct loop_timer timer = { .expired = restart_expired };

	loop_timer_start(loop, &timer, 0);
	run_for(50);
	tap_is(restarts, 5, "a timer may restart itself without delay");
}

/* ---- polls ---- */

static unsigned int ready_count;

static void count_ready(struct loop_poll *poll, unsigned int revents)
{
	(void)poll;
	ready_count += !!(revents & POLLIN);
}

static void test_poll(void)
{
	struct loop_poll poll = { .ready = count_ready };
	int fd = eventfd(1, EFD_CLOEXEC);

	loop_poll_start(loop, &poll, fd, POLLIN);
	run_for(20);
	tap_is(ready_count, 1, "a poll calls back once, though the descriptor stays ready");
	loop_poll_start(loop, &poll, fd, POLLIN);
	loop_poll_start(loop, &poll, fd, POLLIN);
	run_for(20);
	tap_is(ready_count, 2, "started twice, it calls back once");
	close(fd);
}

/* Many completions at once: who asks for something meanwhile, which the idle hooks look after, does not wait for all. */
#define CROWD	200
#define CROWD_TURN 32

static unsigned int crowd_turn, crowd_most;

static void crowd_ready(struct loop_poll *poll, unsigned int revents)
{
	count_ready(poll, revents);
	if (++crowd_turn > crowd_most)
		crowd_most = crowd_turn;
	if (ready_count == CROWD)
		loop_stop(loop);
}

static bool crowd_before_sleep(struct loop_idle *idle)
{
	(void)idle;
	crowd_turn = 0;
	return true;
}

static void crowd_after_sleep(struct loop_idle *idle)
{
	(void)idle;
}

static void test_crowd(void)
{
	static struct loop_poll polls[CROWD];
	struct loop_idle idle = { crowd_before_sleep, crowd_after_sleep, NULL };
	int fd = eventfd(1, EFD_CLOEXEC);

	ready_count = 0;
	loop_idle_add(loop, &idle);
	for (unsigned int i = 0; i < CROWD; i++) {
		polls[i].ready = crowd_ready;
		loop_poll_start(loop, &polls[i], fd, POLLIN);
	}
	loop_run(loop);
	tap_is(ready_count, CROWD, "of many polls that are ready at once each calls back");
	tap_ok(crowd_most <= CROWD_TURN, "%u of them, or fewer, in one turn: %u", CROWD_TURN, crowd_most);
	loop_idle_remove(loop, &idle);
	close(fd);
}

static void test_edges(void)
{
	struct loop_poll poll = { .ready = count_ready };
	int fd = eventfd(0, EFD_CLOEXEC);

	ready_count = 0;
	loop_poll_start_edges(loop, &poll, fd, POLLIN);
	run_for(10);
	tap_is(ready_count, 0, "edges of a descriptor without news");
	for (int i = 0; i < 3; i++) {
		eventfd_write(fd, 1);
		run_for(10);
	}
	tap_is(ready_count, 3, "each write calls back, and though nobody reads it, once");
	tap_ok(poll.watch, "the poll goes on");
	loop_poll_stop(loop, &poll);
	eventfd_write(fd, 1);
	run_for(10);
	tap_is(ready_count, 3, "until it is stopped");
	close(fd);
}

/* Two polls become ready in one turn; the first to run stops and frees the other. */
struct pair {
	struct loop_poll poll;
};

static struct pair *pairs[2];
static unsigned int pair_calls;

static void pair_ready(struct loop_poll *poll, unsigned int revents)
{
	struct pair *pair = container_of(poll, struct pair, poll);
	int victim = pairs[0] == pair;

	(void)revents;
	pair_calls++;
	loop_poll_stop(loop, &pairs[victim]->poll);
	memset(pairs[victim], 0xff, sizeof(*pairs[victim]));
	free(pairs[victim]);
	pairs[victim] = NULL;
}

static void test_stop(void)
{
	int fd = eventfd(1, EFD_CLOEXEC), rounds = 200;
	struct loop_poll reused[8] = { 0 };

	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < 2; i++) {
			pairs[i] = calloc(1, sizeof(*pairs[i]));
			pairs[i]->poll.ready = pair_ready;
			loop_poll_start(loop, &pairs[i]->poll, fd, POLLIN);
		}
		run_for(0);
		for (int i = 0; i < 100 && pair_calls <= (unsigned int)round; i++)
			run_for(1);
		free(pairs[0]);
		free(pairs[1]);
	}
	tap_is(pair_calls, rounds, "a stopped poll never calls back, though it was ready");

	/* Stop and start at once, again and again: only the last start counts. */
	ready_count = 0;
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 8; i++) {
			reused[i].ready = count_ready;
			loop_poll_start(loop, &reused[i], fd, POLLIN);
			loop_poll_stop(loop, &reused[i]);
		}
	}
	run_for(20);
	tap_is(ready_count, 0, "polls stopped before they were submitted stay silent");
	close(fd);
}

/* ---- posts ---- */

#define POSTS	10000
#define THREADS	4

static unsigned int posted[THREADS], disorder;
static struct {
	unsigned int thread, number;
} posts[THREADS][POSTS];

static void run_post(void *arg)
{
	typeof(posts[0][0]) *post = arg;

	disorder += post->number != posted[post->thread]++;
	if (posted[0] + posted[1] + posted[2] + posted[3] == THREADS * POSTS)
		loop_stop(loop);
}

static void *post_all(void *arg)
{
	unsigned int thread = (uintptr_t)arg;

	for (unsigned int i = 0; i < POSTS; i++) {
		posts[thread][i].thread = thread;
		posts[thread][i].number = i;
		while (loop_post(loop, run_post, &posts[thread][i]))
			;
	}
	return NULL;
}

static void test_posts(void)
{
	pthread_t threads[THREADS];
	struct loop_timer stop = { .expired = stop_expired };

	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, post_all, (void *)i);
	loop_timer_start(loop, &stop, 20000);
	loop_run(loop);
	loop_timer_stop(loop, &stop);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tap_is(posted[0] + posted[1] + posted[2] + posted[3], THREADS * POSTS, "posts of four threads all run");
	tap_is(disorder, 0, "in each thread's order");
}

/* ---- idle hooks ---- */

static unsigned int slept, woken, busy = 3;

static bool idle_before(struct loop_idle *idle)
{
	(void)idle;
	if (busy) {
		busy--;
		return false;
	}
	slept++;
	return true;
}

static void idle_after(struct loop_idle *idle)
{
	(void)idle;
	woken++;
}

static void test_idle(void)
{
	struct loop_idle idle = { idle_before, idle_after, NULL };

	loop_idle_add(loop, &idle);
	run_for(30);
	loop_idle_remove(loop, &idle);
	tap_ok(!busy && slept >= 1, "the loop sleeps once the hooks allow it");
	tap_is(woken, slept, "and each sleep is followed by a call");
	tap_ok(slept < 10, "it does not spin");
}

int main(void)
{
	loop = loop_new();
	if (!loop)
		tap_skip_all("io_uring is not available: sysctl kernel.io_uring_disabled=0");
	test_timers();
	test_restart();
	test_poll();
	test_crowd();
	test_edges();
	test_stop();
	test_posts();
	test_idle();
	loop_free(loop);
	return tap_done();
}
