// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "container.h"
#include "config.h"
#include "event.h"
#include "function.h"
#include "log.h"

#define BUSY_MS		1000		/* no room, or no instance: tried again, */
#define BUSY_MAX_MS	300000		/* each time twice as late, up to this */
#define AGE_MS		(6 * 3600 * 1000ULL)	/* then it is given up */

struct event {
	struct event *next, **prev;
	struct function *function;
	struct invocation *model;	/* what each try is a copy of */
	struct invocation *inv;		/* the present try */
	struct loop_timer timer;	/* until the next one */
	unsigned int failures;
	uint32_t busy_ms;
	uint64_t started_ms;
};

/* The main thread's, but for the first step. */
static struct event *events;

static void event_free(struct event *event)
{
	struct function *function = event->function;

	*event->prev = event->next;
	if (event->next)
		event->next->prev = event->prev;
	loop_timer_stop(function->loop, &event->timer);
	pthread_mutex_lock(&function->lock);
	function->events--;
	pthread_mutex_unlock(&function->lock);
	if (event->inv)
		invocation_put(event->inv);
	invocation_put(event->model);
	free(event);
}

static void event_give_up(struct event *event, const char *why)
{
	log_warning("function %s: event %s is given up: %s", event->function->config->name, event->model->id, why);
	event_free(event);
}

static void event_again(struct event *event)
{
	if (loop_now_ms(event->function->loop) - event->started_ms + event->busy_ms > AGE_MS) {
		event_give_up(event, "no instance took it for 6 hours");
		return;
	}
	loop_timer_start(event->function->loop, &event->timer, event->busy_ms);
	event->busy_ms = 2 * event->busy_ms < BUSY_MAX_MS ? 2 * event->busy_ms : BUSY_MAX_MS;
}

static void event_failed(struct event *event)
{
	const struct function_config *config = event->function->config;

	if (event->failures == config->retries) {
		event_give_up(event, "its function failed, the last time it was tried");
		return;
	}
	function_count(event->function, retries);
	loop_timer_start(event->function->loop, &event->timer, (uint64_t)config->retry_delay_ms << event->failures);
	event->failures++;
	event->busy_ms = BUSY_MS;
}

static void event_ended(void *arg)
{
	struct event *event = arg;
	enum invocation_end end;

	pthread_mutex_lock(&event->inv->lock);
	end = event->inv->answer.end;
	pthread_mutex_unlock(&event->inv->lock);
	invocation_put(take_ptr(event->inv));
	if (end == INVOCATION_ANSWERED)
		event_free(event);
	else if (end == INVOCATION_FUNCTION_ERROR)
		event_failed(event);
	else
		event_again(event);
}

/* Lock held; any thread. */
static void event_news(struct invocation *inv)
{
	struct event *event = inv->caller;

	if (inv->answer.end && loop_post(event->function->loop, event_ended, event))
		abort();	/* a few bytes */
}

static char *text_copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static struct invocation *event_copy(struct event *event)
{
	const struct invocation *model = event->model;
	struct invocation *inv = invocation_new(event->function);

	if (!inv)
		return NULL;
	inv->event = malloc(model->event_len + 1);
	if (!inv->event) {
		invocation_put(inv);
		return NULL;
	}
	memcpy(inv->event, model->event, model->event_len);
	inv->event_len = model->event_len;
	strcpy(inv->id, model->id);
	inv->content_type = text_copy(model->content_type);
	inv->client_context = text_copy(model->client_context);
	inv->trace_id = text_copy(model->trace_id);
	hints_from_event(&inv->hints, inv->event, inv->event_len, event->function->config->prefetch);
	inv->news = event_news;
	inv->caller = event;
	return inv;
}

static void event_try(struct event *event)
{
	struct invocation *inv = event_copy(event);

	if (!inv) {
		event_again(event);
		return;
	}
	event->inv = invocation_get(inv);
	if (function_submit(inv, false)) {
		invocation_put(inv);
		invocation_put(take_ptr(event->inv));
		event_again(event);
	}
}

static void event_due(struct loop_timer *timer)
{
	event_try(container_of(timer, struct event, timer));
}

static void event_begin(void *arg)
{
	struct event *event = arg;

	event->next = events;
	event->prev = &events;
	if (event->next)
		event->next->prev = &event->next;
	events = event;
	event->started_ms = loop_now_ms(event->function->loop);
	event_try(event);
}

int event_submit(struct invocation *inv)
{
	struct function *function = inv->function;
	struct event *event = calloc(1, sizeof(*event));
	bool room;

	if (!event)
		return -ENOMEM;
	pthread_mutex_lock(&function->lock);
	room = !function->stopping && function->events < function->config->max_events;
	function->events += room;
	function->counters.throttles += !room;
	if (room) {
		event->function = function;
		event->model = inv;
		event->busy_ms = BUSY_MS;
		event->timer.expired = event_due;
		if (loop_post(function->loop, event_begin, event))
			abort();	/* a few bytes */
	}
	pthread_mutex_unlock(&function->lock);
	if (room)
		return 0;
	free(event);
	return -EBUSY;
}

void events_stop(void)
{
	while (events)
		event_give_up(events, "the daemon stops");
}
