// SPDX-License-Identifier: GPL-2.0-only
/* The rings of uapi/ with a thread on each side: slots go round until a million have passed. */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include "../tap.h"
#include "../../uapi/nexus_ring_ops.h"

#define NR_SLOTS	64
#define ENTRIES		1000000U

static union {
	struct nexus_ring_header header;
	char page[4096];
} arena __attribute__((aligned(4096)));

static uint32_t cargo[NR_SLOTS];	/* written before a push, read after a pop: never a race */
static uint32_t wrong;

/* The host: takes a slot, checks its cargo, changes it, and sends it back. */
static void *host(void *arg)
{
	struct nexus_ring sq = nexus_ring_sq(&arena, NR_SLOTS), cq = nexus_ring_cq(&arena, NR_SLOTS);
	uint32_t head = 0, tail = 0;

	(void)arg;
	while (head < ENTRIES) {
		uint32_t n = nexus_ring_ready(&sq, head);

		if (!n) {
			/* Sleeping is yielding here; the flags are raced for all the same. */
			if (nexus_ring_may_sleep(&sq, head, &arena.header.host_flags, NEXUS_HOST_NEED_KICK))
				sched_yield();
			nexus_ring_awake(&arena.header.host_flags, NEXUS_HOST_NEED_KICK);
			continue;
		}
		while (n--) {
			uint32_t slot = nexus_ring_peek(&sq, head);

			wrong += cargo[slot] != head;
			cargo[slot] = ~head;
			head++;
			nexus_ring_push(&cq, &tail, slot);
		}
	}
	return NULL;
}

static void test_round_trips(void)
{
	struct nexus_ring sq = nexus_ring_sq(&arena, NR_SLOTS), cq = nexus_ring_cq(&arena, NR_SLOTS);
	uint32_t free_slots[NR_SLOTS], nr_free = NR_SLOTS, tail = 0, head = 0, bad = 0, overflow = 0;
	pthread_t thread;

	for (uint32_t i = 0; i < NR_SLOTS; i++)
		free_slots[i] = i;
	pthread_create(&thread, NULL, host, NULL);
	while (head < ENTRIES) {
		uint32_t n;

		while (nr_free && tail < ENTRIES) {
			uint32_t slot = free_slots[--nr_free];

			cargo[slot] = tail;
			nexus_ring_push(&sq, &tail, slot);
		}
		n = nexus_ring_ready(&cq, head);
		overflow += n > NR_SLOTS;
		if (!n)
			sched_yield();
		while (n--) {
			uint32_t slot = nexus_ring_peek(&cq, head);

			/* Answers come in the order of the questions. */
			bad += cargo[slot] != ~head;
			head++;
			free_slots[nr_free++] = slot;
		}
	}
	pthread_join(thread, NULL);
	tap_is(wrong, 0, "a million slots reach the host in order, with what was written before");
	tap_is(bad, 0, "and come back in order, with what the host wrote");
	tap_is(overflow, 0, "no ring overflows");
	tap_is(nr_free, NR_SLOTS, "no slot is lost");
}

static void test_wrap(void)
{
	uint32_t start = UINT32_MAX - 3, head = start, tail = start, sum = 0;
	struct nexus_ring sq = nexus_ring_sq(&arena, NR_SLOTS);

	nexus_store(&arena.header.sq_tail, start);
	for (uint32_t i = 0; i < 8; i++)
		nexus_ring_push(&sq, &tail, i);
	tap_is(nexus_ring_ready(&sq, head), 8, "indices run over 32 bits");
	for (; nexus_ring_ready(&sq, head); head++)
		sum = sum * 10 + nexus_ring_peek(&sq, head);
	tap_is(sum, 1234567, "with the entries in their places");
}

static void test_flags(void)
{
	struct nexus_ring sq = nexus_ring_sq(&arena, NR_SLOTS);
	uint32_t tail = nexus_load(sq.tail), head = tail, flags = 2;

	tap_ok(nexus_ring_may_sleep(&sq, head, &flags, 1) && flags == 3, "an empty ring lets sleep, and the flag is set");
	tap_ok(nexus_ring_must_wake(&flags, 1), "the peer sees it");
	nexus_ring_push(&sq, &tail, 0);
	tap_ok(!nexus_ring_may_sleep(&sq, head, &flags, 1), "an entry forbids sleep");
	nexus_ring_awake(&flags, 1);
	tap_is(flags, 2, "waking clears the flag, and no other");
}

int main(void)
{
	test_round_trips();
	test_wrap();
	test_flags();
	return tap_done();
}
