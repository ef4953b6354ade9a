// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between a function's journaled writes and everything else that it does to
 * the same objects, from whichever guest. Nothing pending: one load.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "channel.h"
#include "container.h"
#include "gate.h"
#include "journal.h"
#include "journal_core.h"
#include "op_core.h"
#include "worker.h"
#include "writes.h"

/* Travels to the journal's thread and back; outlives the operation, if that ends meanwhile. */
struct journal_waiter {
	struct journal_wait wait;
	struct op *op;			/* the owner's; NULL: it ended */
	struct loop *owner;
	char function[NEXUS_NAME_MAX];
	char texts[];			/* what the names point to */
};

static void waiter_returned(void *arg)
{
	struct journal_waiter *waiter = arg;

	if (waiter->op) {
		waiter->op->core->journal_waiter = NULL;
		gate_open(waiter->op);
	}
	free(waiter);
}

static void waiter_done(struct journal_wait *wait)
{
	struct journal_waiter *waiter = container_of(wait, struct journal_waiter, wait);

	if (loop_post(waiter->owner, waiter_returned, waiter))
		abort();	/* a guest would wait for ever; a restart helps it */
}

static void waiter_begin(void *arg)
{
	journal_wait(&((struct journal_waiter *)arg)->wait);
}

static const char *waiter_copy(char **room, const char *text)
{
	char *copy = *room;

	if (!text)
		return NULL;
	*room = stpcpy(copy, text) + 1;
	return copy;
}

static struct journal_waiter *waiter_new(struct op *op, const struct order_name *names, unsigned int nr_names)
{
	struct journal_waiter *waiter;
	size_t size = 0;
	char *room;

	for (unsigned int i = 0; i < nr_names; i++)
		size += strlen(names[i].key) + 1 + (names[i].bucket ? strlen(names[i].bucket) + 1 : 0);
	waiter = calloc(1, sizeof(*waiter) + size);
	if (!waiter)
		return NULL;
	room = waiter->texts;
	waiter->op = op;
	waiter->owner = op->worker->loop;
	strcpy(waiter->function, op->channel->guest->function);
	waiter->wait.done = waiter_done;
	waiter->wait.tenant = op->channel->guest->order.tenant;
	waiter->wait.function = waiter->function;
	waiter->wait.nr_names = nr_names;
	for (unsigned int i = 0; i < nr_names; i++) {
		waiter->wait.names[i] = names[i];
		waiter->wait.names[i].bucket = waiter_copy(&room, names[i].bucket);
		waiter->wait.names[i].key = waiter_copy(&room, names[i].key);
	}
	return waiter;
}

static int journal_enter(struct op *op)
{
	const struct guest *guest = op->channel->guest;
	struct order_name names[ORDER_NAMES_MAX];
	struct journal_waiter *waiter;
	unsigned int nr_names;

	if (!guest->order.tenant || !__atomic_load_n(&guest->order.tenant->journaled, __ATOMIC_ACQUIRE))
		return 0;
	/* The journal's own are in order; and what goes into it waits there. */
	if (guest->internal || op->type == &journal_put_type)
		return 0;
	nr_names = order_names(op->request, names);
	if (!nr_names || names[0].kind == ORDER_CALL)
		return 0;
	waiter = waiter_new(op, names, nr_names);
	if (!waiter || loop_post(journal.loop, waiter_begin, waiter)) {
		free(waiter);
		return op_error(op, -ENOMEM, "NexusInternal", "the host has not enough memory");
	}
	op->core->journal_waiter = waiter;
	return GATE_PARKED;
}

static void journal_leave(struct op *op)
{
	if (op->core->journal_waiter)
		op->core->journal_waiter->op = NULL;
	op->core->journal_waiter = NULL;
}

const struct gate journal_gate = {
	.name = "journal",
	.enter = journal_enter,
	.leave = journal_leave,
};
