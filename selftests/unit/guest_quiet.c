// SPDX-License-Identifier: GPL-2.0-only
/* What an instance's kicks and wake-ups cost: one kick for an answer and the next event, none of what it does not wait for. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include "../tap.h"
#include "guest_peer.h"

static struct peer peer;
static struct nexus *nx;

static uint64_t kicks(void)
{
	struct nexus_info info = NEXUS_INFO_INIT;

	nexus_info(nx, &info);
	return info.kicks;
}

/* Waits for the guest's flags to be these; the tests' own time-out is the limit. */
static void flags_become(uint32_t flags, const char *what)
{
	while (nexus_load(&peer.header->guest_flags) != flags)
		usleep(100);
	tap_ok(true, "%s", what);
}

static void *next(void *arg)
{
	const struct nexus_next_options options = { .size = sizeof(options), .window = 4096, .prefetches = 1,
						   .prefetch_window = 4096 };
	struct nexus_event *event;

	(void)arg;
	return (void *)(intptr_t)nexus_next(nx, &options, &event);
}

static void *null(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)nexus_null(nx, NULL, NULL);
}

static void respond(uint32_t flags)
{
	const struct nexus_respond_options options = { .size = sizeof(options), .flags = flags };

	tap_is(nexus_respond(nx, "request", "{}", 2, &options), 0, "an answer");
}

static void test_quiet(void)
{
	uint64_t before = kicks();
	struct nexus_slot copy;
	uint32_t answer, lent, event, other;
	pthread_t waiter, beside;
	void *ret;

	respond(NEXUS_RESPOND_NEXT);
	tap_is(kicks(), before, "waits for the next event's kick");
	pthread_create(&waiter, NULL, next, NULL);
	answer = peer_take(&peer, &copy);
	tap_is(copy.flags, NEXUS_SLOT_FIN | NEXUS_SLOT_QUIET, "nobody waits for its end");
	lent = peer_take(&peer, &copy);
	tap_is(copy.flags, NEXUS_SLOT_QUIET, "nor for a lent window's");
	event = peer_take(&peer, &copy);
	tap_is(copy.flags, 0, "but for the event");
	flags_become(NEXUS_GUEST_NEED_WAKE | NEXUS_GUEST_QUIET, "the instance sleeps, not to be woken for the others");
	tap_is(kicks(), before + 1, "all three were one kick");
	peer_complete(&peer, answer, 0, 0, 2, NULL, 0);

	pthread_create(&beside, NULL, null, NULL);
	other = peer_take(&peer, &copy);
	flags_become(NEXUS_GUEST_NEED_WAKE, "a thread that waits beside it wants to hear all");
	peer_complete(&peer, other, 0, 0, 0, NULL, 0);
	pthread_join(beside, &ret);
	tap_is((intptr_t)ret, 0, "and is answered");
	flags_become(NEXUS_GUEST_NEED_WAKE | NEXUS_GUEST_QUIET, "then it is quiet again");
	peer_complete(&peer, event, -EIO, 0, 0, NULL, 0);
	pthread_join(waiter, &ret);
	tap_is((intptr_t)ret, -EIO, "the event's end wakes it");
	flags_become(0, "it is awake");
	peer_complete(&peer, lent, -EIO, 0, 0, NULL, 0);
}

static void test_kick(void)
{
	struct nexus_slot copy;
	uint64_t before = kicks();

	respond(0);
	tap_is(kicks(), before + 1, "without the flag an answer is told of at once");
	peer_complete(&peer, peer_take(&peer, &copy), 0, 0, 2, NULL, 0);
	respond(NEXUS_RESPOND_NEXT);
	tap_is(kicks(), before + 1, "with it, not");
	peer_serve(&peer);
	tap_is(nexus_null(nx, NULL, NULL), 0, "whatever comes next brings the kick");
	peer_stop(&peer);
}

static void complete(uint32_t data)
{
	struct nexus_slot copy;
	uint32_t slot = peer_take(&peer, &copy);

	peer_complete(&peer, slot, 0, 0, data, NULL, 0);
}

/* Kicks of a deferred write and, in *of_answer, of an answer some time after it. */
static uint64_t kicks_of_write(unsigned int us, uint64_t *of_answer)
{
	struct nexus_options options = NEXUS_OPTIONS_INIT;
	uint64_t before = kicks(), write;

	options.write_mode = NEXUS_WRITE_DEFERRED;
	if (nexus_put(nx, "bucket", "key", "data", 4, &options, NULL))
		tap_bail("a deferred write");
	write = kicks() - before;
	if (us)
		usleep(us);
	if (write)
		complete(4);
	if (nexus_respond(nx, "request", "{}", 2, NULL))
		tap_bail("an answer");
	*of_answer = kicks() - before - write;
	if (!write)
		complete(4);
	complete(2);
	return write;
}

static void test_write(void)
{
	uint64_t answer;

	kicks_of_write(20000, &answer);
	tap_is(kicks_of_write(0, &answer), 1, "a write is told of at once where the function went on for a while after its last one");
	/* As soon as the machine lets us be quick. */
	while (kicks_of_write(0, &answer))
		;
	tap_is(answer, 1, "where the answer followed at once, it comes with the answer's kick");
	while (kicks_of_write(20000, &answer))
		;
	tap_is(kicks_of_write(0, &answer), 1, "until it does not any more");
}

int main(void)
{
	peer_init(&peer);
	if (peer_connect(&peer, &nx, NULL))
		tap_bail(nexus_open_error());
	test_quiet();
	test_write();
	test_kick();
	nexus_close(nx);
	peer_fini(&peer);
	return tap_done();
}
