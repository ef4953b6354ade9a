// SPDX-License-Identifier: GPL-2.0-only
/* The prefetches' gate: how many of a guest run at once, and who is next. */
#include <errno.h>
#include "../tap.h"
#include "channel.h"
#include "gate.h"
#include "op_core.h"
#include "op_memory.h"
#include "prefetch.h"
#include "store_harness.h"

#define AT_ONCE	4
#define OPS	8

static struct harness harness;
static struct guest guest;
static struct channel channel = { .guest = &guest };
static struct op_core cores[OPS];
static const struct op *opened;		/* by the gate, last */
static unsigned int opens;

void gate_open(struct op *op)
{
	opened = op;
	opens++;
}

static const Nexus__V1__Request *request(bool prefetch)
{
	static Nexus__V1__GetObject gets[2];
	static Nexus__V1__Request requests[2];

	nexus__v1__get_object__init(&gets[prefetch]);
	nexus__v1__request__init(&requests[prefetch]);
	gets[prefetch].prefetch = prefetch;
	requests[prefetch].op_case = NEXUS__V1__REQUEST__OP_GET_OBJECT;
	requests[prefetch].get_object = &gets[prefetch];
	return &requests[prefetch];
}

static int enter(struct op_core *core, bool prefetch)
{
	core->op.core = core;
	core->op.worker = &harness.worker;
	core->op.tenant = &harness.tenant;
	core->op.channel = &channel;
	core->op.request = request(prefetch);
	return prefetch_gate.enter(&core->op);
}

/* The guest's words move a number of the operator's, by no more than there can be. */
static void test_words(void)
{
	static struct nexus_ring_header header;

	channel.arena.base = (void *)&header;
	channel.worker = &harness.worker;
	header.prefetch_hits = 3;
	header.prefetch_useless = NEXUS_MAX_SLOTS;
	prefetch_count(&channel);
	tap_is(harness_counters(&harness).prefetch_hits, 3, "the guest's hits are counted");
	tap_is(harness_counters(&harness).prefetch_useless, NEXUS_MAX_SLOTS, "and what was useless");
	header.prefetch_hits = 2;
	header.prefetch_useless = 1 << 30;
	prefetch_count(&channel);
	tap_is(harness_counters(&harness).prefetch_hits, 3, "but not backwards");
	tap_is(harness_counters(&harness).prefetch_useless, NEXUS_MAX_SLOTS, "nor by more than can have been");
	header.prefetch_hits = 4;
	prefetch_count(&channel);
	tap_is(harness_counters(&harness).prefetch_hits, 5, "and goes on from there");
}

int main(void)
{
	int at_once = 0;

	harness_open(&harness, 1);
	harness.tenant.max_in_flight = 100;
	for (int i = 0; i < OPS; i++)
		at_once += !enter(&cores[i], true);
	tap_is(at_once, AT_ONCE, "of many prefetches so many run at once");
	prefetch_gate.leave(&cores[5].op);
	tap_is(opens, 0, "one that ends while it waits lets nobody in");
	prefetch_gate.leave(&cores[0].op);
	tap_ok(opens == 1 && opened == &cores[4].op, "one that ran lets in who came first");
	prefetch_gate.leave(&cores[1].op);
	tap_ok(opens == 2 && opened == &cores[6].op, "then the next who still waits");
	for (int i = 2; i < OPS; i++) {
		if (i != 5)
			prefetch_gate.leave(&cores[i].op);
	}
	tap_ok(opens == 3 && opened == &cores[7].op && !guest.prefetching && !guest.prefetch_waiters,
	       "all of them come and go");
	at_once = 0;
	for (int i = 0; i < OPS; i++)
		at_once += !enter(&cores[i], false);
	tap_is(at_once, OPS, "gets are no prefetches");
	tap_is(harness_counters(&harness).prefetches, OPS, "each prefetch is counted");
	for (int i = 0; i < OPS; i++)
		op_memory_reset(&cores[i]);
	test_words();
	harness_close(&harness);
	return tap_done();
}
