// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "container.h"
#include "config.h"
#include "event.h"
#include "event_record.h"
#include "function.h"
#include "log.h"

#define BUSY_MS		1000		/* no room, or no instance: tried again, */
#define BUSY_MAX_MS	300000		/* each time twice as late, up to this, until it is max_event_age old */

struct event {
	struct event *next, **prev;
	struct function *function;
	struct invocation *model;	/* what each try is a copy of */
	struct invocation *inv;		/* the present try */
	struct loop_timer timer;	/* until the next one */
	unsigned int failures;
	char *answer;			/* to the last try that failed; NULL: none did */
	size_t answer_len;
	bool is_record;			/* it tells of another one: nobody is told of this one */
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
	free(event->answer);
	free(event);
}

/* Take over an invocation as one more event; errors as of event_submit(). */
static int event_accept(struct invocation *inv, bool is_record);

/* Tell the function that is to know. */
static void event_tell(const struct event *event, const char *condition)
{
	const struct event_record record = {
		.model = event->model, .region = event->function->region, .condition = condition,
		.tries = event->failures, .answer = event->answer, .answer_len = event->answer_len,
	};
	const char *name = event->function->config->on_failure;
	struct function *function = name && !event->is_record ? function_find(name) : NULL;
	struct invocation *inv = function ? invocation_new(function) : NULL;

	if (!function)
		return;
	if (inv) {
		inv->event = event_record_text(&record);
		inv->event_len = inv->event ? strlen(inv->event) : 0;
		inv->content_type = strdup("application/json");
	}
	if (inv && inv->event_len && inv->event_len <= INVOCATION_PAYLOAD_MAX && !event_accept(inv, true))
		return;
	log_warning("function %s: cannot be told of event %s: it has max_events, or there is no memory", name, event->model->id);
	if (inv)
		invocation_put(inv);
}

/* condition: for on_failure; NULL: it is not told. */
static void event_give_up(struct event *event, const char *why, const char *condition)
{
	log_warning("function %s: event %s is given up: %s", event->function->config->name, event->model->id, why);
	function_count(event->function, given_up);
	if (condition)
		event_tell(event, condition);
	event_free(event);
}

/* Once more after so long, unless it is too old by then. */
static void event_later(struct event *event, uint64_t delay_ms)
{
	if (loop_now_ms(event->function->loop) - event->started_ms + delay_ms > event->function->config->max_event_age_ms)
		event_give_up(event, "it is as old as max_event_age allows", "EventAgeExceeded");
	else
		loop_timer_start(event->function->loop, &event->timer, delay_ms);
}

static void event_again(struct event *event)
{
	uint32_t delay_ms = event->busy_ms;

	event->busy_ms = 2 * delay_ms < BUSY_MAX_MS ? 2 * delay_ms : BUSY_MAX_MS;
	event_later(event, delay_ms);
}

static void event_failed(struct event *event)
{
	const struct function_config *config = event->function->config;
	unsigned int before = event->failures++;

	if (before == config->retries) {
		event_give_up(event, "its function failed, the last time it was tried", "RetriesExhausted");
		return;
	}
	function_count(event->function, retries);
	event->busy_ms = BUSY_MS;
	event_later(event, (uint64_t)config->retry_delay_ms << before);
}

static void event_ended(void *arg)
{
	struct event *event = arg;
	struct answer *answer = &event->inv->answer;
	enum invocation_end end;

	pthread_mutex_lock(&event->inv->lock);
	end = answer->end;
	if (end == INVOCATION_FUNCTION_ERROR) {
		free(event->answer);
		event->answer = take_ptr(answer->data);
		event->answer_len = answer->len;
		answer->len = answer->cap = 0;
	}
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

static int event_accept(struct invocation *inv, bool is_record)
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
		event->is_record = is_record;
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

int event_submit(struct invocation *inv)
{
	return event_accept(inv, false);
}

void events_stop(void)
{
	while (events)
		event_give_up(events, "the daemon stops", NULL);
}
