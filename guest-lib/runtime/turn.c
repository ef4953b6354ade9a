// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "runtime.h"

#define LOOK_NS	200000000L	/* how soon it is seen that who asked has gone */

enum turn_state {
	TURN_IDLE,		/* nobody asks */
	TURN_WANTED,		/* the host is asked */
	TURN_READY,		/* an event is here */
	TURN_GIVEN,		/* the function works on it */
	TURN_ANSWERING,
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t news;
	enum turn_state state;
	struct nexus_event *event;
	unsigned long long given;	/* events so far */
	/* since the function's process was started: it asked for an event; it got one; it told that it cannot start */
	bool begun, worked, told;
	struct nexus *nx;
	struct nexus_next_options options;
} turn = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* The lock is let go while the host is asked. */
static void turn_fetch(void)
{
	struct nexus_event *event = NULL;
	int ret;

	pthread_mutex_unlock(&turn.lock);
	ret = nexus_next(turn.nx, &turn.options, &event);
	if (ret) {
		/* Whoever started us may find the host again, or a configuration that knows this function. */
		fprintf(stderr, "nexus-runtime: no events from the host: %s\n", strerror(-ret));
		_exit(1);
	}
	pthread_mutex_lock(&turn.lock);
	turn.event = event;
	turn.state = TURN_READY;
	pthread_cond_broadcast(&turn.news);
}

static void *turn_main(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&turn.lock);
	for (;;) {
		while (turn.state != TURN_WANTED)
			pthread_cond_wait(&turn.news, &turn.lock);
		turn_fetch();
	}
	return NULL;
}

int turn_start(struct nexus *nx, const struct nexus_next_options *options)
{
	pthread_condattr_t attr;
	pthread_t thread;

	turn.nx = nx;
	turn.options = *options;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&turn.news, &attr);
	return -pthread_create(&thread, NULL, turn_main, NULL);
}

static void turn_sleep(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += LOOK_NS;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_nsec -= 1000000000L;
		ts.tv_sec++;
	}
	pthread_cond_timedwait(&turn.news, &turn.lock, &ts);
}

/* Until an event is there; lock held. */
static int turn_wait(const struct http_call *call)
{
	int ret = 0;

	turn.begun = true;
	if (turn.state == TURN_GIVEN || turn.state == TURN_ANSWERING)
		ret = -EBUSY;
	while (!ret && turn.state != TURN_READY) {
		if (turn.state == TURN_IDLE) {
			turn.state = TURN_WANTED;
			pthread_cond_broadcast(&turn.news);
		}
		turn_sleep();
		if (turn.state == TURN_GIVEN || turn.state == TURN_ANSWERING)
			ret = -EBUSY;	/* somebody else was faster */
		else if (http_gone(call))
			ret = -EPIPE;
	}
	return ret;
}

int turn_await(const struct http_call *call)
{
	int ret;

	pthread_mutex_lock(&turn.lock);
	ret = turn_wait(call);
	pthread_mutex_unlock(&turn.lock);
	return ret;
}

int turn_next(const struct http_call *call, const struct nexus_event **event)
{
	int ret;

	pthread_mutex_lock(&turn.lock);
	ret = turn_wait(call);
	if (!ret) {
		turn.state = TURN_GIVEN;
		turn.given++;
		turn.worked = true;
		*event = turn.event;
	}
	pthread_mutex_unlock(&turn.lock);
	return ret;
}

void turn_back(void)
{
	pthread_mutex_lock(&turn.lock);
	turn.state = TURN_READY;
	pthread_cond_broadcast(&turn.news);
	pthread_mutex_unlock(&turn.lock);
}

/* Lock held. */
static void turn_name(char name[96])
{
	snprintf(name, 96, "%.63s/%llu", turn.event->request_id, turn.given);
}

void turn_invocation(char name[96])
{
	pthread_mutex_lock(&turn.lock);
	turn_name(name);
	pthread_mutex_unlock(&turn.lock);
}

bool turn_has_begun(void)
{
	bool begun;

	pthread_mutex_lock(&turn.lock);
	begun = turn.begun;
	pthread_mutex_unlock(&turn.lock);
	return begun;
}

void turn_start_failed(void)
{
	pthread_mutex_lock(&turn.lock);
	turn.told = true;
	pthread_mutex_unlock(&turn.lock);
}

int turn_begin_refusal(char id[64])
{
	int ret = -EBADFD;

	pthread_mutex_lock(&turn.lock);
	if (turn.state == TURN_READY) {
		snprintf(id, 64, "%s", turn.event->request_id);
		turn.state = TURN_ANSWERING;
		ret = 0;
	}
	pthread_mutex_unlock(&turn.lock);
	return ret;
}

int turn_begin_answer(const char *request_id, const char *invocation)
{
	char name[96];
	int ret = 0;

	pthread_mutex_lock(&turn.lock);
	if (turn.state != TURN_GIVEN)
		ret = -EBADFD;
	else if (strcmp(turn.event->request_id, request_id) ||
		 (invocation && (turn_name(name), strcmp(name, invocation))))
		ret = -EINVAL;
	else
		turn.state = TURN_ANSWERING;
	pthread_mutex_unlock(&turn.lock);
	return ret;
}

/* Lock held. */
static void turn_over(void)
{
	nexus_event_free(turn.event);
	turn.event = NULL;
	turn.state = TURN_IDLE;
}

void turn_end(void)
{
	pthread_mutex_lock(&turn.lock);
	turn_over();
	pthread_mutex_unlock(&turn.lock);
}

void turn_id(char id[64])
{
	pthread_mutex_lock(&turn.lock);
	snprintf(id, 64, "%s", turn.state >= TURN_GIVEN ? turn.event->request_id : "");
	pthread_mutex_unlock(&turn.lock);
}

bool turn_exit(struct nexus *nx, const char *reason)
{
	char text[256];
	bool worked;

	pthread_mutex_lock(&turn.lock);
	if (turn.state == TURN_GIVEN) {
		snprintf(text, sizeof(text), "RequestId: %s Error: %s", turn.event->request_id, reason);
		nexus_respond_error(nx, turn.event->request_id, "Runtime.ExitError", text);
		turn_over();
	} else if (!turn.worked && !turn.told) {
		nexus_respond_error(nx, "", "Runtime.ExitError", reason);
	}
	/* What it was answering ends when its connection does. */
	worked = turn.worked;
	turn.begun = turn.worked = turn.told = false;
	pthread_mutex_unlock(&turn.lock);
	return worked;
}
