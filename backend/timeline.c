// SPDX-License-Identifier: GPL-2.0-only
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "invocation.h"
#include "timeline.h"

#define OBJECT_SIZE	128	/* a longer name is cut */

_Static_assert(TIMELINE_FETCHES == HINTS_MAX, "a fetch is a hint's");

struct kept {
	char id[INVOCATION_ID_SIZE];
	enum invocation_end end;
	struct timeline timeline;
	char objects[TIMELINE_FETCHES][OBJECT_SIZE];
};

struct start {
	uint32_t vm_id;
	bool restored, pooled;
	uint64_t at[TIMELINE_STEPS];
};

struct timelines {
	pthread_mutex_t lock;	/* of kept and nr_kept */
	unsigned long nr_kept, nr_starts;	/* so far: the rings hold the last ones */
	struct kept kept[TIMELINE_KEPT];
	struct start starts[TIMELINE_KEPT];	/* the main thread's */
};

/* ---- recording ---- */

void timeline_fetch_begin(struct timeline_mark *mark, struct invocation *inv, unsigned int index)
{
	*mark = (struct timeline_mark){ invocation_get(inv), index };
	inv->timeline.fetches[index].started = timeline_now();
}

void timeline_fetch_end(struct timeline_mark *mark, uint64_t bytes, int status)
{
	struct timeline_fetch *fetch = &mark->inv->timeline.fetches[mark->index];
	struct invocation *inv = mark->inv;

	mark->inv = NULL;
	fetch->finished = timeline_now();
	fetch->bytes = bytes;
	fetch->status = status;
	invocation_put(inv);
}

struct timelines *timelines_new(void)
{
	struct timelines *timelines = calloc(1, sizeof(*timelines));

	if (timelines)
		pthread_mutex_init(&timelines->lock, NULL);
	return timelines;
}

void timelines_free(struct timelines *timelines)
{
	if (!timelines)
		return;
	pthread_mutex_destroy(&timelines->lock);
	free(timelines);
}

void timelines_keep(struct timelines *timelines, const struct invocation *inv)
{
	struct kept *kept;

	pthread_mutex_lock(&timelines->lock);
	kept = &timelines->kept[timelines->nr_kept++ % TIMELINE_KEPT];
	memcpy(kept->id, inv->id, sizeof(kept->id));
	kept->end = inv->answer.end;
	kept->timeline = inv->timeline;
	for (unsigned int i = 0; i < inv->hints.count; i++)
		snprintf(kept->objects[i], OBJECT_SIZE, "%s/%s", inv->hints.list[i].bucket, inv->hints.list[i].key);
	pthread_mutex_unlock(&timelines->lock);
}

void timelines_started(struct timelines *timelines, uint32_t vm_id, bool restored, bool pooled, const uint64_t *at)
{
	struct start *start = &timelines->starts[timelines->nr_starts++ % TIMELINE_KEPT];

	*start = (struct start){ .vm_id = vm_id, .restored = restored, .pooled = pooled };
	memcpy(start->at, at, sizeof(start->at));
}

/* ---- telling ---- */

static void describe_moment(json_t *to, const char *name, uint64_t at, uint64_t since)
{
	if (at)
		json_object_set_new(to, name, json_integer(((int64_t)at - (int64_t)since) / 1000));
}

/* The start that the event waited for, or NULL. */
static const struct start *start_of(const struct timelines *timelines, const struct timeline *timeline)
{
	for (unsigned int i = 0; timeline->vm_id && i < TIMELINE_KEPT; i++) {
		const struct start *start = &timelines->starts[i];

		if (start->vm_id == timeline->vm_id && start->at[TIMELINE_RUNNING] > timeline->at[TIMELINE_ACCEPTED])
			return start;
	}
	return NULL;
}

static json_t *fetches_describe(const struct kept *kept, uint64_t since)
{
	json_t *list = json_array(), *one;

	for (unsigned int i = 0; i < TIMELINE_FETCHES; i++) {
		const struct timeline_fetch *fetch = &kept->timeline.fetches[i];

		if (!fetch->started)
			continue;
		one = json_pack("{s:s, s:I, s:i}", "object", kept->objects[i], "bytes", (json_int_t)fetch->bytes,
				"status", fetch->status);
		if (!one)
			continue;	/* a name cut in the middle of a character */
		describe_moment(one, "started", fetch->started, since);
		describe_moment(one, "finished", fetch->finished, since);
		json_array_append_new(list, one);
	}
	return list;
}

/*
 * How long the start and the fetches went on at the same time: what doing them one after the
 * other would have cost more. The start counts from when there was a VM: no fetch can begin before.
 */
static int64_t overlap_us(const struct start *start, const struct timeline *timeline)
{
	uint64_t first = UINT64_MAX, last = 0, from = start->at[TIMELINE_READY], to = start->at[TIMELINE_RUNNING];

	for (unsigned int i = 0; i < TIMELINE_FETCHES; i++) {
		const struct timeline_fetch *fetch = &timeline->fetches[i];

		if (!fetch->started || !fetch->finished)
			continue;
		first = fetch->started < first ? fetch->started : first;
		last = fetch->finished > last ? fetch->finished : last;
	}
	from = first > from ? first : from;
	to = last < to ? last : to;
	return to > from ? (to - from) / 1000 : 0;
}

static json_t *kept_describe(const struct timelines *timelines, const struct kept *kept)
{
	static const char *const moments[] = {
		[TIMELINE_ACCEPTED] = "accepted", [TIMELINE_TAKEN] = "taken", [TIMELINE_REQUEST] = "first_request",
		[TIMELINE_RESPONDED] = "responded", [TIMELINE_DURABLE] = "durable", [TIMELINE_ENDED] = "ended",
	};
	static const char *const steps[] = {
		[TIMELINE_SPAWNED] = "spawned", [TIMELINE_WANTED] = "wanted", [TIMELINE_READY] = "ready",
		[TIMELINE_ADOPTED] = "adopted", [TIMELINE_LOADED] = "loaded", [TIMELINE_CONTINUED] = "continued",
		[TIMELINE_RUNNING] = "running",
	};
	static const char *const ends[] = {
		[INVOCATION_OPEN] = "open", [INVOCATION_ANSWERED] = "answered",
		[INVOCATION_FUNCTION_ERROR] = "function error", [INVOCATION_NO_INSTANCE] = "no instance",
		[INVOCATION_STOPPED] = "stopped",
	};
	const struct timeline *timeline = &kept->timeline;
	const struct start *start = start_of(timelines, timeline);
	uint64_t since = timeline->at[TIMELINE_ACCEPTED];
	json_t *at = json_object(), *started = NULL;

	for (unsigned int i = 0; i < TIMELINE_MOMENTS; i++)
		describe_moment(at, moments[i], timeline->at[i], since);
	if (start) {
		started = json_pack("{s:b, s:b, s:I}", "restored", start->restored, "pooled", start->pooled,
				    "overlap", (json_int_t)overlap_us(start, timeline));
		for (unsigned int i = 0; i < TIMELINE_STEPS; i++)
			describe_moment(started, steps[i], start->at[i], since);
	}
	return json_pack("{s:s, s:s, s:I, s:b, s:o, s:o, s:o*}", "id", kept->id, "end", ends[kept->end],
			 "vm", (json_int_t)timeline->vm_id, "cold", start != NULL,
			 "moments", at, "fetches", fetches_describe(kept, since), "start", started);
}

json_t *timelines_describe(struct timelines *timelines)
{
	auto_free struct kept *kept = malloc(sizeof(timelines->kept));
	json_t *list = json_array();
	unsigned long nr;

	if (!kept)
		return list;
	/* Nobody who keeps an invocation waits for the text. */
	pthread_mutex_lock(&timelines->lock);
	nr = timelines->nr_kept;
	memcpy(kept, timelines->kept, sizeof(timelines->kept));
	pthread_mutex_unlock(&timelines->lock);
	for (unsigned long i = nr > TIMELINE_KEPT ? nr - TIMELINE_KEPT : 0; i < nr; i++)
		json_array_append_new(list, kept_describe(timelines, &kept[i % TIMELINE_KEPT]));
	return list;
}
