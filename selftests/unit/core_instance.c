// SPDX-License-Identifier: GPL-2.0-only
/* A guest that plays an instance against the rules: Next, Lend, Respond and Log out of turn. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "../tap.h"
#include "core_guest.h"
#include "nexus_hypercall.h"

static Nexus__V1__Request request;
static Nexus__V1__Next next;
static Nexus__V1__Lend lend;
static Nexus__V1__Respond respond;
static Nexus__V1__Log logged;

static Nexus__V1__Request *of(Nexus__V1__Request__OpCase op_case)
{
	nexus__v1__request__init(&request);
	nexus__v1__next__init(&next);
	nexus__v1__lend__init(&lend);
	nexus__v1__respond__init(&respond);
	nexus__v1__log__init(&logged);
	request.op_case = op_case;
	if (op_case == NEXUS__V1__REQUEST__OP_NEXT)
		request.next = &next;
	else if (op_case == NEXUS__V1__REQUEST__OP_LEND)
		request.lend = &lend;
	else if (op_case == NEXUS__V1__REQUEST__OP_RESPOND)
		request.respond = &respond;
	else
		request.log = &logged;
	return &request;
}

static void refused(struct guest_channel *guest, uint32_t number, int status, const char *code, const char *what)
{
	int got = guest_run(guest, number);
	const char *error = guest_error(guest, number);

	if (!tap_ok(got == status && !strcmp(error, code), "%s: %s", what, strerror(-status)))
		printf("#   got %d %s\n", got, error);
}

static void fin(struct guest_channel *guest, uint32_t number)
{
	nexus_slot_at(guest->arena, number)->flags = NEXUS_SLOT_FIN;
}

static void test_answers(struct guest_channel *guest)
{
	static Nexus__V1__Field bad = NEXUS__V1__FIELD__INIT, *fields[] = { &bad };

	guest_slot(guest, 1, of(NEXUS__V1__REQUEST__OP_NEXT));
	refused(guest, 1, -ENOENT, "NexusNoFunction", "Next of a function that is not configured");
	of(NEXUS__V1__REQUEST__OP_RESPOND);
	respond.request_id = "nobody";
	guest_slot(guest, 1, &request);
	fin(guest, 1);
	refused(guest, 1, -ENOENT, "NexusNoInvocation", "an answer that nobody waits for");
	respond.http_status = 99;
	guest_slot(guest, 1, &request);
	fin(guest, 1);
	refused(guest, 1, -EINVAL, "NexusBadRequest", "a status that is none");
	respond.http_status = 0;
	respond.content_type = "a\r\nb: c";
	guest_slot(guest, 1, &request);
	fin(guest, 1);
	refused(guest, 1, -EINVAL, "NexusBadRequest", "a content type of two lines");
	respond.content_type = "";
	respond.headers = fields;
	respond.n_headers = 1;
	bad.name = "x";
	bad.value = "1\r\nset-cookie: a";
	guest_slot(guest, 1, &request);
	fin(guest, 1);
	refused(guest, 1, -EINVAL, "NexusBadRequest", "a header of two lines");
	bad.name = "x y";
	bad.value = "1";
	guest_slot(guest, 1, &request);
	fin(guest, 1);
	refused(guest, 1, -EINVAL, "NexusBadRequest", "a header's name that is none");
	of(NEXUS__V1__REQUEST__OP_LOG);
	logged.text.data = (uint8_t *)"\033[2J\n";
	logged.text.len = 5;
	guest_slot(guest, 1, &request);
	tap_is(guest_run(guest, 1), 0, "output of a function that is not configured is dropped");
}

/* Windows lent for ever: they can be taken back, and go with the channel. */
static void test_lent(struct guest_channel *guest)
{
	struct nexus_slot *slot;
	int first;

	for (uint32_t i = 2; i < 8; i++) {
		slot = guest_slot(guest, i, of(NEXUS__V1__REQUEST__OP_LEND));
		slot->data_off = GUEST_BUFFERS + 65536;
		slot->data_len = 65536;
		guest_push(guest, i);
	}
	guest_slot(guest, 8, of(NEXUS__V1__REQUEST__OP_LEND));
	refused(guest, 8, -EBUSY, "NexusLimitExceeded", "more windows than the tenant's operations");
	slot = guest_slot(guest, 9, NULL);
	slot->kind = NEXUS_SLOT_CANCEL;
	slot->stream = 4;
	guest_push(guest, 9);
	first = guest_wait(guest);
	tap_ok(first == 4 && guest_wait(guest) == 9 && nexus_slot_at(guest->arena, 4)->status == -ECANCELED,
	       "a lent window is taken back");
	of(NEXUS__V1__REQUEST__OP_LEND)->timeout_ms = 100;
	guest_slot(guest, 4, &request);
	refused(guest, 4, -ETIMEDOUT, "NexusTimeout", "one that is lent for a while comes back");
	guest_close(guest);
	tap_ok(guest_state(guest, NEXUS_HOST_GONE), "the others go with the channel");
}

/* A guest that waits for its next event sleeps on when something ends that it does not wait for. */
static void test_quiet(struct guest_channel *guest)
{
	long long before = backend_stat("notifies");

	of(NEXUS__V1__REQUEST__OP_LOG);
	logged.text.data = (uint8_t *)"\n";
	logged.text.len = 1;
	for (uint32_t i = 0; i < 3; i++) {
		/* guest_wait() finds it there, and does not touch these. */
		nexus_store(&guest->header->guest_flags, NEXUS_GUEST_NEED_WAKE | (i < 2 ? NEXUS_GUEST_QUIET : 0));
		guest_slot(guest, 1, &request)->flags = i != 1 ? NEXUS_SLOT_QUIET : 0;
		guest_push(guest, 1);
		while (nexus_load(&nexus_slot_at(guest->arena, 1)->state) != NEXUS_SLOT_DONE)
			usleep(100);
		while (backend_stat("notifies") < before + i)
			usleep(10000);
		guest_wait(guest);
	}
	nexus_store(&guest->header->guest_flags, 0);
	tap_is(backend_stat("notifies") - before, 2, "of three completions the quiet one wakes nobody who wants quiet");
}

int main(void)
{
	struct guest_channel guest;

	backend_start();
	guest_connect(&guest);
	test_answers(&guest);
	test_quiet(&guest);
	test_lent(&guest);
	guest_free(&guest);
	guest_connect(&guest);
	guest_slot(&guest, 2, of(NEXUS__V1__REQUEST__OP_LEND));
	guest_push(&guest, 2);
	usleep(100000);
	tap_ok(backend_alive(), "the daemon lives");
	tap_ok(backend_stop(), "it does not wait for a lent window when it ends");
	guest_free(&guest);
	return tap_done();
}
