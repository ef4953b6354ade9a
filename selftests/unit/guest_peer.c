// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects of the peer's store are made up: GET of key "N" is N bytes of
 * peer_byte(); "missing" is not there; "hang" never answers; "cut-N" and PUT of
 * "full-N" fail after N bytes.
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>
#include "../tap.h"
#include "guest_peer.h"
#include "nexus.pb-c.h"

#define SPACE	(NEXUS_ARENA_MAX_PAGES * NEXUS_PAGE_SIZE)

void peer_init(struct peer *p)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	static int serial;

	*p = (struct peer){ .sock = -1, .memfd = -1, .bell = -1, .version = NEXUS_ABI_VERSION, .attach = true };
	snprintf(p->path, sizeof(p->path), "/tmp/nexus-peer-%d-%d", getpid(), serial++);
	strcpy(addr.sun_path, p->path);
	p->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	unlink(p->path);
	if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(p->listener, 4))
		tap_bail(p->path);
}

static void peer_hello(struct peer *p)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct nexus_unix_msg m;
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	int fds[2];

	if (recvmsg(p->sock, &hdr, MSG_CMSG_CLOEXEC) != sizeof(m) || m.type != NEXUS_UNIX_HELLO ||
	    !CMSG_FIRSTHDR(&hdr) || CMSG_FIRSTHDR(&hdr)->cmsg_len != CMSG_LEN(sizeof(fds)))
		tap_bail("HELLO");
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&hdr)), sizeof(fds));
	p->memfd = fds[0];
	p->bell = fds[1];
	p->pages = p->max_pages = m.pages;
	p->header = mmap(NULL, SPACE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, p->memfd, 0);
	if (p->header == MAP_FAILED)
		tap_bail("mmap");
	p->sq = nexus_ring_sq(p->header, p->header->nr_slots);
	p->cq = nexus_ring_cq(p->header, p->header->nr_slots);
	m.version = p->version;
	m.status = p->status;
	if (p->attach) {
		p->header->host_version = p->version;
		nexus_store_release(&p->header->host_state, NEXUS_HOST_ATTACHED);
	}
	nexus_store(&p->header->host_flags, NEXUS_HOST_NEED_KICK);
	if (send(p->sock, &m, sizeof(m), MSG_NOSIGNAL) != sizeof(m))
		tap_bail("HELLO's answer");
}

static void *peer_accept(void *arg)
{
	struct peer *p = arg;

	p->sock = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
	if (p->sock < 0)
		tap_bail("accept");
	peer_hello(p);
	return NULL;
}

int peer_connect(struct peer *p, struct nexus **nx, const struct nexus_open_options *options)
{
	char target[80];
	pthread_t thread;
	int ret;

	snprintf(target, sizeof(target), "unix:%s", p->path);
	pthread_create(&thread, NULL, peer_accept, p);
	ret = nexus_open_with(nx, target, options);
	pthread_join(thread, NULL);
	return ret;
}

void peer_fini(struct peer *p)
{
	if (p->header)
		munmap(p->header, SPACE);
	close(p->listener);
	close(p->sock);
	close(p->memfd);
	close(p->bell);
	unlink(p->path);
}

void peer_complete(struct peer *p, uint32_t slot, int status, uint32_t flags, uint32_t data, const void *msg,
		   uint32_t msg_len)
{
	struct nexus_slot *s = nexus_slot_at(p->header, slot);

	if (msg)
		memcpy((char *)p->header + s->msg_off, msg, msg_len);
	s->status = status;
	s->msg_out = msg_len;
	s->result_flags = flags;
	s->data_out = data;
	nexus_store_release(&s->state, NEXUS_SLOT_DONE);
	nexus_ring_push(&p->cq, &p->cq_tail, slot);
	if (nexus_ring_must_wake(&p->header->guest_flags, NEXUS_GUEST_NEED_WAKE))
		syscall(SYS_futex, &p->header->cq_tail, FUTEX_WAKE, 64, NULL, NULL, 0);
}

/* Complete a slot with a Response. */
static void peer_answer(struct peer *p, const struct peer_window *w, int status, uint32_t flags, uint32_t data,
			uint64_t length, const char *code)
{
	Nexus__V1__Response r = NEXUS__V1__RESPONSE__INIT;
	Nexus__V1__Error e = NEXUS__V1__ERROR__INIT;
	Nexus__V1__Field field = NEXUS__V1__FIELD__INIT, *fields = &field;
	uint8_t buf[1024];

	r.http_status = code ? 500 : 200;
	r.content_length = length;
	r.etag = "\"tag\"";
	r.content_type = "text/plain";
	r.request_id = "id-1";
	field.name = "Color";
	field.value = "blue";
	r.metadata = &fields;
	r.n_metadata = 1;
	if (code) {
		e.code = (char *)code;
		e.message = "the store's own words";
		e.request_id = "id-2";
		r.error = &e;
	}
	if (nexus__v1__response__get_packed_size(&r) > w->copy.msg_cap)
		tap_bail("msg_cap");
	peer_complete(p, w->slot, status, flags, data, buf, nexus__v1__response__pack(&r, buf));
}

/* The stream is over: answer the first window, and empty the queue. */
static void peer_end(struct peer *p, struct peer_stream *s, int status, uint32_t data, const char *code)
{
	s->open = false;
	for (unsigned int i = 0; i < s->nr_windows; i++)
		peer_answer(p, &s->windows[i], status, 0, i ? 0 : data, s->put ? 0 : s->size, code);
	s->nr_windows = 0;
}

/* Work on the stream's oldest window. False: nothing to do. */
static bool peer_step(struct peer *p, struct peer_stream *s)
{
	struct peer_window w = s->windows[0];
	uint8_t *data = (uint8_t *)p->header + w.copy.data_off;
	uint64_t n = w.copy.data_len;

	if (!s->open || !s->nr_windows || s->hang)
		return false;
	if (!s->put && n > s->size - s->pos)
		n = s->size - s->pos;
	if (n > s->fail_at - s->pos)
		n = s->fail_at - s->pos;
	if (s->put)
		s->crc = crc32(s->crc, data, n);
	for (uint64_t i = 0; !s->put && i < n; i++)
		data[i] = peer_byte(s->pos + i);
	s->pos += n;
	if (s->pos == s->fail_at) {
		peer_end(p, s, -EIO, n, s->put ? "EntityTooLarge" : "Cut");
	} else if (s->put ? w.copy.flags & NEXUS_SLOT_FIN : s->pos == s->size) {
		p->last_crc = s->crc;
		p->last_size = s->pos;
		peer_end(p, s, s->put && s->pos != s->size ? -EINVAL : 0, n, NULL);
	} else {
		memmove(s->windows, s->windows + 1, --s->nr_windows * sizeof(s->windows[0]));
		peer_answer(p, &w, 0, NEXUS_SLOT_MORE, n, s->put ? 0 : s->size, NULL);
	}
	return true;
}

static void peer_request(struct peer *p, const struct peer_window *w)
{
	struct peer_stream *s = &p->streams[w->slot];
	Nexus__V1__Request *r = nexus__v1__request__unpack(NULL, w->copy.msg_len,
							   (uint8_t *)p->header + w->copy.msg_off);
	const char *key = NULL;

	if (!r)
		tap_bail("unpack");
	if (r->op_case == NEXUS__V1__REQUEST__OP_GET_OBJECT)
		key = r->get_object->object->key;
	else if (r->op_case == NEXUS__V1__REQUEST__OP_PUT_OBJECT)
		key = r->put_object->object->key;
	if (s->open) {
		peer_answer(p, w, -EINVAL, 0, 0, 0, "SlotNamesAnOpenStream");
	} else if (!key) {
		peer_answer(p, w, 0, 0, 0, 77, NULL);
	} else if (!strcmp(key, "missing")) {
		peer_answer(p, w, -ENOENT, 0, 0, 0, "NoSuchKey");
	} else {
		*s = (struct peer_stream){ .open = true, .fail_at = UINT64_MAX, .hang = !strcmp(key, "hang") };
		s->put = r->op_case == NEXUS__V1__REQUEST__OP_PUT_OBJECT;
		if (s->put)
			s->size = r->put_object->content_length;
		else if (sscanf(key, "cut-%lu", &s->fail_at) == 1)
			s->size = s->fail_at + 1;
		else
			s->size = strtoull(key, NULL, 10);
		sscanf(key, "full-%lu", &s->fail_at);
		s->windows[s->nr_windows++] = *w;
	}
	nexus__v1__request__free_unpacked(r, NULL);
}

static void peer_slot(struct peer *p, const struct peer_window *w)
{
	uint32_t stream = w->copy.stream;
	struct peer_stream *s = &p->streams[stream % NEXUS_MAX_SLOTS];

	if (w->copy.kind == NEXUS_SLOT_REQUEST) {
		peer_request(p, w);
	} else if (w->copy.kind == NEXUS_SLOT_CANCEL) {
		bool open = s->open;

		if (open)
			peer_end(p, s, -ECANCELED, 0, NULL);
		peer_complete(p, w->slot, open ? 0 : -ENOENT, 0, 0, NULL, 0);
	} else if (!s->open) {
		peer_complete(p, w->slot, -ECONNRESET, 0, 0, NULL, 0);
	} else if (s->nr_windows == PEER_WINDOWS) {
		tap_bail("more windows than the peer can queue");
	} else {
		s->windows[s->nr_windows++] = *w;
	}
}

static bool peer_poll_slot(struct peer *p, struct peer_window *w)
{
	struct nexus_slot *s;

	if (!nexus_ring_ready(&p->sq, p->sq_head))
		return false;
	w->slot = nexus_ring_peek(&p->sq, p->sq_head);
	s = nexus_slot_at(p->header, w->slot);
	w->copy = *s;
	nexus_store(&s->state, NEXUS_SLOT_TAKEN);
	nexus_store_release(&p->header->sq_head, ++p->sq_head);
	return true;
}

uint32_t peer_take(struct peer *p, struct nexus_slot *copy)
{
	struct peer_window w;

	while (!peer_poll_slot(p, &w))
		usleep(100);
	*copy = w.copy;
	return w.slot;
}

/* Arena changes, and the bell. */
static void peer_sleep(struct peer *p)
{
	struct pollfd fds[] = { { .fd = p->bell, .events = POLLIN }, { .fd = p->sock, .events = POLLIN } };
	struct nexus_unix_msg m;
	uint64_t count;

	if (!nexus_ring_may_sleep(&p->sq, p->sq_head, &p->header->host_flags, NEXUS_HOST_NEED_KICK))
		return;
	poll(fds, 2, 20);
	nexus_ring_awake(&p->header->host_flags, NEXUS_HOST_NEED_KICK);
	if (fds[0].revents & POLLIN && read(p->bell, &count, sizeof(count)) < 0 && errno != EAGAIN)
		tap_bail("bell");
	if (fds[1].revents & POLLIN && recv(p->sock, &m, sizeof(m), 0) == sizeof(m)) {
		m.status = p->status;
		if (!m.status)
			p->pages = m.pages;
		if (p->pages > p->max_pages)
			p->max_pages = p->pages;
		if (send(p->sock, &m, sizeof(m), MSG_NOSIGNAL) < 0)
			tap_bail("ARENA's answer");
	}
}

static void *peer_loop(void *arg)
{
	struct peer *p = arg;
	struct peer_window w;

	while (!__atomic_load_n(&p->stop, __ATOMIC_RELAXED)) {
		bool busy = false;

		while (peer_poll_slot(p, &w)) {
			peer_slot(p, &w);
			busy = true;
		}
		for (unsigned int i = 0; i < NEXUS_MAX_SLOTS; i++)
			busy |= peer_step(p, &p->streams[i]);
		if (!busy)
			peer_sleep(p);
	}
	return NULL;
}

void peer_serve(struct peer *p)
{
	p->stop = false;
	pthread_create(&p->thread, NULL, peer_loop, p);
}

void peer_stop(struct peer *p)
{
	__atomic_store_n(&p->stop, true, __ATOMIC_RELAXED);
	pthread_join(p->thread, NULL);
}
