// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "../../uapi/nexus_ring_ops.h"
#include "../cleanup.h"
#include "../hypercall.h"
#include "../init_protocol.h"
#include "client.h"

/* How long memory of a channel that the host denies is kept: whoever served it
 * may still be unmapping. */
#define SEVERED_MS	10000
#define HELLO_MS	10000	/* a connection that never says what it wants */
#define LOOK_MS		10	/* how often to look whether the host let go, at first */
#define LOOK_SLOW_MS	1000	/* when it takes its time: a daemon that is away */

static int64_t client_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Add a piece here, then on the host. */
static int client_grow(struct client *c, size_t bytes)
{
	struct memory *m = &c->memory;
	size_t from = m->size;
	long ret;

	ret = memory_add(m, bytes);
	if (ret)
		return ret;
	do {
		ret = hypercall(NEXUS_HC_SHARE, c->channel, (unsigned long)(m->base + from), bytes / NEXUS_PAGE_SIZE, 0);
	} while (ret == -EINTR);
	if (ret < 0) {
		memory_drop(m);
		return ret;
	}
	return 0;
}

/* Shrink to the end of an earlier piece. */
static int client_shrink(struct client *c, size_t size)
{
	struct memory *m = &c->memory;
	unsigned int i = 0;
	long ret;

	while (i < m->nr_pieces && m->pieces[i] != size)
		i++;
	if (i == m->nr_pieces)
		return -EINVAL;
	ret = hypercall(NEXUS_HC_UNSHARE, c->channel, size / NEXUS_PAGE_SIZE, 0, 0);
	if (ret < 0)
		return ret;
	while (m->size > size)
		memory_drop(m);
	return 0;
}

static int client_arena(struct client *c, const struct init_msg *m)
{
	struct nexus_ring_header *h = (struct nexus_ring_header *)c->memory.base;
	size_t size = (size_t)m->pages * NEXUS_PAGE_SIZE;
	struct memory *mem = &c->memory;
	int ret;

	if (c->state != CLIENT_OPEN)
		return -EBADMSG;
	if (size <= mem->size)
		ret = client_shrink(c, size);
	else if (size - mem->size > NEXUS_SHARE_MAX_PAGES * NEXUS_PAGE_SIZE)
		ret = -EINVAL;
	else
		ret = client_grow(c, size - mem->size);
	/* Before the process, having our answer, submits a slot that relies on it. */
	if (!ret)
		nexus_store_release(&h->arena_gen, nexus_load(&h->arena_gen) + 1);
	return ret;
}

/* The arena in memory; the header is complete before the host sees it. */
static int client_open_channel(struct client *c, const struct init_msg *m)
{
	size_t size = (size_t)m->pages * NEXUS_PAGE_SIZE;
	struct nexus_ring_header *h;
	long ret;

	ret = hypercall(NEXUS_HC_OPEN, NEXUS_ABI_VERSION, 0, 0, 0);
	if (ret < 0)
		return ret;
	c->channel = ret;
	ret = memory_add(&c->memory, size);
	if (!ret) {
		h = (struct nexus_ring_header *)c->memory.base;
		h->magic = NEXUS_RING_MAGIC;
		h->version = m->version;
		h->nr_slots = m->slots;
		do {
			ret = hypercall(NEXUS_HC_SHARE, c->channel, (unsigned long)h, m->pages, 0);
		} while (ret == -EINTR);
	}
	if (ret < 0) {
		hypercall(NEXUS_HC_CLOSE, c->channel, 0, 0, 0);
		return ret;
	}
	return 0;
}

static int client_hello(struct client *c, struct init_msg *m)
{
	long version;
	int ret;

	if (c->state != CLIENT_CONNECTED)
		return -EBADMSG;
	if (NEXUS_ABI_MAJOR_OF(m->version) != NEXUS_ABI_MAJOR)
		return -EPROTONOSUPPORT;
	if (m->slots < NEXUS_MIN_SLOTS || m->slots > NEXUS_MAX_SLOTS || m->slots & (m->slots - 1) ||
	    m->pages > NEXUS_SHARE_MAX_PAGES || m->pages * NEXUS_PAGE_SIZE < NEXUS_CONTROL_SIZE(m->slots))
		return -EINVAL;
	version = hypercall_probe();
	if (version < 0)
		return -ENODEV;
	if (NEXUS_ABI_MAJOR_OF(version) != NEXUS_ABI_MAJOR)
		return -EPROTONOSUPPORT;
	ret = memory_open(&c->memory);
	if (ret)
		return ret;
	ret = client_open_channel(c, m);
	if (ret) {
		memory_close(&c->memory);
		return ret;
	}
	c->state = CLIENT_OPEN;
	m->channel = c->channel;
	return 0;
}

/* Only forward: a clone's clock is late, and nobody is to see a time twice. */
static void client_set_clock(const struct init_msg *m)
{
	const struct timespec host = { .tv_sec = m->seconds, .tv_nsec = m->milliseconds * 1000000L };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (m->milliseconds < 1000 && (host.tv_sec > now.tv_sec ||
				       (host.tv_sec == now.tv_sec && host.tv_nsec > now.tv_nsec)) &&
	    clock_settime(CLOCK_REALTIME, &host))
		fprintf(stderr, "nexus-init: cannot set the clock: %m\n");
}

/* Only the first process may; and what anybody mixed in before can only do good. */
static int client_reseed(const struct init_msg *m)
{
	autoclose int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	client_set_clock(m);
	return fd < 0 || ioctl(fd, RNDRESEEDCRNG) ? -errno : 0;
}

/* 0, or -errno: the connection is of no use any more. */
static int client_answer(struct client *c, struct init_msg *m, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *h = &control.align;

		hdr.msg_control = control.buf;
		hdr.msg_controllen = sizeof(control.buf);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	/* A client that does not read its answers has broken the protocol. */
	return sendmsg(c->sock, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

void client_serve(struct client *c)
{
	struct init_msg m;
	ssize_t n = recv(c->sock, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC);
	int fd = -1;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(m)) {
		client_close(c);
		return;
	}
	switch (m.type) {
	case INIT_HELLO:
		m.status = client_hello(c, &m);
		if (!m.status)
			fd = c->memory.memfd;
		break;
	case INIT_ARENA:
		m.status = client_arena(c, &m);
		break;
	case INIT_RESEED:
		m.status = client_reseed(&m);
		break;
	default:
		m.status = -EBADMSG;
	}
	m.version = NEXUS_ABI_VERSION;
	if (client_answer(c, &m, fd) || m.status == -EBADMSG)
		client_close(c);
}

void client_close(struct client *c)
{
	close(c->sock);
	c->sock = -1;
	if (c->state != CLIENT_OPEN) {
		c->state = CLIENT_FREE;
		return;
	}
	c->severed = hypercall(NEXUS_HC_CLOSE, c->channel, 0, 0, 0) < 0;
	c->since = client_now();
	c->state = CLIENT_CLOSING;
	client_reap(c);
}

void client_accept(struct client *c, int sock)
{
	c->state = CLIENT_CONNECTED;
	c->sock = sock;
	c->since = client_now();
}

int client_reap_in(const struct client *c)
{
	if (c->state == CLIENT_CONNECTED)
		return LOOK_SLOW_MS;
	if (c->state != CLIENT_CLOSING)
		return -1;
	return client_now() - c->since < LOOK_SLOW_MS ? LOOK_MS : LOOK_SLOW_MS;
}

void client_reap(struct client *c)
{
	const struct nexus_ring_header *h = (const struct nexus_ring_header *)c->memory.base;
	int64_t age = client_now() - c->since;

	if (c->state == CLIENT_CONNECTED && age > HELLO_MS)
		client_close(c);
	if (c->state != CLIENT_CLOSING)
		return;
	if (nexus_load_acquire(&h->host_state) != NEXUS_HOST_GONE && !(c->severed && age > SEVERED_MS))
		return;
	memory_close(&c->memory);
	c->state = CLIENT_FREE;
}
