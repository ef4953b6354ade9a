// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "channel.h"
#include "cleanup.h"
#include "config.h"
#include "container.h"
#include "log.h"
#include "nexus_hypercall.h"
#include "nexus_unix.h"
#include "op_core.h"
#include "socket_path.h"
#include "transport_unix.h"
#include "worker_core.h"
#include "workers.h"

#define HELLO_TIMEOUT_MS	10000
#define HELLO_FDS		2

struct listener {
	struct listener *next;
	struct loop *loop;
	const struct listen *listen;
	int fd;
	struct loop_poll poll;
};

struct connection {
	struct channel channel;
	struct guest guest;
	struct worker_client client;
	int fd;
	int memfd;
	int kick_fd;
	struct loop_poll poll;		/* fd */
	struct loop_poll kick_poll;
	struct loop_timer hello_timer;
	bool closing;			/* the peer is gone; operations may still run */
};

static struct listener *listeners;	/* the main thread's */
static uint32_t connections;		/* atomic */
static struct loop *main_loop;

uint32_t unix_connections(void)
{
	return __atomic_load_n(&connections, __ATOMIC_RELAXED);
}

/* ---- the channel's transport ---- */

static void unix_wake(const uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void unix_notify(struct channel *channel)
{
	struct nexus_ring_header *header = (struct nexus_ring_header *)channel->arena.base;

	unix_wake(&header->cq_tail);
	if (nexus_load(&header->host_state) != NEXUS_HOST_ATTACHED)
		unix_wake(&header->host_state);
}

static void connection_ungrab(void *arg)
{
	workers_unpick(arg);
}

static void connection_free(struct connection *connection)
{
	struct worker *worker = connection->channel.worker;

	loop_poll_stop(worker->loop, &connection->poll);
	loop_poll_stop(worker->loop, &connection->kick_poll);
	loop_timer_stop(worker->loop, &connection->hello_timer);
	worker_remove(&connection->client);
	close(connection->fd);
	if (connection->memfd >= 0)
		close(connection->memfd);
	if (connection->kick_fd >= 0)
		close(connection->kick_fd);
	free(connection);
	__atomic_fetch_sub(&connections, 1, __ATOMIC_RELAXED);
	loop_post(main_loop, connection_ungrab, worker);
}

static void unix_release(struct channel *channel)
{
	connection_free(container_of(channel, struct connection, channel));
}

static const struct channel_transport unix_transport = {
	.name = "unix",
	.notify = unix_notify,
	.release = unix_release,
};

/* ---- the arena ---- */

static void connection_close(struct connection *connection)
{
	if (connection->closing)
		return;
	connection->closing = true;
	loop_poll_stop(connection->channel.worker->loop, &connection->poll);
	loop_poll_stop(connection->channel.worker->loop, &connection->kick_poll);
	channel_close(&connection->channel);
}

/* What the guest calls a memfd: memory that cannot be truncated under us. */
static int memfd_check(int fd, uint64_t size)
{
	struct statfs fs;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return -EINVAL;
	/* Pages of hugetlbfs may be missing when touched. */
	if (fstatfs(fd, &fs) || fs.f_type != TMPFS_MAGIC || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -EINVAL;
	return (uint64_t)st.st_size >= size ? 0 : -EINVAL;
}

static int eventfd_check(int fd)
{
	static const char want[] = "anon_inode:[eventfd]";
	char path[64], target[sizeof(want)];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, target, sizeof(target));
	return len == sizeof(want) - 1 && !memcmp(target, want, len) ? 0 : -EINVAL;
}

static int connection_resize(struct connection *connection, uint32_t pages)
{
	struct channel *channel = &connection->channel;
	uint64_t size = pages * NEXUS_PAGE_SIZE, old = channel->arena.size;
	int ret;

	if (size > channel->guest->tenant->max_pinned || pages > NEXUS_ARENA_MAX_PAGES)
		return -ENOSPC;
	ret = memfd_check(connection->memfd, size);
	if (ret)
		return ret;
	if (size > old) {
		ret = arena_map(&channel->arena, old, size - old, connection->memfd, old);
		if (ret)
			return ret == -ENOMEM ? ret : -EINVAL;
	}
	channel_resize(channel, size);
	return 0;
}

static int connection_hello(struct connection *connection, const struct nexus_unix_msg *msg, int *fds)
{
	int ret;

	if (NEXUS_ABI_MAJOR_OF(msg->version) != NEXUS_ABI_MAJOR)
		return -EPROTONOSUPPORT;
	connection->memfd = take_fd(&fds[0]);
	connection->kick_fd = take_fd(&fds[1]);
	ret = eventfd_check(connection->kick_fd);
	if (!ret)
		ret = connection_resize(connection, msg->pages);
	if (ret)
		return ret;
	ret = channel_attach(&connection->channel);
	return ret == -EAGAIN ? -EINVAL : ret;	/* the control pages do not fit into the arena */
}

/* ---- kicks ---- */

/* Every write to the eventfd is an edge: nobody needs to read it, which the guest could disturb. */
static int connection_listen(struct connection *connection)
{
	return loop_poll_start_edges(connection->channel.worker->loop, &connection->kick_poll, connection->kick_fd, POLLIN);
}

static void connection_kicked(struct loop_poll *poll, unsigned int revents)
{
	struct connection *connection = container_of(poll, struct connection, kick_poll);
	(void)revents;
	counter_add(&connection->channel.worker->counters.kicks, 1);
	channel_take(&connection->channel);
	if (!poll->watch && connection_listen(connection))
		connection_close(connection);
}

/* ---- messages ---- */

/* Answers the message. False: the connection is to be closed. */
static bool connection_message(struct connection *connection, const struct nexus_unix_msg *msg, int *fds)
{
	struct nexus_unix_msg reply = { .type = msg->type, .version = NEXUS_ABI_VERSION };
	struct loop *loop = connection->channel.worker->loop;
	bool hello = connection->memfd < 0;

	if (hello && (msg->type == NEXUS_UNIX_HELLO || msg->type == NEXUS_UNIX_REATTACH) &&
	    fds[0] >= 0 && fds[1] >= 0) {
		loop_timer_stop(loop, &connection->hello_timer);
		reply.status = connection_hello(connection, msg, fds);
		if (!reply.status)
			reply.status = connection_listen(connection);
	} else if (!hello && msg->type == NEXUS_UNIX_ARENA && fds[0] < 0) {
		reply.status = connection_resize(connection, msg->pages);
	} else {
		reply.status = -EBADMSG;
	}
	reply.pages = connection->channel.arena.size / NEXUS_PAGE_SIZE;
	/* A peer that does not read its answers has no use for them. */
	return send(connection->fd, &reply, sizeof(reply), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(reply) &&
	       reply.status != -EBADMSG && !(hello && reply.status);
}

/* Keeps the first HELLO_FDS descriptors; more than were expected count as malformed. */
static bool connection_fds(struct msghdr *header, int *fds)
{
	struct cmsghdr *cmsg;
	size_t count;
	bool fine = !(header->msg_flags & (MSG_CTRUNC | MSG_TRUNC));

	for (cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (i < HELLO_FDS && fds[i] < 0) {
				fds[i] = fd;
			} else {
				close(fd);
				fine = false;
			}
		}
	}
	return fine;
}

static void connection_ready(struct loop_poll *poll, unsigned int revents)
{
	struct connection *connection = container_of(poll, struct connection, poll);
	union {
		char space[CMSG_SPACE(HELLO_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct nexus_unix_msg msg;
	struct iovec iov = { &msg, sizeof(msg) };
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fds[HELLO_FDS] = { -1, -1 };
	ssize_t len;
	bool keep;

	(void)revents;
	len = recvmsg(connection->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (len > 0) {
		if (!connection_fds(&header, fds) || len != sizeof(msg))
			msg.type = 0;
		keep = connection_message(connection, &msg, fds);
		for (int i = 0; i < HELLO_FDS; i++)
			cleanup_close(&fds[i]);
	} else {
		keep = len < 0 && (errno == EAGAIN || errno == EINTR);
	}
	if (!keep || loop_poll_start(connection->channel.worker->loop, poll, connection->fd, POLLIN))
		connection_close(connection);
}

/* ---- life ---- */

static void connection_silent(struct loop_timer *timer)
{
	connection_close(container_of(timer, struct connection, hello_timer));
}

/* The guest finds the socket closed and the channel as it is, and turns to the next daemon. */
static void connection_abandon(struct worker_client *client)
{
	struct connection *connection = container_of(client, struct connection, client);

	if (connection->closing) {
		op_abandon_all(&connection->channel);	/* the last one frees it */
		return;
	}
	channel_abandon(&connection->channel);
	connection_free(connection);
}

static void connection_begin(void *arg)
{
	struct connection *connection = arg;
	struct loop *loop = connection->channel.worker->loop;

	worker_add(connection->channel.worker, &connection->client);
	loop_timer_start(loop, &connection->hello_timer, HELLO_TIMEOUT_MS);
	if (arena_reserve(&connection->channel.arena) ||
	    loop_poll_start(loop, &connection->poll, connection->fd, POLLIN))
		connection_close(connection);
}

static void connection_accept(const struct listener *listener, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		close(fd);
		return;
	}
	connection->fd = fd;
	connection->memfd = connection->kick_fd = -1;
	connection->poll.ready = connection_ready;
	connection->kick_poll.ready = connection_kicked;
	connection->hello_timer.expired = connection_silent;
	connection->client.abandon = connection_abandon;
	connection->guest.tenant = listener->listen->tenant;
	snprintf(connection->guest.function, sizeof(connection->guest.function), "%s",
		 listener->listen->function);
	connection->channel.transport = &unix_transport;
	connection->channel.guest = &connection->guest;
	connection->channel.worker = workers_pick();
	if (loop_post(connection->channel.worker->loop, connection_begin, connection)) {
		workers_unpick(connection->channel.worker);
		close(fd);
		free(connection);
		return;
	}
	__atomic_fetch_add(&connections, 1, __ATOMIC_RELAXED);
}

static void listener_ready(struct loop_poll *poll, unsigned int revents)
{
	struct listener *listener = container_of(poll, struct listener, poll);
	int fd;

	(void)revents;
	fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0 && unix_connections() >= UNIX_CONNECTIONS_MAX) {
		log_warning("%s: refused a connection: there are %u, the limit",
			    listener->listen->path, UNIX_CONNECTIONS_MAX);
		close(fd);
	} else if (fd >= 0) {
		connection_accept(listener, fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		log_error("%s: cannot accept a connection: %s", listener->listen->path, strerror(errno));
	}
	if (loop_poll_start(listener->loop, poll, listener->fd, POLLIN))
		log_error("%s: no longer accepts connections: restart the daemon", listener->listen->path);
}

static int listener_new(struct loop *loop, const struct listen *listen)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	int ret;

	if (!listener)
		return -ENOMEM;
	listener->fd = socket_path_bind(listen->path, SOCK_SEQPACKET, listen->mode);
	if (listener->fd < 0) {
		ret = listener->fd;
		free(listener);
		return ret;
	}
	listener->loop = loop;
	listener->listen = listen;
	listener->poll.ready = listener_ready;
	listener->next = listeners;
	listeners = listener;
	return loop_poll_start(loop, &listener->poll, listener->fd, POLLIN);
}

int unix_listen(struct loop *loop, const struct config *config)
{
	int ret;

	main_loop = loop;
	for (const struct listen *listen = config->listens; listen; listen = listen->next) {
		ret = listener_new(loop, listen);
		if (ret) {
			log_error("[listen %s] %s: %s", listen->name, listen->path,
				  ret == -EADDRINUSE ? "another process listens there" : strerror(-ret));
			unix_unlisten();
			return ret;
		}
	}
	return 0;
}

void unix_unlisten(void)
{
	struct listener *listener;

	while ((listener = listeners)) {
		listeners = listener->next;
		loop_poll_stop(listener->loop, &listener->poll);
		close(listener->fd);
		unlink(listener->listen->path);
		free(listener);
	}
}
