/* SPDX-License-Identifier: GPL-2.0-only */
/* What an on_failure function is told of an event that was given up: AWS's record of an asynchronous invocation. */
#ifndef NEXUS_EVENT_RECORD_H
#define NEXUS_EVENT_RECORD_H

#include <stddef.h>

struct invocation;

struct event_record {
	const struct invocation *model;	/* the event, as it was accepted */
	const char *region;		/* in ARNs */
	const char *condition;		/* RetriesExhausted, EventAgeExceeded */
	unsigned int tries;		/* that an instance took */
	const char *answer;		/* of the last of these; NULL: none answered */
	size_t answer_len;
};

/* As JSON, from malloc; NULL: not enough memory. */
char *event_record_text(const struct event_record *record);

#endif
