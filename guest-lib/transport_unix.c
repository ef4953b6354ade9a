// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The unix transport (nexus_unix.h): the process owns the arena itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "../uapi/nexus_hypercall.h"
#include "../uapi/nexus_ring_ops.h"
#include "../uapi/nexus_unix.h"
#include "cleanup.h"
#include "socket.h"
#include "transport.h"

#define ANSWER_MS	10000
#define LOOK_NS		200000000LL	/* how soon a daemon that died is noticed */
#define REATTACH_MS	60000		/* how long the next one is waited for */
#define REATTACH_STEP_NS 20000000L
#define DYING_MS	5000		/* a daemon that answers for so long after it hung up is alive */

struct transport_unix {
	struct transport t;
	int memfd, bell;
	size_t length;		/* of the memfd: it never shrinks (F_SEAL_SHRINK) */
	char *path;
	pthread_mutex_t lock;	/* protects the rest, and one exchange of messages */
	int sock;
	int64_t lost_ms;	/* when the daemon was found to be gone; 0: it is there */
	pid_t peer;		/* the daemon; 0: in a pid namespace that we do not see */
	uint32_t pages;		/* as agreed with the daemon last */
};

static struct transport_unix *to_unix(struct transport *t)
{
	return (struct transport_unix *)t;
}

static int unix_call(struct transport_unix *u, struct nexus_unix_msg *m, const int *fds, int nr_fds)
{
	uint32_t type = m->type;
	int ret;

	ret = socket_call(u->sock, m, sizeof(*m), fds, nr_fds, NULL, ANSWER_MS);
	if (ret)
		return ret;
	return m->type == type && m->status <= 0 ? m->status : -EBADMSG;
}

/* ---- the daemon dies, and another comes ---- */

/* Says that there is nobody at the other end, rather than that he refused. */
static bool unix_lost(int err)
{
	return err == -EPIPE || err == -ECONNRESET || err == -ECONNREFUSED || err == -ENOENT ||
	       err == -ENOTCONN || err == -EAGAIN || err == -ETIMEDOUT;
}

/* The daemon's last word, if it ended the channel. */
static bool unix_ended(const struct transport_unix *u)
{
	const struct nexus_ring_header *h = u->t.base;
	uint32_t state = nexus_load_acquire(&h->host_state);

	return state == NEXUS_HOST_BROKEN || state == NEXUS_HOST_GONE;
}

static pid_t unix_peer(int sock)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) ? 0 : peer.pid;
}

static int64_t unix_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int unix_reattach_once(struct transport_unix *u)
{
	struct nexus_unix_msg m = { .type = NEXUS_UNIX_REATTACH, .version = NEXUS_ABI_VERSION, .pages = u->pages };
	int ret;

	if (unix_ended(u))
		return -ESTALE;
	if (u->sock >= 0)
		close(take_fd(&u->sock));
	ret = socket_connect(u->path);
	if (ret < 0)
		return ret;
	u->sock = ret;
	/* The one that hung up on us may still be at work in the arena; or its socket outlives it for a moment. */
	if (u->peer && unix_peer(u->sock) == u->peer)
		return unix_now_ms() - u->lost_ms < DYING_MS ? -EAGAIN : -ESTALE;
	ret = unix_call(u, &m, (int []){ u->memfd, u->bell }, 2);
	if (!ret)
		u->peer = unix_peer(u->sock);
	return ret;
}

/*
 * The slots say what was in flight: the next daemon goes on with it. 0; -EINPROGRESS: none came for
 * so long; -ECONNRESET: none will. u->lock held: others wait for it, as they would for the daemon's answers.
 */
static int unix_reattach(struct transport_unix *u, int64_t wait_ms)
{
	const struct timespec step = { 0, REATTACH_STEP_NS };
	int64_t start = unix_now_ms(), now = start;
	int ret;

	if (!u->lost_ms)
		u->lost_ms = start;
	while (unix_lost(ret = unix_reattach_once(u)) && now - u->lost_ms < REATTACH_MS) {
		if (now - start >= wait_ms)
			return -EINPROGRESS;
		nanosleep(&step, NULL);
		now = unix_now_ms();
	}
	if (!ret) {
		u->lost_ms = 0;
		return 0;
	}
	if (ret == -ESTALE)
		snprintf(u->t.reason, sizeof(u->t.reason), "the daemon closed the connection");
	else
		snprintf(u->t.reason, sizeof(u->t.reason), "the daemon died, and no other took over at unix:%s: %s",
			 u->path, strerror(-ret));
	return -ECONNRESET;
}

static int unix_check_for(struct transport_unix *u, int64_t wait_ms)
{
	int ret = 0;

	pthread_mutex_lock(&u->lock);
	if (u->lost_ms || socket_closed(u->sock))
		ret = unix_reattach(u, wait_ms);
	pthread_mutex_unlock(&u->lock);
	return ret;
}

static int unix_check(struct transport *t)
{
	return unix_check_for(to_unix(t), INT64_MAX);
}

static int unix_kick(struct transport *t)
{
	uint64_t one = 1;

	/* EAGAIN: the counter is full, the daemon has its news. */
	if (write(to_unix(t)->bell, &one, sizeof(one)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

static int unix_wait(struct transport *t, const uint32_t *word, uint32_t seen, int64_t timeout_ns, unsigned int late_ms)
{
	int64_t look_ns = timeout_ns < LOOK_NS ? timeout_ns : LOOK_NS;
	struct timespec ts = { look_ns / 1000000000, look_ns % 1000000000 };
	int ret;

	(void)late_ms;
	if (!syscall(SYS_futex, word, FUTEX_WAIT, seen, &ts, NULL, 0) || errno != ETIMEDOUT)
		return 0;
	ret = unix_check_for(to_unix(t), (timeout_ns - look_ns) / 1000000);
	return ret == -EINPROGRESS ? 0 : ret;
}

static int unix_resize(struct transport_unix *u, size_t size)
{
	struct nexus_unix_msg m;
	int ret;

	pthread_mutex_lock(&u->lock);
	do {
		m = (struct nexus_unix_msg){ .type = NEXUS_UNIX_ARENA, .version = NEXUS_ABI_VERSION,
					     .pages = size / NEXUS_PAGE_SIZE };
		ret = u->lost_ms ? -EPIPE : unix_call(u, &m, NULL, 0);
	} while (unix_lost(ret) && !(ret = unix_reattach(u, INT64_MAX)));
	if (!ret)
		u->pages = size / NEXUS_PAGE_SIZE;
	pthread_mutex_unlock(&u->lock);
	return ret;
}

static int unix_grow(struct transport *t, size_t size)
{
	struct transport_unix *u = to_unix(t);

	if (size > u->length) {
		if (ftruncate(u->memfd, size))
			return -errno;
		u->length = size;
	}
	return unix_resize(u, size);
}

static int unix_shrink(struct transport *t, size_t size)
{
	struct transport_unix *u = to_unix(t);
	int ret = unix_resize(u, size);

	if (ret)
		return ret;
	/* The daemon let go already. If this fails the pages stay, no more. */
	(void)!fallocate(u->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, size, u->length - size);
	return 0;
}

static void unix_close(struct transport *t)
{
	struct transport_unix *u = to_unix(t);

	if (t->base)
		munmap(t->base, t->max);
	if (u->memfd >= 0)
		close(u->memfd);
	if (u->bell >= 0)
		close(u->bell);
	if (u->sock >= 0)
		close(u->sock);
	pthread_mutex_destroy(&u->lock);
	free(u->path);
	free(u);
}

static const struct transport_ops unix_ops = {
	.name	= "unix",
	.kick	= unix_kick,
	.wait	= unix_wait,
	.check	= unix_check,
	.grow	= unix_grow,
	.shrink	= unix_shrink,
	.close	= unix_close,
};

static void cleanup_unix(struct transport_unix **u)
{
	if (*u)
		unix_close(&(*u)->t);
}

static int unix_memory(struct transport_unix *u)
{
	struct nexus_ring_header *h;

	u->memfd = memfd_create("nexus-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (u->memfd < 0 || ftruncate(u->memfd, u->t.size) || fcntl(u->memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return open_fail(-errno, "cannot create an arena of %zu bytes: %m", u->t.size);
	u->length = u->t.size;
	/* Address space for the largest size: growing moves nothing. */
	h = mmap(NULL, u->t.max, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, u->memfd, 0);
	if (h == MAP_FAILED)
		return open_fail(-errno, "cannot map %zu bytes of arena: %m; set NEXUS_ARENA_MAX lower", u->t.max);
	u->t.base = h;
	h->magic = NEXUS_RING_MAGIC;
	h->version = NEXUS_ABI_VERSION;
	h->nr_slots = u->t.slots;
	u->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (u->bell < 0)
		return open_fail(-errno, "cannot create an eventfd: %m");
	return 0;
}

int transport_unix_open(struct transport **t, const struct transport_spec *spec)
{
	struct transport_unix *u __attribute__((cleanup(cleanup_unix))) = calloc(1, sizeof(*u));
	struct nexus_unix_msg m = { .type = NEXUS_UNIX_HELLO, .version = NEXUS_ABI_VERSION };
	int ret;

	if (!u)
		return open_fail(-ENOMEM, "out of memory");
	u->t = (struct transport){ .ops = &unix_ops, .size = spec->size, .max = spec->max, .slots = spec->slots };
	u->memfd = u->bell = u->sock = -1;
	pthread_mutex_init(&u->lock, NULL);
	u->path = strdup(spec->path);
	if (!u->path)
		return open_fail(-ENOMEM, "out of memory");
	u->sock = socket_connect(spec->path);
	if (u->sock < 0)
		return open_fail(u->sock, "no nexus-backend at unix:%s: %s; is it running, with this socket in its configuration?",
				 spec->path, strerror(-u->sock));
	u->peer = unix_peer(u->sock);
	ret = unix_memory(u);
	if (ret)
		return ret;
	m.pages = u->pages = u->t.size / NEXUS_PAGE_SIZE;
	ret = unix_call(u, &m, (int []){ u->memfd, u->bell }, 2);
	if (ret == -EPROTONOSUPPORT || (!ret && NEXUS_ABI_MAJOR_OF(m.version) != NEXUS_ABI_MAJOR))
		return open_fail(-EPROTONOSUPPORT, "the host speaks ABI %u, this library %u",
				 NEXUS_ABI_MAJOR_OF(m.version), NEXUS_ABI_MAJOR);
	if (ret == -ENOSPC)
		return open_fail(ret, "the arena of %u pages is beyond the tenant's limit", m.pages);
	if (ret)
		return open_fail(ret, "nexus-backend at unix:%s refused: %s", spec->path, strerror(-ret));
	*t = &take_ptr(u)->t;
	return 0;
}
