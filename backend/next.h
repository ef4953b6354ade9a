/* SPDX-License-Identifier: GPL-2.0-only */
/* Operations of a guest that is an instance of a function. */
#ifndef NEXUS_NEXT_H
#define NEXUS_NEXT_H

#include "op.h"

struct channel;
struct gate;
struct invocation;

extern const struct op_type next_type, lend_type, respond_type, log_type;

/*
 * The first of the gates. Lend is parked here until an event names an object, and then goes on as
 * a GetObject, through the other gates as any.
 */
extern const struct gate instance_gate;

/* The invocation that the guest works on by this channel; NULL: none of that id. */
struct invocation *instance_invocation(struct channel *channel, const char *id);

/* The guest begins to work on it, by this channel. */
void instance_begin(struct invocation *inv, struct channel *channel);

/* A clone's vCPUs run: the clock of what it took before begins. */
void instance_runs(struct channel *channel);

/* The invocation no longer belongs to its channel; its clock stops. The caller takes the reference over. */
void instance_release(struct invocation *inv);

/* The channel ends, and with it what the guest works on, but what it has answered. */
void instance_gone(struct channel *channel);

/*
 * An upload's last byte is with the daemon. Of an answer: its clock stops; until then it runs, so that nobody
 * waits for ever for one that does not come to its end.
 */
void instance_fin(struct op *op);

/* respond.c: the answer that is being read, if there is one, is not wanted any more: tell its instance. */
void respond_cut(struct invocation *inv);

/* It failed, not by the guest's own word: count, release, tell the caller, put. */
void instance_fail(struct invocation *inv, const char *type, const char *message);

#endif
