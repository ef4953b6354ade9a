// SPDX-License-Identifier: GPL-2.0-only
/* The library against a host that breaks every rule: it may fail, never crash, hang or write where it must not. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "../tap.h"
#include "guest_peer.h"

static struct peer peer;
static struct nexus *nx;

static void open_channel(void)
{
	peer_init(&peer);
	if (peer_connect(&peer, &nx, NULL))
		tap_bail(nexus_open_error());
}

static void close_channel(void)
{
	nexus_close(nx);
	peer_fini(&peer);
}

/* One null operation whose slot the test completes as it likes. */
static struct nexus_op *null_started(uint32_t *slot, struct nexus_slot *copy)
{
	struct nexus_op *op = nexus_null_start(nx, NULL);

	*slot = peer_take(&peer, copy);
	return op;
}

static int finish(struct nexus_op *op)
{
	int status = nexus_op_wait(op, 2000);

	status = status ? status : nexus_op_status(op);
	nexus_op_free(op);
	return status;
}

static void test_garbage_slots(void)
{
	static const uint32_t numbers[] = { 64, 63, 1000, 0x80000000, UINT32_MAX, 5 };
	struct nexus_slot copy;
	struct nexus_op *op;
	uint32_t slot;

	open_channel();
	op = null_started(&slot, &copy);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		nexus_ring_push(&peer.cq, &peer.cq_tail, numbers[i]);
	tap_is(nexus_op_wait(op, 20), -ETIMEDOUT, "slot numbers out of range and of slots not in flight are ignored");
	nexus_ring_push(&peer.cq, &peer.cq_tail, slot);
	tap_is(nexus_op_wait(op, 20), -ETIMEDOUT, "and of one in flight that is not done");
	peer_complete(&peer, slot, 0, 0, 0, NULL, 0);
	nexus_ring_push(&peer.cq, &peer.cq_tail, slot);
	tap_is(finish(op), 0, "the right one ends it, without any answer");
	op = null_started(&slot, &copy);
	tap_is(nexus_op_wait(op, 20), -ETIMEDOUT, "a number that comes twice does not end the next request");
	peer_complete(&peer, slot, 0, 0, 0, NULL, 0);
	tap_is(finish(op), 0, "which ends in its own time");
	close_channel();
}

static void test_bounds(void)
{
	static const struct { int status; uint32_t msg_out, data_out, flags; const char *what; } bad[] = {
		{ 0, NEXUS_MSG_MAX, 0, 0, "an answer longer than its buffer" },
		{ 0, UINT32_MAX, 0, 0, "an answer of 4 GiB" },
		{ 0, 0, 4097, 0, "more payload than its window holds" },
		{ 0, 0, UINT32_MAX, 0, "payload of 4 GiB" },
		{ 1, 0, 0, 0, "a positive status" },
		{ INT32_MIN, 0, 0, 0, "a status beyond any errno" },
	};

	open_channel();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t *buf = nexus_alloc(nx, 4096);
		struct nexus_op *op = nexus_get_start(nx, "bucket", "key", buf, 4096, NULL);
		struct nexus_slot copy;
		uint32_t slot = peer_take(&peer, &copy);

		peer_complete(&peer, slot, bad[i].status, bad[i].flags, bad[i].data_out, NULL, bad[i].msg_out);
		tap_is(finish(op), -EPROTO, bad[i].what);
		nexus_free(nx, buf);
	}
	close_channel();
}

static void test_messages(void)
{
	static const uint8_t noise[64] = { 0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x12, 0x80 };
	struct nexus_slot copy;
	unsigned int ended = 0;
	struct nexus_op *op;
	uint32_t slot, seed = 7;

	open_channel();
	op = null_started(&slot, &copy);
	peer_complete(&peer, slot, 0, 0, 0, noise, sizeof(noise));
	tap_is(finish(op), -EPROTO, "an answer that is no message");
	for (unsigned int i = 0; i < 2000; i++) {
		uint8_t msg[512];

		for (size_t n = 0; n < sizeof(msg); n++)
			msg[n] = (seed = seed * 1664525 + 1013904223) >> 24;
		/* A length that fits makes more of the message get parsed. */
		msg[0] = 0x4a;
		msg[1] = 0x20 + i % 64;
		op = null_started(&slot, &copy);
		peer_complete(&peer, slot, i % 2 ? -EIO : 0, 0, 0, msg, i % sizeof(msg));
		if (nexus_op_wait(op, 2000))
			break;
		ended += strlen(nexus_op_error_code(op)) + strlen(nexus_op_etag(op)) < sizeof(msg);
		nexus_op_free(op);
	}
	tap_is(ended, 2000, "random answers end their operation, and its texts are texts");
	close_channel();
}

static void test_streams(void)
{
	const struct nexus_options small = { .size = sizeof(small), .window = 4096 };
	struct nexus_slot copy;
	struct nexus_op *op;
	uint32_t slot, first;
	const void *data;
	char plain[4096];

	open_channel();
	op = nexus_get_start(nx, "bucket", "key", plain, sizeof(plain), NULL);
	slot = peer_take(&peer, &copy);
	peer_complete(&peer, slot, 0, NEXUS_SLOT_MORE, UINT32_MAX, NULL, 0);
	tap_is(finish(op), -EPROTO, "a window with more bytes than it holds");

	op = nexus_put_start(nx, "bucket", "key", plain, sizeof(plain), NULL);
	slot = peer_take(&peer, &copy);
	peer_complete(&peer, slot, 0, NEXUS_SLOT_MORE, 4096, NULL, 0);
	tap_is(finish(op), -EPROTO, "an upload that is sent, and the host wants more");
	first = peer_take(&peer, &copy);
	tap_is(copy.kind, NEXUS_SLOT_CANCEL, "is cancelled");
	tap_is(copy.stream, slot, "by its name");
	peer_complete(&peer, first, 0, 0, 0, NULL, 0);

	op = nexus_put_stream(nx, "bucket", "key", 100000, &small);
	nexus_write(op, plain, sizeof(plain));
	slot = peer_take(&peer, &copy);
	peer_complete(&peer, slot, 0, 0, 4096, NULL, 0);
	tap_is(nexus_op_wait(op, 2000), 0, "an upload that ends well before all was sent");
	tap_is(nexus_finish(op), -EPROTO, "did not end well");
	nexus_op_free(op);

	op = nexus_get_stream(nx, "bucket", "key", &small);
	slot = peer_take(&peer, &copy);
	peer_complete(&peer, slot, 0, 0, 0, NULL, 0);
	tap_is(nexus_read_window(op, &data), 0, "an answer without a message: an empty object");
	nexus_op_free(op);
	close_channel();
}

static void test_broken(void)
{
	struct nexus_slot copy;
	struct nexus_op *op;
	uint32_t slot;

	open_channel();
	op = null_started(&slot, &copy);
	nexus_store_release(&peer.header->host_state, NEXUS_HOST_BROKEN);
	tap_is(nexus_op_wait(op, 5000), 0, "a channel declared broken ends what is in flight");
	tap_is(nexus_op_status(op), -EPROTO, "with -EPROTO");
	tap_ok(strstr(nexus_op_error_message(op), "broken"), "and a message");
	nexus_op_free(op);
	tap_is(nexus_null(nx, NULL, NULL), -EPROTO, "and all that follows");
	close_channel();

	open_channel();
	op = null_started(&slot, &copy);
	nexus_store_release(peer.cq.tail, peer.cq_tail + 65);
	tap_is(finish(op), -EPROTO, "more completions than slots");
	close_channel();

	open_channel();
	op = null_started(&slot, &copy);
	close(peer.sock);
	peer.sock = -1;
	tap_is(nexus_op_wait(op, 500), -ETIMEDOUT, "while no daemon takes over from one that died, time-outs hold");
	nexus_store_release(&peer.header->host_state, NEXUS_HOST_GONE);
	tap_is(nexus_op_wait(op, 5000), 0, "a daemon that ends the channel ends what is in flight");
	tap_ok(!strcmp(nexus_op_error_code(op), "NexusConnectionLost"), "with a code of its own");
	tap_is(finish(op), -ECONNRESET, "and a status");
	close_channel();
}

/* A daemon that died published again what it was not sure of, and goes on. */
static void test_restart(void)
{
	struct nexus_op *ops[8];
	struct nexus_slot copy;
	uint32_t slots[8];
	bool ok = true;

	open_channel();
	for (int i = 0; i < 8; i++)
		ops[i] = null_started(&slots[i], &copy);
	for (int i = 0; i < 4; i++)
		peer_complete(&peer, slots[i], 0, 0, 0, NULL, 0);
	for (int i = 0; i < 4; i++)
		ok &= finish(ops[i]) == 0;
	peer.cq_tail = nexus_load(&peer.header->cq_tail);
	peer.sq_head = nexus_load(&peer.header->sq_head);
	for (int i = 7; i >= 4; i--)
		peer_complete(&peer, slots[i], -ECONNRESET, 0, 0, NULL, 0);
	for (int i = 4; i < 8; i++)
		ok &= finish(ops[i]) == -ECONNRESET;
	tap_ok(ok, "a host that goes on from what the arena says");
	close_channel();
}

static void test_open(void)
{
	const struct nexus_open_options quick = { .size = sizeof(quick), .attach_timeout_ms = 100 };
	struct nexus *none = NULL;

	peer_init(&peer);
	peer.version = 2 << 16;
	tap_is(peer_connect(&peer, &none, &quick), -EPROTONOSUPPORT, "another ABI");
	tap_ok(strstr(nexus_open_error(), "ABI 2"), "is named: %s", nexus_open_error());
	peer_fini(&peer);
	peer_init(&peer);
	peer.attach = false;
	tap_is(peer_connect(&peer, &none, &quick), -ETIMEDOUT, "a daemon that never attaches");
	tap_ok(strstr(nexus_open_error(), "100 ms"), "is named: %s", nexus_open_error());
	peer_fini(&peer);
	peer_init(&peer);
	peer.status = -ENOSPC;
	tap_is(peer_connect(&peer, &none, &quick), -ENOSPC, "a tenant without room");
	peer_fini(&peer);
	tap_is(nexus_open(&none, "unix:/nowhere/at/all"), -ENOENT, "nobody there");
	tap_is(nexus_open(&none, "tcp:host"), -EINVAL, "a target that does not exist");
	tap_ok(!none, "nothing was opened");
}

static uint64_t kicks(void)
{
	struct nexus_info info = NEXUS_INFO_INIT;

	nexus_info(nx, &info);
	return info.kicks;
}

/* A host that sleeps is kicked once for all that it finds when it wakes. */
static void test_kicks(void)
{
	struct nexus_op *ops[4];
	struct nexus_slot copy;
	uint32_t slots[4];

	open_channel();
	nexus_store(&peer.header->host_flags, NEXUS_HOST_NEED_KICK);
	for (int i = 0; i < 3; i++)
		ops[i] = nexus_null_start(nx, NULL);
	tap_is(kicks(), 1, "three submissions to a host that sleeps are one kick");
	for (int i = 0; i < 3; i++)
		slots[i] = peer_take(&peer, &copy);
	ops[3] = nexus_null_start(nx, NULL);
	tap_is(kicks(), 2, "a host that took them and sleeps again is kicked again");
	slots[3] = peer_take(&peer, &copy);
	for (int i = 0; i < 4; i++) {
		peer_complete(&peer, slots[i], 0, 0, 0, NULL, 0);
		tap_is(finish(ops[i]), 0, "and answers");
	}
	close_channel();
}

/* peer_take() waits for what was published, not for kicks: the host that sleeps is the flag. */
static void test_hold(void)
{
	struct nexus_op *ops[3];
	struct nexus_slot copy;
	uint32_t slots[3];

	open_channel();
	nexus_store(&peer.header->host_flags, NEXUS_HOST_NEED_KICK);
	nexus_hold(nx);
	nexus_hold(nx);
	ops[0] = nexus_null_start(nx, NULL);
	nexus_release(nx);
	tap_is(kicks(), 0, "a held start is no kick, nor is the end of an inner hold");
	slots[0] = peer_take(&peer, &copy);
	tap_ok(true, "but a host that is awake finds it");
	ops[1] = nexus_null_start(nx, NULL);
	nexus_release(nx);
	tap_is(kicks(), 1, "the outer one's is, for what was not taken yet");
	slots[1] = peer_take(&peer, &copy);
	nexus_release(nx);
	nexus_hold(nx);
	ops[2] = nexus_null_start(nx, NULL);
	tap_is(kicks(), 1, "one release too many is ignored");
	tap_is(nexus_op_poll(ops[2]), 0, "what was not even heard of is not ready");
	tap_is(kicks(), 2, "and who looks for it kicks");
	slots[2] = peer_take(&peer, &copy);
	nexus_release(nx);
	tap_is(kicks(), 2, "once");
	for (int i = 0; i < 3; i++) {
		peer_complete(&peer, slots[i], 0, 0, 0, NULL, 0);
		tap_is(finish(ops[i]), 0, "held operations are answered");
	}
	close_channel();
}

int main(void)
{
	test_kicks();
	test_hold();
	test_garbage_slots();
	test_bounds();
	test_messages();
	test_streams();
	test_broken();
	test_restart();
	test_open();
	return tap_done();
}
