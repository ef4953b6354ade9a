// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that lies about its answers while somebody waits for them: their lengths, statuses, header fields and
 * windows. Its caller gets one well-formed answer over HTTP, whatever the guest says, or waits for a better one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../tap.h"
#include "core_guest.h"

#define EVENT_OFF	(GUEST_BUFFERS + 65536)
#define ANSWER_OFF	(GUEST_BUFFERS + 131072)
#define WINDOW		65536U
#define NEXT_SLOT	1
#define RESPOND_SLOT	2

struct lie {
	const char *what;
	/* what the guest says ... */
	uint64_t content_length;
	uint32_t http_status;
	const char *content_type;
	const char *name, *value;	/* a header field; NULL: none */
	const char *body;
	/* ... what it is told, and ... */
	int status;
	const char *code;
	bool unread;			/* the caller may have all he wants before its end, and be gone (-EPIPE) */
	/* ... what the caller gets: in his answer, and nowhere in it. Of a refused answer: a good one, which follows. */
	const char *wanted, *unwanted;
};

#define HONEST		.content_length = 2, .body = "{}"
#define REFUSED		.status = -EINVAL, .code = "NexusBadRequest", .wanted = "\r\n\r\n\"good\""
#define INVALID		.status = -EINVAL, .code = "NexusBadRequest", .wanted = "\"errorType\":\"Runtime.InvalidResponse\""
#define DESCRIBED(member) .content_type = "application/json", .body = "{\"statusCode\":200,\"body\":\"ok\"," member "}", \
	.content_length = sizeof("{\"statusCode\":200,\"body\":\"ok\"," member "}") - 1

static const struct lie lies[] = {
	{ "an honest answer", HONEST, .wanted = "HTTP/1.1 200 OK\r\n" },
	{ "a status of 99", HONEST, .http_status = 99, REFUSED },
	{ "a status of 100, which is not final", HONEST, .http_status = 100, REFUSED },
	{ "a status of 600", HONEST, .http_status = 600, REFUSED },
	{ "a status of 2^31", HONEST, .http_status = 1U << 31, REFUSED },
	{ "a status of -1", HONEST, .http_status = UINT32_MAX, REFUSED },
	{ "a content type of two lines", HONEST, .content_type = "a/b\r\nx-smuggled: 1", REFUSED, .unwanted = "x-smuggled" },
	{ "a content type with a line's end alone", HONEST, .content_type = "a/b\nx-smuggled: 1", REFUSED, .unwanted = "x-smuggled" },
	{ "a header's value of two lines", HONEST, .name = "x", .value = "1\r\nx-smuggled: 1", REFUSED, .unwanted = "x-smuggled" },
	{ "a header's value with CR alone", HONEST, .name = "x", .value = "1\rx-smuggled: 1", REFUSED, .unwanted = "x-smuggled" },
	{ "a header's name of two lines", HONEST, .name = "x: 1\r\nx-smuggled", .value = "1", REFUSED, .unwanted = "x-smuggled" },
	{ "a header's name with a colon", HONEST, .name = "x-smuggled:1", .value = "1", REFUSED, .unwanted = "x-smuggled" },
	{ "a header's name with a blank at its end", HONEST, .name = "content-length ", .value = "1", REFUSED },
	{ "a header without a name", HONEST, .name = "", .value = "1", REFUSED },
	{ "an answer that is longer than it says", .content_length = 2, .body = "{\"much\":\"more\"}", INVALID, .unwanted = "much" },
	{ "an answer that is shorter than it says", .content_length = 100, .body = "{\"cut\":1}", INVALID, .unwanted = "cut" },
	{ "an answer of nothing that says it is something", .content_length = 1, .body = "", INVALID },
	{ "an answer of -1 bytes", .content_length = UINT64_MAX, .body = "{}", INVALID },
	{ "an answer of 2^63 bytes", .content_length = 1ULL << 63, .body = "{}", INVALID },
	{ "a length in a header", HONEST, .http_status = 200, .name = "Content-Length", .value = "1",
	  .wanted = "HTTP/1.1 200 OK\r\n", .unwanted = "Content-Length: 1\r\n" },
	{ "chunks in a header", HONEST, .http_status = 200, .name = "transfer-Encoding", .value = "chunked, x",
	  .wanted = "HTTP/1.1 200 OK\r\n", .unwanted = "chunked, x" },
	{ "a body behind a status that has none", .content_length = 25, .body = "HTTP/1.1 299 Smuggled\r\n\r\n",
	  .http_status = 204, .unread = true, .wanted = "HTTP/1.1 204 ", .unwanted = "Smuggled" },
	{ "a body behind 304", .content_length = 25, .body = "HTTP/1.1 299 Smuggled\r\n\r\n", .http_status = 304,
	  .unread = true, .wanted = "HTTP/1.1 304 ", .unwanted = "Smuggled" },
	{ "a described header of two lines", DESCRIBED("\"headers\":{\"x\":\"1\\r\\nx-smuggled: 1\"}"), .wanted = "\r\n\r\nok",
	  .unwanted = "x-smuggled" },
	{ "a described header's name with a colon", DESCRIBED("\"headers\":{\"content-length:1,x\":\"1\"}"),
	  .wanted = "\r\n\r\nok", .unwanted = "content-length:1" },
	{ "a described length, with a blank behind its name", DESCRIBED("\"headers\":{\"Content-Length \":\"1\"}"),
	  .wanted = "\r\n\r\nok", .unwanted = "Content-Length :" },
	{ "a described header without a name", DESCRIBED("\"headers\":{\"\":\"x-empty\"}"), .wanted = "\r\n\r\nok",
	  .unwanted = "x-empty" },
	{ "a described header's value with a control character", DESCRIBED("\"headers\":{\"x-odd\":\"\\u0001\"}"),
	  .wanted = "\r\n\r\nok", .unwanted = "x-odd" },
	{ "a described connection", DESCRIBED("\"headers\":{\"Upgrade\":\"h2c\"}"), .wanted = "\r\n\r\nok",
	  .unwanted = "h2c" },
	{ "a described cookie of two lines", DESCRIBED("\"cookies\":[\"a=1\\r\\nx-smuggled: 1\"]"), .wanted = "\r\n\r\nok",
	  .unwanted = "x-smuggled" },
	{ "a described status beyond all", .content_length = 37, .body = "{\"statusCode\":99999999999,\"body\":\"x\"}",
	  .wanted = "\r\n\r\n{\"statusCode\":99999999999" },
};

/* ---- the caller ---- */

static char answer[65536];	/* all that came on his connection */

static void *caller_main(void *unused)
{
	static const char request[] = "POST /function/liar HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons(backend_ingress()) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t n;

	(void)unused;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    write(fd, request, sizeof(request) - 1) != sizeof(request) - 1)
		tap_bail("caller");
	while ((n = read(fd, answer + len, sizeof(answer) - 1 - len)) > 0)
		len += n;
	answer[len] = '\0';
	close(fd);
	return NULL;
}

/* Is it one answer, framed once? */
static bool answer_is_one(void)
{
	const char *end = strstr(answer, "\r\n\r\n");
	const char *length = strcasestr(answer, "\r\nContent-Length: ");
	const char *chunks = strcasestr(answer, "\r\nTransfer-Encoding: ");
	size_t body = end ? strlen(end + 4) : 0;

	if (!end)
		return false;
	length = length && length < end ? length : NULL;
	chunks = chunks && chunks < end ? chunks : NULL;
	if (length && (chunks || strtoull(length + 18, NULL, 10) != body))
		return false;
	length = length ? strcasestr(length + 2, "\r\nContent-Length: ") : NULL;
	return !length || length > end;
}

/* ---- the guest ---- */

static char request_id[64];

static bool next(struct guest_channel *guest)
{
	Nexus__V1__Request request = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__Next message = NEXUS__V1__NEXT__INIT;
	Nexus__V1__Response *response;
	struct nexus_slot *slot;

	request.op_case = NEXUS__V1__REQUEST__OP_NEXT;
	request.next = &message;
	slot = guest_slot(guest, NEXT_SLOT, &request);
	slot->data_off = EVENT_OFF;
	slot->data_len = WINDOW;
	if (guest_run(guest, NEXT_SLOT))
		return false;
	response = nexus__v1__response__unpack(NULL, slot->msg_out, (uint8_t *)guest->arena + slot->msg_off);
	if (!response || !response->invocation)
		return false;
	snprintf(request_id, sizeof(request_id), "%s", response->invocation->request_id);
	nexus__v1__response__free_unpacked(response, NULL);
	return true;
}

/* The slot's status after an answer, as the lie has it. */
static int respond(struct guest_channel *guest, const struct lie *lie)
{
	Nexus__V1__Field field = NEXUS__V1__FIELD__INIT, *fields[] = { &field };
	Nexus__V1__Request request = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__Respond message = NEXUS__V1__RESPOND__INIT;
	struct nexus_slot *slot;

	request.op_case = NEXUS__V1__REQUEST__OP_RESPOND;
	request.respond = &message;
	message.request_id = request_id;
	message.content_length = lie->content_length;
	message.http_status = lie->http_status;
	if (lie->content_type)
		message.content_type = (char *)lie->content_type;
	if (lie->name) {
		field.name = (char *)lie->name;
		field.value = (char *)lie->value;
		message.headers = fields;
		message.n_headers = 1;
	}
	slot = guest_slot(guest, RESPOND_SLOT, &request);
	slot->flags = NEXUS_SLOT_FIN;
	slot->data_off = ANSWER_OFF;
	slot->data_len = strlen(lie->body);
	memcpy(guest->arena + ANSWER_OFF, lie->body, slot->data_len);
	return guest_run(guest, RESPOND_SLOT);
}

static void test_lie(struct guest_channel *guest, const struct lie *lie)
{
	static const struct lie good = { .content_length = 6, .body = "\"good\"" };
	const char *code;
	pthread_t caller;
	int status;

	pthread_create(&caller, NULL, caller_main, NULL);
	if (!next(guest))
		tap_bail("no event");
	status = respond(guest, lie);
	code = guest_error(guest, RESPOND_SLOT);
	if (!tap_ok((status == lie->status && !strcmp(code, lie->code ? lie->code : "")) ||
		    (lie->unread && status == -EPIPE), "%s: %s", lie->what,
		    lie->status ? "it is told so" : "taken"))
		printf("#   got %d %s\n", status, code);
	/* Of no effect where it was only refused; else nobody waits for it. */
	respond(guest, &good);
	pthread_join(caller, NULL);
	if (!tap_ok(answer_is_one() && strstr(answer, lie->wanted) && (!lie->unwanted || !strstr(answer, lie->unwanted)),
		    "%s: the caller has one answer, which is well-formed", lie->what))
		printf("#   got %s\n", answer);
}

/* Windows that are not the guest's: refused, and no answer. */
static void test_windows(struct guest_channel *guest)
{
	static const struct lie good = { .content_length = 6, .body = "\"good\"" };
	static const struct {
		uint64_t off, len;
	} windows[] = {
		{ GUEST_SIZE, 4096 }, { GUEST_SIZE - 1, 2 }, { UINT64_MAX, 1 }, { UINT64_MAX - 4095, 8192 }, { 0, 4096 },
		{ ANSWER_OFF, UINT64_MAX }, { ANSWER_OFF, 1ULL << 31 },
	};
	Nexus__V1__Request request = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__Respond message = NEXUS__V1__RESPOND__INIT;
	unsigned int refused = 0;
	struct nexus_slot *slot;
	pthread_t caller;

	request.op_case = NEXUS__V1__REQUEST__OP_RESPOND;
	request.respond = &message;
	message.request_id = request_id;
	message.chunked = true;
	pthread_create(&caller, NULL, caller_main, NULL);
	if (!next(guest))
		tap_bail("no event");
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		slot = guest_slot(guest, RESPOND_SLOT, &request);
		slot->flags = NEXUS_SLOT_FIN;
		slot->data_off = windows[i].off;
		slot->data_len = windows[i].len;
		refused += guest_run(guest, RESPOND_SLOT) < 0;
	}
	tap_is(refused, sizeof(windows) / sizeof(windows[0]), "answers in memory that is not the guest's are refused");
	tap_is(respond(guest, &good), 0, "after which a good one is taken");
	tap_is(respond(guest, &good), -ENOENT, "once");
	pthread_join(caller, NULL);
	tap_ok(answer_is_one() && strstr(answer, "\r\n\r\n\"good\""), "and is the caller's");
}

/* What another one works on is not his to answer. */
static void test_others(struct guest_channel *guest)
{
	static const struct lie forged = { .content_length = 8, .body = "\"forged\"" },
				good = { .content_length = 6, .body = "\"good\"" };
	struct guest_channel other;
	pthread_t caller;

	guest_connect(&other);
	pthread_create(&caller, NULL, caller_main, NULL);
	if (!next(guest))
		tap_bail("no event");
	tap_is(respond(&other, &forged), -ENOENT, "an answer to what another instance works on is refused");
	tap_is(respond(guest, &good), 0, "that one answers");
	pthread_join(caller, NULL);
	tap_ok(answer_is_one() && strstr(answer, "\r\n\r\n\"good\"") && !strstr(answer, "forged"), "and its answer is the caller's");
	guest_free(&other);
}

int main(void)
{
	struct guest_channel guest;

	backend_start();
	guest_function("liar");
	guest_connect(&guest);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		test_lie(&guest, &lies[i]);
	test_windows(&guest);
	test_others(&guest);
	tap_ok(backend_alive(), "the daemon lives");
	guest_free(&guest);
	tap_ok(backend_stop(), "and ends well");
	return tap_done();
}
