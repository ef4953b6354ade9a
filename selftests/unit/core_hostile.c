// SPDX-License-Identifier: GPL-2.0-only
/* A hostile guest against the daemon: it refuses, breaks the channel, and lives on. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../tap.h"
#include "core_guest.h"

static Nexus__V1__Null null = NEXUS__V1__NULL__INIT;
static Nexus__V1__ObjectName object = NEXUS__V1__OBJECT_NAME__INIT;
static Nexus__V1__GetObject get = NEXUS__V1__GET_OBJECT__INIT;
static Nexus__V1__PutObject put = NEXUS__V1__PUT_OBJECT__INIT;
static Nexus__V1__Request null_request = NEXUS__V1__REQUEST__INIT;
static Nexus__V1__Request get_request = NEXUS__V1__REQUEST__INIT;
static Nexus__V1__Request put_request = NEXUS__V1__REQUEST__INIT;

static void requests_init(void)
{
	object.bucket = "data";
	object.key = "key";
	get.object = put.object = &object;
	put.content_length = 131072;
	null_request.op_case = NEXUS__V1__REQUEST__OP_NULL;
	null_request.null = &null;
	get_request.op_case = NEXUS__V1__REQUEST__OP_GET_OBJECT;
	get_request.get_object = &get;
	put_request.op_case = NEXUS__V1__REQUEST__OP_PUT_OBJECT;
	put_request.put_object = &put;
}

/* The slot fails with this status and code. */
static void refused(struct guest_channel *guest, uint32_t number, int status, const char *code, const char *what)
{
	int got = guest_run(guest, number);
	const char *error = guest_error(guest, number);

	if (!tap_ok(got == status && !strcmp(error, code), "%s: %s", what, strerror(-status)))
		printf("#   got %d %s\n", got, error);
}

static bool null_works(struct guest_channel *guest)
{
	guest_slot(guest, 0, &null_request);
	return guest_run(guest, 0) == 0;
}

/* ---- slots ---- */

static void test_memory(struct guest_channel *guest)
{
	static const struct {
		uint64_t data_off, data_len;
		int status;
		const char *what;
	} windows[] = {
		{ GUEST_SIZE - 1, 1, 0, "a window that ends where the arena ends" },
		{ GUEST_SIZE - 1, 2, -EFAULT, "a window one byte past the end" },
		{ GUEST_SIZE, 1, -EFAULT, "a window behind the end" },
		{ GUEST_BUFFERS, GUEST_SIZE, -EFAULT, "a window larger than what is left" },
		{ UINT64_MAX, 2, -EFAULT, "a window that wraps around" },
		{ UINT64_MAX - 4095, 4096, -EFAULT, "a window that ends at 2^64" },
		{ 0, 64, -EFAULT, "a window over the header" },
		{ GUEST_BUFFERS - 1, 64, -EFAULT, "a window over the slots" },
		{ UINT64_MAX, 0, 0, "an empty window anywhere" },
		{ GUEST_BUFFERS, NEXUS_WINDOW_MAX + 1, -EINVAL, "a window over the limit" },
		{ GUEST_BUFFERS, UINT64_MAX, -EINVAL, "a window of 2^64 - 1" },
	};
	static const uint64_t messages[] = {
		0, GUEST_BUFFERS - 1, GUEST_SIZE - GUEST_MSG_CAP + 1, GUEST_SIZE, UINT64_MAX - 10, 1ULL << 63,
	};
	struct nexus_slot *slot;
	unsigned int faults = 0;

	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		slot = guest_slot(guest, 1, &null_request);
		slot->data_off = windows[i].data_off;
		slot->data_len = windows[i].data_len;
		if (windows[i].status)
			refused(guest, 1, windows[i].status, "NexusBadRequest", windows[i].what);
		else
			tap_is(guest_run(guest, 1), 0, windows[i].what);
	}
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		slot = guest_slot(guest, 1, &null_request);
		slot->msg_off = messages[i];
		faults += guest_run(guest, 1) == -EFAULT && slot->msg_out == 0;
	}
	tap_is(faults, 6, "message buffers outside of the buffers are faults, without a response");
	slot = guest_slot(guest, 1, &null_request);
	slot->msg_off = GUEST_SIZE - GUEST_MSG_CAP;
	memcpy(guest->arena + slot->msg_off, guest->arena + GUEST_BUFFERS + GUEST_MSG_CAP, slot->msg_len);
	tap_is(guest_run(guest, 1), 0, "a message buffer that ends where the arena ends");
	slot = guest_slot(guest, 1, &null_request);
	slot->msg_len = GUEST_MSG_CAP + 1;
	refused(guest, 1, -EINVAL, "NexusBadRequest", "a message longer than its buffer");
	slot = guest_slot(guest, 1, &null_request);
	slot->msg_cap = slot->msg_len = NEXUS_MSG_MAX + 1;
	refused(guest, 1, -EINVAL, "NexusBadRequest", "a message over the limit");
}

static void test_messages(struct guest_channel *guest)
{
	Nexus__V1__Request empty = NEXUS__V1__REQUEST__INIT;
	struct nexus_slot *slot;
	uint8_t *msg;
	size_t len;

	slot = guest_slot(guest, 2, NULL);
	refused(guest, 2, -EINVAL, "NexusBadRequest", "no message");
	slot = guest_slot(guest, 2, NULL);
	memset(guest->arena + slot->msg_off, 0xff, GUEST_MSG_CAP);
	slot->msg_len = GUEST_MSG_CAP;
	refused(guest, 2, -EINVAL, "NexusBadRequest", "a message of garbage");
	empty.timeout_ms = 1;
	guest_slot(guest, 2, &empty);
	refused(guest, 2, -ENOTSUP, "NexusUnsupported", "a request without an operation");

	/* put_object { metadata {} metadata {} ... }: two bytes each, 56 and more when unpacked. */
	slot = guest_slot(guest, 2, NULL);
	slot->msg_off = GUEST_BUFFERS + GUEST_SLOTS * GUEST_MSG_CAP;
	slot->msg_len = slot->msg_cap = NEXUS_MSG_MAX;
	msg = (uint8_t *)guest->arena + slot->msg_off;
	len = NEXUS_MSG_MAX - 4;
	msg[0] = 10 << 3 | 2;
	msg[1] = 0x80 | (len & 0x7f);
	msg[2] = 0x80 | ((len >> 7) & 0x7f);
	msg[3] = len >> 14;
	for (size_t i = 4; i < NEXUS_MSG_MAX; i += 2) {
		msg[i] = 4 << 3 | 2;
		msg[i + 1] = 0;
	}
	refused(guest, 2, -EINVAL, "NexusBadRequest", "a message that unpacks to far more");

	slot = guest_slot(guest, 2, &get_request);
	slot->kind = 77;
	refused(guest, 2, -EINVAL, "NexusBadRequest", "a slot of unknown kind");
	slot = guest_slot(guest, 2, NULL);
	slot->kind = NEXUS_SLOT_WINDOW;
	slot->stream = 5;
	refused(guest, 2, -ECONNRESET, "NexusConnectionLost", "a window of no stream");
	slot->stream = UINT32_MAX;
	refused(guest, 2, -ECONNRESET, "NexusConnectionLost", "a window of a stream out of range");
	slot->kind = NEXUS_SLOT_CANCEL;
	tap_is(guest_run(guest, 2), -ENOENT, "cancelling a slot out of range: -ENOENT");
	slot->stream = 2;
	tap_is(guest_run(guest, 2), -ENOENT, "cancelling itself: -ENOENT");

	slot = guest_slot(guest, 2, NULL);
	slot->kind = 77;
	slot->msg_cap = 22;
	refused(guest, 2, -EINVAL, "NexusBadRequest", "a buffer with room for the error's code only");
	slot->msg_cap = 4;
	tap_ok(guest_run(guest, 2) == -EINVAL && slot->msg_out == 0, "a buffer too small even for that");
}

static void test_policy(struct guest_channel *guest)
{
	static char *const names[] = { "", "x", "data/../secret", "Data", "data\n", "d%61ta" };
	long long before = backend_stat("store_connections");

	object.bucket = "secret";
	guest_slot(guest, 3, &get_request);
	refused(guest, 3, -EACCES, "NexusPolicyDenied", "a bucket outside the allow-list");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		object.bucket = names[i];
		guest_slot(guest, 3, &put_request);
		refused(guest, 3, -EINVAL, "NexusBadRequest", "a bucket's name that is none");
	}
	object.bucket = "data";
	tap_is(backend_stat("store_connections"), before, "and nothing left the host");
	tap_is(backend_stat("denied"), 1, "the refusal is counted");
	get.object = NULL;
	guest_slot(guest, 3, &get_request);
	refused(guest, 3, -EINVAL, "NexusBadRequest", "a request without an object");
	get.object = &object;
}

/* ---- operations in flight: the store never answers ---- */

static void test_flight(struct guest_channel *guest)
{
	struct nexus_slot *slot;
	int first, second;

	get_request.timeout_ms = 200;
	guest_slot(guest, 4, &get_request);
	refused(guest, 4, -ETIMEDOUT, "NexusTimeout", "a store that does not answer in time");
	get_request.timeout_ms = 0;

	for (uint32_t i = 4; i < 10; i++) {
		slot = guest_slot(guest, i, &get_request);
		slot->data_off = GUEST_BUFFERS + 65536;
		slot->data_len = 65536;
		guest_push(guest, i);
	}
	guest_slot(guest, 10, &null_request);
	refused(guest, 10, -EBUSY, "NexusLimitExceeded", "an operation more than the tenant's limit");

	/* Another window queued on the download in slot 4; cancel the stream: windows first, in order. */
	slot = guest_slot(guest, 11, NULL);
	slot->kind = NEXUS_SLOT_WINDOW;
	slot->stream = 4;
	slot->flags = NEXUS_SLOT_FIN;
	guest_push(guest, 11);
	slot = guest_slot(guest, 12, NULL);
	slot->kind = NEXUS_SLOT_WINDOW;
	slot->stream = 4;
	refused(guest, 12, -EINVAL, "NexusBadRequest", "a window after the last");
	slot = guest_slot(guest, 12, NULL);
	slot->kind = NEXUS_SLOT_CANCEL;
	slot->stream = 4;
	guest_push(guest, 12);
	first = guest_wait(guest);
	second = guest_wait(guest);
	tap_ok(first == 4 && second == 11 && guest_wait(guest) == 12, "cancel ends the stream's slots first");
	tap_ok(nexus_slot_at(guest->arena, 4)->status == -ECANCELED &&
	       nexus_slot_at(guest->arena, 11)->status == -ECANCELED && slot->status == 0,
	       "with -ECANCELED, then itself with 0");
	tap_ok(null_works(guest), "there is room for another operation again");
}

/* Everything that the daemon holds for the channel ends with it. */
static void test_hangup(struct guest_channel *guest)
{
	guest_close(guest);
	tap_ok(guest_state(guest, NEXUS_HOST_GONE), "a guest that leaves: its downloads end, the channel is gone");
	for (int i = 0; i < 500 && backend_stat("connections"); i++)
		usleep(10000);
	tap_is(backend_stat("connections"), 0, "and the connection too");
}

/* An upload with all its data goes on without its guest, and its pages stay. */
static void test_hangup_upload(void)
{
	struct guest_channel guest;
	struct nexus_slot *slot;

	guest_connect(&guest);
	put_request.timeout_ms = 1000;
	put.content_length = 65536;
	slot = guest_slot(&guest, 0, &put_request);
	slot->data_off = GUEST_BUFFERS + 65536;
	slot->data_len = 65536;
	slot->flags = NEXUS_SLOT_FIN;
	guest_push(&guest, 0);
	for (int i = 0; i < 500 && !nexus_load(&guest.header->sq_head); i++)
		usleep(1000);
	guest_close(&guest);
	usleep(300000);
	tap_is(nexus_load(&guest.header->host_state), NEXUS_HOST_ATTACHED, "a whole upload outlives its guest");
	tap_ok(guest_state(&guest, NEXUS_HOST_GONE), "until it ends");
	put_request.timeout_ms = 0;
	put.content_length = 131072;
	guest_free(&guest);
}

/* ---- rings ---- */

static void broken(struct guest_channel *guest, const char *what)
{
	tap_ok(guest_state(guest, NEXUS_HOST_BROKEN), "%s breaks the channel", what);
	guest_slot(guest, 0, &null_request);
	guest_free(guest);
}

static void test_rings(void)
{
	struct guest_channel guest;

	guest_connect(&guest);
	guest_push(&guest, GUEST_SLOTS);
	broken(&guest, "a slot that does not exist");
	guest_connect(&guest);
	guest_push(&guest, UINT32_MAX);
	broken(&guest, "slot 2^32 - 1");
	guest_connect(&guest);
	guest.sq_tail += GUEST_SLOTS;
	guest_push(&guest, 0);
	broken(&guest, "a tail too far ahead");
	guest_connect(&guest);
	guest.sq_tail -= 2;
	guest_push(&guest, 0);
	broken(&guest, "a tail that moves back");
	guest_connect(&guest);
	guest_slot(&guest, 0, &get_request);
	guest_push(&guest, 0);
	guest_push(&guest, 0);
	broken(&guest, "a slot submitted twice");
	guest_connect(&guest);
	memset(guest.header, 0xff, sizeof(*guest.header));
	memset(nexus_slot_at(guest.arena, 0), 0xff, GUEST_SLOTS * sizeof(struct nexus_slot));
	eventfd_t one = 1;
	if (write(guest.kick_fd, &one, sizeof(one)) != sizeof(one))
		tap_bail("kick");
	broken(&guest, "garbage over the header and the slots");
}

/* ---- arena ---- */

static void test_arena(void)
{
	struct guest_channel guest;
	struct nexus_slot *slot;

	guest_connect(&guest);
	tap_is(guest_resize(&guest, 32), 0, "the arena shrinks");
	slot = guest_slot(&guest, 0, &null_request);
	slot->data_off = 32 * 4096 - 1;
	slot->data_len = 2;
	refused(&guest, 0, -EFAULT, "NexusBadRequest", "what was cut off");
	tap_is(guest_resize(&guest, GUEST_PAGES), 0, "it grows again");
	slot = guest_slot(&guest, 0, &null_request);
	slot->data_off = GUEST_SIZE - 2;
	slot->data_len = 2;
	tap_is(guest_run(&guest, 0), 0, "then that is there again");

	/* A download whose window is cut off keeps it: the daemon does not fault. */
	slot = guest_slot(&guest, 1, &get_request);
	slot->data_off = 40 * 4096;
	slot->data_len = 8192;
	guest_push(&guest, 1);
	tap_is(guest_resize(&guest, 32), 0, "the arena shrinks under a download");
	slot = guest_slot(&guest, 2, NULL);
	slot->kind = NEXUS_SLOT_CANCEL;
	slot->stream = 1;
	guest_push(&guest, 2);
	tap_ok(guest_wait(&guest) == 1 && guest_wait(&guest) == 2, "which ends as it would");
	tap_is(guest_resize(&guest, GUEST_PAGES + 1), -EINVAL, "the arena cannot outgrow its memfd");
	tap_is(guest_resize(&guest, 129), -ENOSPC, "nor the tenant's limit");
	tap_is(guest_resize(&guest, UINT32_MAX), -ENOSPC, "nor wrap around");
	tap_ok(null_works(&guest), "all that leaves the channel as it was");
	guest_resize(&guest, 1);
	broken(&guest, "an arena below its control pages");
}

/* ---- the handshake ---- */

static void hello(uint32_t type, uint32_t version, uint32_t pages, int memfd, int kick_fd, int want, const char *what)
{
	struct nexus_unix_msg msg = { type, version, pages, 0 };
	struct guest_channel guest;

	guest_open(&guest);
	tap_is(guest_hello(&guest, &msg, sizeof(msg), memfd == -2 ? guest.memfd : memfd,
			   kick_fd == -2 ? guest.kick_fd : kick_fd), want, what);
	guest_free(&guest);
}

static void header(uint32_t magic, uint32_t version, uint32_t nr_slots, int want, const char *what)
{
	struct nexus_unix_msg msg = { NEXUS_UNIX_HELLO, 1 << 16, GUEST_PAGES, 0 };
	struct guest_channel guest;

	guest_open(&guest);
	guest.header->magic = magic;
	guest.header->version = version;
	guest.header->nr_slots = nr_slots;
	tap_is(guest_hello(&guest, &msg, sizeof(msg), guest.memfd, guest.kick_fd), want, what);
	guest_free(&guest);
}

static void test_handshake(void)
{
	int unsealed = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), pipes[2];
	struct nexus_unix_msg msg = { NEXUS_UNIX_HELLO, 1 << 16, GUEST_PAGES, 0 };
	struct guest_channel guest;

	if (ftruncate(unsealed, GUEST_SIZE) || pipe2(pipes, O_CLOEXEC))
		tap_bail("pipe");
	hello(NEXUS_UNIX_HELLO, 2 << 16, GUEST_PAGES, -2, -2, -EPROTONOSUPPORT, "HELLO of another major");
	hello(NEXUS_UNIX_HELLO, 1 << 16 | 9, GUEST_PAGES, -2, -2, 0, "HELLO of another minor");
	hello(NEXUS_UNIX_HELLO, 1 << 16, GUEST_PAGES, -1, -1, -EBADMSG, "HELLO without descriptors");
	hello(NEXUS_UNIX_HELLO, 1 << 16, GUEST_PAGES, -2, -1, -EBADMSG, "HELLO with one descriptor");
	hello(NEXUS_UNIX_HELLO, 1 << 16, GUEST_PAGES, unsealed, -2, -EINVAL, "HELLO with an unsealed memfd");
	hello(NEXUS_UNIX_HELLO, 1 << 16, GUEST_PAGES, null_fd, -2, -EINVAL, "HELLO with a device for a memfd");
	hello(NEXUS_UNIX_HELLO, 1 << 16, GUEST_PAGES, -2, pipes[0], -EINVAL, "HELLO with a pipe for an eventfd");
	hello(NEXUS_UNIX_HELLO, 1 << 16, GUEST_PAGES + 1, -2, -2, -EINVAL, "HELLO with more pages than there are");
	hello(NEXUS_UNIX_HELLO, 1 << 16, 1, -2, -2, -EINVAL, "HELLO with too few pages for the slots");
	hello(NEXUS_UNIX_HELLO, 1 << 16, 0, -2, -2, -EINVAL, "HELLO without pages");
	hello(NEXUS_UNIX_HELLO, 1 << 16, 1 << 20, -2, -2, -ENOSPC, "HELLO beyond the tenant's limit");
	hello(NEXUS_UNIX_ARENA, 1 << 16, GUEST_PAGES, -2, -2, -EBADMSG, "ARENA before HELLO");
	hello(99, 1 << 16, GUEST_PAGES, -2, -2, -EBADMSG, "an unknown message");
	header(0, 1 << 16, GUEST_SLOTS, -EINVAL, "a header without the magic number");
	header(NEXUS_RING_MAGIC, 2 << 16, GUEST_SLOTS, -EPROTONOSUPPORT, "a header of another major");
	header(NEXUS_RING_MAGIC, 1 << 16, 0, -EINVAL, "no slots");
	header(NEXUS_RING_MAGIC, 1 << 16, 12, -EINVAL, "slots that are no power of two");
	header(NEXUS_RING_MAGIC, 1 << 16, 512, -EINVAL, "too many slots");
	header(NEXUS_RING_MAGIC, 1 << 16, 1U << 31, -EINVAL, "far too many slots");

	guest_open(&guest);
	tap_is(guest_hello(&guest, &msg, 7, guest.memfd, guest.kick_fd), -EBADMSG, "a short HELLO");
	guest_free(&guest);
	guest_connect(&guest);
	tap_is(guest_hello(&guest, &msg, sizeof(msg), guest.memfd, guest.kick_fd), -EBADMSG, "a second HELLO");
	guest_free(&guest);
	close(unsealed);
	close(null_fd);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- recovery: an arena as a daemon that was killed leaves it ---- */

static void test_recovery(void)
{
	struct nexus_unix_msg msg = { NEXUS_UNIX_HELLO, 1 << 16, GUEST_PAGES, 0 };
	struct guest_channel guest;
	struct nexus_slot *slot;
	bool seen[GUEST_SLOTS] = { false };
	uint32_t *sq, *cq;
	int number, count = 0;

	guest_open(&guest);
	sq = (uint32_t *)(guest.arena + NEXUS_SQ_OFFSET);
	cq = (uint32_t *)(guest.arena + NEXUS_CQ_OFFSET);
	/* 0: taken, to be run again. 1: done, not published. 2: done and published. 3: consumed. */
	guest_slot(&guest, 0, &null_request)->state = NEXUS_SLOT_TAKEN;
	slot = guest_slot(&guest, 1, &null_request);
	slot->state = NEXUS_SLOT_DONE;
	slot->status = -EPERM;
	guest_slot(&guest, 2, &null_request)->state = NEXUS_SLOT_DONE;
	guest_slot(&guest, 3, &null_request)->state = NEXUS_SLOT_FREE;
	/* 4: taken, its response begun. 5: a window of a lost stream. 6: taken, but its head not moved. */
	slot = guest_slot(&guest, 4, &null_request);
	slot->state = NEXUS_SLOT_TAKEN;
	slot->msg_out = 10;
	slot = guest_slot(&guest, 5, NULL);
	slot->kind = NEXUS_SLOT_WINDOW;
	slot->stream = 9;
	slot->state = NEXUS_SLOT_TAKEN;
	guest_slot(&guest, 6, &null_request)->state = NEXUS_SLOT_TAKEN;
	for (uint32_t i = 0; i < 7; i++)
		sq[(100 + i) % GUEST_SLOTS] = i;
	guest.header->sq_head = 106;
	guest.sq_tail = guest.header->sq_tail = 107;
	cq[50 % GUEST_SLOTS] = 3;
	cq[51 % GUEST_SLOTS] = 2;
	guest.cq_head = guest.header->cq_head = 51;
	guest.header->cq_tail = 52;
	tap_is(guest_hello(&guest, &msg, sizeof(msg), guest.memfd, guest.kick_fd), 0, "an arena in mid-flight attaches");
	for (number = 0; count < 6 && number >= 0; count += number >= 0) {
		number = guest_wait(&guest);
		if (number >= 0)
			seen[number] = true;
	}
	tap_ok(count == 6 && seen[0] && seen[1] && seen[2] && !seen[3] && seen[4] && seen[5] && seen[6],
	       "each slot that was in flight completes once");
	tap_is(nexus_slot_at(guest.arena, 0)->status, 0, "a taken request runs again");
	tap_is(nexus_slot_at(guest.arena, 1)->status, -EPERM, "a completion that was not published keeps its status");
	tap_is(nexus_slot_at(guest.arena, 4)->status, -ECONNRESET, "a request half overwritten by its response is reset");
	tap_is(nexus_slot_at(guest.arena, 5)->status, -ECONNRESET, "a window of a lost stream is reset");
	tap_is(nexus_slot_at(guest.arena, 6)->status, 0, "a slot taken and still in the ring is taken once");
	tap_ok(null_works(&guest), "and the channel is served");
	guest_free(&guest);

	guest_open(&guest);
	guest.header->sq_head = 1000;
	tap_is(guest_hello(&guest, &msg, sizeof(msg), guest.memfd, guest.kick_fd), -EINVAL, "indices that make no sense do not");
	guest_free(&guest);
}

int main(void)
{
	struct guest_channel guest;

	requests_init();
	backend_start();
	guest_connect(&guest);
	tap_ok(null_works(&guest), "an honest request works");
	test_memory(&guest);
	test_messages(&guest);
	test_policy(&guest);
	test_flight(&guest);
	test_hangup(&guest);
	guest_free(&guest);
	test_hangup_upload();
	test_rings();
	test_arena();
	test_handshake();
	test_recovery();
	tap_ok(backend_alive(), "the daemon lives");
	guest_connect(&guest);
	tap_ok(null_works(&guest), "and serves");
	guest_free(&guest);
	tap_ok(backend_stop(), "it ends with status 0, and leaves no socket");
	return tap_done();
}
