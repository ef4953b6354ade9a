// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The kvm transport: nexus-init owns the arena and shares it with the host;
 * this process maps it, and executes KICK and WAIT itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "cleanup.h"
#include "hypercall.h"
#include "init_protocol.h"
#include "socket.h"
#include "transport.h"

#define ANSWER_MS	10000

struct transport_kvm {
	struct transport t;
	int sock;
	uint32_t channel;
	char path[108];		/* nexus-init's socket */
};

static struct transport_kvm *to_kvm(struct transport *t)
{
	return (struct transport_kvm *)t;
}

static int kvm_lost(struct transport *t, const char *call, long err)
{
	snprintf(t->reason, sizeof(t->reason), "the host ended channel %u (%s: %s)", to_kvm(t)->channel, call,
		 strerror(-err));
	return -ECONNRESET;
}

static int kvm_kick(struct transport *t)
{
	long ret = hypercall(NEXUS_HC_KICK, to_kvm(t)->channel, 0, 0, 0);

	return ret < 0 ? kvm_lost(t, "KICK", ret) : 0;
}

/*
 * The host looks at cq_tail itself, so `word` is not passed on; nor is the time, unless timers may be late: a
 * timer tick of this guest ends the wait, and the caller looks at its clock.
 */
static unsigned long kvm_idle_ms(int64_t timeout_ns, unsigned int late_ms)
{
	int64_t ms = timeout_ns / 1000000;

	return ms < late_ms ? ms : late_ms;
}

static int kvm_wait(struct transport *t, const uint32_t *word, uint32_t seen, int64_t timeout_ns, unsigned int late_ms)
{
	long ret = hypercall(NEXUS_HC_WAIT, to_kvm(t)->channel, seen, kvm_idle_ms(timeout_ns, late_ms), 0);

	(void)word;
	return ret < 0 ? kvm_lost(t, "WAIT", ret) : 0;
}

static int kvm_kick_and_wait(struct transport *t, const uint32_t *word, uint32_t seen, int64_t timeout_ns, unsigned int late_ms)
{
	long ret = hypercall(NEXUS_HC_WAIT, to_kvm(t)->channel | NEXUS_WAIT_KICK, seen, kvm_idle_ms(timeout_ns, late_ms), 0);
	int err;

	if (ret >= 0)
		return 0;
	/* A module of ABI 1.0 (a clone may have come to another host), unless the channel is lost. */
	err = kvm_kick(t);
	return err ? err : kvm_wait(t, word, seen, timeout_ns, late_ms);
}

static int kvm_call(struct transport_kvm *k, struct init_msg *m, int *fd)
{
	uint32_t type = m->type;
	int ret;

	ret = socket_call(k->sock, m, sizeof(*m), NULL, 0, fd, ANSWER_MS);
	if (ret)
		return ret;
	return m->type == type && m->status <= 0 ? m->status : -EBADMSG;
}

static int kvm_resize(struct transport *t, size_t size)
{
	struct init_msg m = { .type = INIT_ARENA, .version = NEXUS_ABI_VERSION, .pages = size / NEXUS_PAGE_SIZE };

	return kvm_call(to_kvm(t), &m, NULL);
}

/* Anybody may mix bytes in; nexus-init may say that they count from now on. It is asked on a connection of its own. */
static void kvm_reseed(struct transport *t, const void *entropy, size_t size, uint64_t now_ms)
{
	struct init_msg m = {
		.type = INIT_RESEED, .version = NEXUS_ABI_VERSION, .seconds = now_ms / 1000, .milliseconds = now_ms % 1000,
	};
	autoclose int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC), sock = -1;

	if (fd < 0 || write(fd, entropy, size) != (ssize_t)size)
		return;
	sock = socket_connect(to_kvm(t)->path);
	if (sock >= 0)
		socket_call(sock, &m, sizeof(m), NULL, 0, NULL, ANSWER_MS);
}

/* nexus-init sees the end of the connection, and closes the channel. */
static void kvm_close(struct transport *t)
{
	if (t->base)
		munmap(t->base, t->max);
	if (to_kvm(t)->sock >= 0)
		close(to_kvm(t)->sock);
	free(t);
}

static const struct transport_ops kvm_ops = {
	.name	= "kvm",
	.kick	= kvm_kick,
	.wait	= kvm_wait,
	.kick_and_wait = kvm_kick_and_wait,
	.grow	= kvm_resize,
	.shrink	= kvm_resize,
	.reseed	= kvm_reseed,
	.close	= kvm_close,
};

static void cleanup_kvm(struct transport_kvm **k)
{
	if (*k)
		kvm_close(&(*k)->t);
}

/* Ask the host before nexus-init: it knows best why there is no Nexus. */
static int kvm_probe(void)
{
	long version = hypercall_probe();

	if (version == -ENXIO)
		return open_fail(-ENXIO, "not a KVM guest; on a host, set NEXUS_TARGET=unix:SOCKET");
	if (version < 0)
		return open_fail(-ENODEV, "no Nexus host: this KVM host does not have nexus_kvm loaded");
	if (NEXUS_ABI_MAJOR_OF(version) != NEXUS_ABI_MAJOR)
		return open_fail(-EPROTONOSUPPORT, "the host speaks ABI %ld, this library %d",
				 NEXUS_ABI_MAJOR_OF(version), NEXUS_ABI_MAJOR);
	return 0;
}

static int kvm_refused(int err)
{
	switch (err) {
	case -EACCES:
		return open_fail(err, "the VM is not adopted on the host: run nexusctl vm adopt there");
	case -EPROTONOSUPPORT:
		return open_fail(err, "the host or nexus-init speaks another ABI than this library's %d", NEXUS_ABI_MAJOR);
	case -EMFILE:
		return open_fail(err, "all %d channels of this VM are in use", NEXUS_MAX_CHANNELS);
	case -ENOSPC:
		return open_fail(err, "the VM is at its limit of shared pages");
	default:
		return open_fail(err, "nexus-init could not open a channel: %s", strerror(-err));
	}
}

int transport_kvm_open(struct transport **t, const struct transport_spec *spec)
{
	struct transport_kvm *k __attribute__((cleanup(cleanup_kvm))) = NULL;
	const char *path = spec->path ? spec->path : INIT_SOCKET;
	struct init_msg m = { .type = INIT_HELLO, .version = NEXUS_ABI_VERSION, .slots = spec->slots,
			      .pages = spec->size / NEXUS_PAGE_SIZE };
	autoclose int memfd = -1;
	void *base;
	int ret;

	ret = kvm_probe();
	if (ret)
		return ret;
	k = calloc(1, sizeof(*k));
	if (!k)
		return open_fail(-ENOMEM, "out of memory");
	k->t = (struct transport){ .ops = &kvm_ops, .size = spec->size, .max = spec->max, .slots = spec->slots };
	snprintf(k->path, sizeof(k->path), "%s", path);
	k->sock = socket_connect(path);
	if (k->sock < 0)
		return open_fail(k->sock, "nexus-init does not run in this guest: %s: %s", path, strerror(-k->sock));
	ret = kvm_call(k, &m, &memfd);
	if (ret)
		return kvm_refused(ret);
	if (memfd < 0 || m.slots != spec->slots || m.pages != spec->size / NEXUS_PAGE_SIZE)
		return kvm_refused(-EBADMSG);
	k->channel = m.channel;
	base = mmap(NULL, k->t.max, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memfd, 0);
	if (base == MAP_FAILED)
		return open_fail(-errno, "cannot map %zu bytes of arena: %m; set NEXUS_ARENA_MAX lower", k->t.max);
	k->t.base = base;
	*t = &take_ptr(k)->t;
	return 0;
}
