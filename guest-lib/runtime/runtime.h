/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * nexus-runtime: between a function's process, which speaks AWS's Lambda Runtime API over the
 * guest's loopback, and the host. One event at a time.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include "../nexus.h"
#include "http.h"

/* turn.c: whose turn it is. Any thread. */

/* Begin to ask the host for events as soon as the function does. 0 or -errno. */
int turn_start(struct nexus *nx, const struct nexus_next_options *options);

/*
 * The function asks for an event, and stays for it. Until turn_end() the event is his. -EBUSY: it
 * has one that it did not answer; -EPIPE: it has gone. A lost host ends the program.
 */
int turn_next(const struct http_call *call, const struct nexus_event **event);

/* The function asks to be told when an event is there (of a restored snapshot: its first), and stays for it. As turn_next(). */
int turn_await(const struct http_call *call);

/* It could not be given to the function after all: the next one that asks gets it. */
void turn_back(void);

/*
 * The function answers. 0: this thread is to call turn_end(); -EINVAL: it has another id;
 * -EBADFD: there is none. invocation: the name of this turn, as turn_invocation() gives it; NULL: not said.
 */
int turn_begin_answer(const char *request_id, const char *invocation);

/* It cannot work on the event that it was told of, whose id is copied. 0: this thread is to call turn_end(); -EBADFD: there is none. */
int turn_begin_refusal(char id[64]);

/* A name for the event that was just given out: another one each time, also if an event comes again. */
void turn_invocation(char name[96]);

/* Did the function's present process ever ask for an event? */
bool turn_has_begun(void);

void turn_end(void);

/* The id of the event that the function works on, copied; "": none. */
void turn_id(char id[64]);

/* The function's present process tells by itself why it cannot start. */
void turn_start_failed(void);

/* The function's process ended, with this text; what it worked on fails, or its start if it has not told that. False: it never got an event. */
bool turn_exit(struct nexus *nx, const char *reason);

/* child.c: the function's process. */

/* Run it again and again; does not return. */
void child_supervise(struct nexus *nx, char **argv);

/* What it printed so far goes to the host. */
void child_flush(void);

/* gateway.c: AWS's services at an endpoint of this guest's own, and a proxy for plain HTTP. */
void gateway_start(struct nexus *nx);
void gateway_handle(struct http_call *call);

/* api.c: the Runtime API. */
void api_start(struct nexus *nx);
void api_handle(struct http_call *call);

#endif
