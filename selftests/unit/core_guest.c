// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../tap.h"
#include "core_guest.h"

#define PATIENCE_S 30

static char dir[64] = "/tmp/nexus-core.XXXXXX";
static char socket_path[128], control_path[128];
static pid_t backend = -1;
static int silent = -1;		/* a server that accepts and says nothing */
static unsigned int ingress;	/* port for callers of functions */

/* ---- the daemon ---- */

static void file_write(const char *name, const char *text)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd))
		tap_bail(path);
}

/* A socket at a port of its own, which is returned. */
static unsigned int bind_somewhere(int *fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || bind(*fd, (struct sockaddr *)&address, len) || getsockname(*fd, (struct sockaddr *)&address, &len))
		tap_bail("server");
	return ntohs(address.sin_port);
}

static unsigned int silent_server(void)
{
	unsigned int port = bind_somewhere(&silent);

	if (listen(silent, 64))
		tap_bail("server");
	return port;
}

static unsigned int free_port(void)
{
	unsigned int port;
	int fd;

	port = bind_somewhere(&fd);
	close(fd);
	return port;
}

static int unix_connect(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

void backend_start(void)
{
	char text[1024];

	if (!mkdtemp(dir))
		tap_bail(dir);
	snprintf(socket_path, sizeof(socket_path), "%s/guest.sock", dir);
	snprintf(control_path, sizeof(control_path), "%s/control.sock", dir);
	ingress = free_port();
	file_write("keys", "[default]\naws_access_key_id = a\naws_secret_access_key = b\n");
	snprintf(text, sizeof(text),
		 "[backend]\nworkers = 2\ncontrol = %s\n"
		 "[endpoint e]\nurl = http://127.0.0.1:%u\n"
		 "[tenant t]\nendpoint = e\ncredentials = keys\nbuckets = data\n"
		 "timeout = 20s\nmax_pinned = 512K\nmax_in_flight = 6\n"
		 "[listen l]\npath = %s\ntenant = t\nfunction = f\n"
		 "[ingress]\nlisten = 127.0.0.1:%u\n"
		 "[function liar]\ntenant = t\ntimeout = 5m\n"
		 "[listen liar]\npath = %s/liar.sock\ntenant = t\nfunction = liar\n",
		 control_path, silent_server(), socket_path, ingress, dir);
	file_write("test.conf", text);
	backend = fork();
	if (!backend) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);	/* also when the test bails out */
		execl(NEXUS_BACKEND, "nexus-backend", "--config", dir, NULL);
		_exit(127);
	}
	for (int i = 0; i < 500; i++) {
		int fd = unix_connect(control_path, SOCK_STREAM);

		if (fd >= 0) {
			close(fd);
			backend_stat("requests");	/* an answer: all sockets are there */
			return;
		}
		usleep(10000);
	}
	tap_bail(NEXUS_BACKEND);
}

bool backend_alive(void)
{
	return waitpid(backend, NULL, WNOHANG) == 0;
}

bool backend_stop(void)
{
	static const char *const files[] = { "keys", "test.conf", "control.sock.lock" };
	char path[160];
	int status;

	kill(backend, SIGTERM);
	if (waitpid(backend, &status, 0) != backend)
		return false;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	close(silent);
	/* Only empty if the daemon removed its sockets. */
	return !rmdir(dir) && WIFEXITED(status) && !WEXITSTATUS(status);
}

long long backend_stat(const char *name)
{
	static const char call[] = "{\"verb\":\"stats\"}\n";
	char answer[8192], key[64], *found;
	int fd = unix_connect(control_path, SOCK_STREAM);
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || write(fd, call, sizeof(call) - 1) < 0)
		tap_bail("control");
	do {
		n = read(fd, answer + len, sizeof(answer) - 1 - len);
		len += n > 0 ? n : 0;
	} while (n > 0 && answer[len - 1] != '\n');
	close(fd);
	answer[len] = '\0';
	snprintf(key, sizeof(key), "\"%s\":", name);
	found = strstr(answer, key);
	return found ? atoll(found + strlen(key)) : -1;
}

const char *backend_socket(void)
{
	return socket_path;
}

unsigned int backend_ingress(void)
{
	return ingress;
}

/* ---- the guest ---- */

void guest_function(const char *name)
{
	snprintf(socket_path, sizeof(socket_path), "%s/%s.sock", dir, name);
}

void guest_open(struct guest_channel *guest)
{
	*guest = (struct guest_channel){ .fd = unix_connect(socket_path, SOCK_SEQPACKET) };
	guest->memfd = memfd_create("arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	guest->kick_fd = eventfd(0, EFD_CLOEXEC);
	if (guest->fd < 0 || ftruncate(guest->memfd, GUEST_SIZE) ||
	    fcntl(guest->memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		tap_bail("guest");
	guest->arena = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, guest->memfd, 0);
	guest->header = (struct nexus_ring_header *)guest->arena;
	guest->header->magic = NEXUS_RING_MAGIC;
	guest->header->version = 1 << 16;
	guest->header->nr_slots = GUEST_SLOTS;
}

int guest_hello(struct guest_channel *guest, const void *msg, size_t len, int memfd, int kick_fd)
{
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { (void *)msg, len };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[2] = { memfd, kick_fd }, count = (memfd >= 0) + (kick_fd >= 0);
	struct nexus_unix_msg reply;
	struct cmsghdr *cmsg;

	if (count) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), memfd >= 0 ? fds : fds + 1, count * sizeof(int));
	}
	if (sendmsg(guest->fd, &header, MSG_NOSIGNAL) < 0)
		return 1;
	return recv(guest->fd, &reply, sizeof(reply), 0) == sizeof(reply) ? reply.status : 1;
}

void guest_connect(struct guest_channel *guest)
{
	struct nexus_unix_msg hello = { NEXUS_UNIX_HELLO, 1 << 16, GUEST_PAGES, 0 };

	guest_open(guest);
	if (guest_hello(guest, &hello, sizeof(hello), guest->memfd, guest->kick_fd))
		tap_bail("HELLO");
}

int guest_resize(struct guest_channel *guest, uint32_t pages)
{
	struct nexus_unix_msg msg = { NEXUS_UNIX_ARENA, 1 << 16, pages, 0 };

	return guest_hello(guest, &msg, sizeof(msg), -1, -1);
}

void guest_close(struct guest_channel *guest)
{
	close(guest->fd);
	guest->fd = -1;
}

void guest_free(struct guest_channel *guest)
{
	if (guest->fd >= 0)
		close(guest->fd);
	close(guest->memfd);
	close(guest->kick_fd);
	munmap(guest->arena, GUEST_SIZE);
}

static time_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

bool guest_state(struct guest_channel *guest, uint32_t state)
{
	for (time_t end = seconds() + PATIENCE_S; seconds() < end; usleep(1000)) {
		if (nexus_load_acquire(&guest->header->host_state) == state)
			return true;
	}
	return false;
}

struct nexus_slot *guest_slot(struct guest_channel *guest, uint32_t number, const Nexus__V1__Request *request)
{
	struct nexus_slot *slot = nexus_slot_at(guest->arena, number);

	*slot = (struct nexus_slot){
		.kind = NEXUS_SLOT_REQUEST,
		.msg_off = GUEST_BUFFERS + number * GUEST_MSG_CAP,
		.msg_cap = GUEST_MSG_CAP,
	};
	if (request)
		slot->msg_len = nexus__v1__request__pack(request, (uint8_t *)guest->arena + slot->msg_off);
	return slot;
}

void guest_push(struct guest_channel *guest, uint32_t number)
{
	struct nexus_ring sq = nexus_ring_sq(guest->arena, GUEST_SLOTS);

	nexus_ring_push(&sq, &guest->sq_tail, number);
	if (nexus_ring_must_wake(&guest->header->host_flags, NEXUS_HOST_NEED_KICK))
		eventfd_write(guest->kick_fd, 1);
}

int guest_wait(struct guest_channel *guest)
{
	struct nexus_ring cq = nexus_ring_cq(guest->arena, GUEST_SLOTS);
	const struct timespec timeout = { 1, 0 };
	time_t end = seconds() + PATIENCE_S;
	int number;

	while (!nexus_ring_ready(&cq, guest->cq_head)) {
		if (seconds() >= end)
			return -1;
		if (nexus_ring_may_sleep(&cq, guest->cq_head, &guest->header->guest_flags, NEXUS_GUEST_NEED_WAKE))
			syscall(SYS_futex, &guest->header->cq_tail, FUTEX_WAIT, guest->cq_head, &timeout, NULL, 0);
		nexus_ring_awake(&guest->header->guest_flags, NEXUS_GUEST_NEED_WAKE);
	}
	number = nexus_ring_peek(&cq, guest->cq_head++);
	nexus_slot_at(guest->arena, number)->state = NEXUS_SLOT_FREE;
	nexus_store_release(&guest->header->cq_head, guest->cq_head);
	return number;
}

int guest_run(struct guest_channel *guest, uint32_t number)
{
	guest_push(guest, number);
	return guest_wait(guest) == (int)number ? nexus_slot_at(guest->arena, number)->status : 1;
}

const char *guest_error(struct guest_channel *guest, uint32_t number)
{
	const struct nexus_slot *slot = nexus_slot_at(guest->arena, number);
	Nexus__V1__Response *response;
	static char code[64];

	response = nexus__v1__response__unpack(NULL, slot->msg_out, (uint8_t *)guest->arena + slot->msg_off);
	snprintf(code, sizeof(code), "%s", !response ? "not a Response" :
		 response->error ? response->error->code : "");
	if (response)
		nexus__v1__response__free_unpacked(response, NULL);
	return code;
}
