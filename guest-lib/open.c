// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../uapi/nexus_hypercall.h"
#include "cleanup.h"
#include "op.h"
#include "queue.h"

#define FIRST_SIZE	(64UL << 10)	/* bytes: what an idle channel costs */
#define DEFAULT_SLOTS	64
#define DEFAULT_MAX	(64UL << 20)
#define ATTACH_MS	10000
#define ATTACH_STEP_NS	2000000L
#define CLOSE_MS	1000
#define SPIN_FIRST	32

static _Thread_local char open_text[256];

int open_fail(int err, const char *fmt, ...)
{
	va_list ap;
	int saved = errno;

	errno = -err;	/* for %m */
	va_start(ap, fmt);
	vsnprintf(open_text, sizeof(open_text), fmt, ap);
	va_end(ap);
	errno = saved;
	return err;
}

const char *nexus_open_error(void)
{
	return open_text;
}

/* Bytes, or with a suffix K, M or G. */
static int open_parse_size(const char *text, size_t *size)
{
	unsigned long long n;
	char *end;
	int shift = 0;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*end == 'K')
		shift = 10;
	else if (*end == 'M')
		shift = 20;
	else if (*end == 'G')
		shift = 30;
	if (shift)
		end++;
	if (errno || *end || end == text || *text == '-' || n > (SIZE_MAX >> shift))
		return -EINVAL;
	*size = n << shift;
	return 0;
}

static int open_limits(struct transport_spec *spec, const struct nexus_open_options *o)
{
	const char *env = getenv("NEXUS_ARENA_MAX");
	size_t limit = NEXUS_ARENA_MAX_PAGES * NEXUS_PAGE_SIZE;

	spec->slots = o->slots ? o->slots : DEFAULT_SLOTS;
	if (spec->slots < NEXUS_MIN_SLOTS || spec->slots > NEXUS_MAX_SLOTS || spec->slots & (spec->slots - 1))
		return open_fail(-EINVAL, "%u slots: a power of two from %d to %d is wanted", spec->slots,
				 NEXUS_MIN_SLOTS, NEXUS_MAX_SLOTS);
	spec->size = FIRST_SIZE;
	spec->max = DEFAULT_MAX;
	if (o->arena_max)
		spec->max = o->arena_max;
	else if (env && open_parse_size(env, &spec->max))
		return open_fail(-EINVAL, "NEXUS_ARENA_MAX=%s: bytes are wanted, such as 1048576 or 64M", env);
	spec->max &= ~(NEXUS_PAGE_SIZE - 1);
	if (spec->max < spec->size || spec->max > limit)
		return open_fail(-EINVAL, "an arena of at most %zu bytes: %zu to %zu are possible (NEXUS_ARENA_MAX)",
				 spec->max, spec->size, limit);
	return 0;
}

static int open_transport(struct transport **t, struct transport_spec *spec, const char *target)
{
	if (!target)
		target = getenv("NEXUS_TARGET");
	if (!target || !*target)
		target = "kvm:";
	if (!strncmp(target, "unix:", 5) && target[5]) {
		spec->path = target + 5;
		return transport_unix_open(t, spec);
	}
	if (!strncmp(target, "kvm:", 4)) {
		spec->path = target[4] ? target + 4 : NULL;
		return transport_kvm_open(t, spec);
	}
	return open_fail(-EINVAL, "target '%s': 'kvm:' or 'unix:SOCKET' is wanted", target);
}

static int open_books(struct nexus *nx)
{
	struct transport *t = nx->transport;
	pthread_condattr_t attr;

	nx->header = t->base;
	nx->nr_slots = t->slots;
	nx->sq = nexus_ring_sq(t->base, t->slots);
	nx->cq = nexus_ring_cq(t->base, t->slots);
	nx->spin = SPIN_FIRST;
	nx->slots = calloc(t->slots, sizeof(*nx->slots));
	nx->free_slots = calloc(t->slots, sizeof(*nx->free_slots));
	if (!nx->slots || !nx->free_slots || arena_init(&nx->arena, NEXUS_CONTROL_SIZE(t->slots), t->size, t->max))
		return open_fail(-ENOMEM, "out of memory");
	nx->cancel_slot = t->slots - 1;
	for (uint32_t i = t->slots - 1; i--; )
		nx->free_slots[nx->nr_free++] = i;
	pthread_mutex_init(&nx->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&nx->news, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

/* A daemon that restarts, or one that has just adopted the VM, takes a moment. */
static int open_attach(struct nexus *nx, uint32_t timeout_ms)
{
	const struct timespec step = { 0, ATTACH_STEP_NS };
	uint32_t state, version;
	int64_t deadline;

	timeout_ms = timeout_ms ? timeout_ms : ATTACH_MS;
	deadline = channel_deadline(timeout_ms);
	while ((state = nexus_load_acquire(&nx->header->host_state)) == NEXUS_HOST_ABSENT) {
		if (channel_now() >= deadline)
			return open_fail(-ETIMEDOUT, "nexus-backend did not attach to this channel within %u ms: is it running on the host?",
					 timeout_ms);
		nanosleep(&step, NULL);
	}
	version = nexus_load(&nx->header->host_version);
	if (NEXUS_ABI_MAJOR_OF(version) != NEXUS_ABI_MAJOR)
		return open_fail(-EPROTONOSUPPORT, "the host speaks ABI %u, this library %d", NEXUS_ABI_MAJOR_OF(version),
				 NEXUS_ABI_MAJOR);
	if (state != NEXUS_HOST_ATTACHED)
		return open_fail(-EPROTO, "nexus-backend refused the arena (state %u)", state);
	return 0;
}

static void open_free(struct nexus *nx)
{
	struct nexus_op *op;

	while ((op = nx->ops) || (op = nx->spare_ops)) {
		if (nx->ops)
			nx->ops = op->next;
		else
			nx->spare_ops = op->next;
		bump_reset(&op->memory);
		free(op);
	}
	arena_fini(&nx->arena);
	free(nx->slots);
	free(nx->free_slots);
	if (nx->transport)
		nx->transport->ops->close(nx->transport);
	free(nx);
}

static void cleanup_nexus(struct nexus **nx)
{
	if (*nx)
		open_free(*nx);
}

int nexus_open_with(struct nexus **out, const char *target, const struct nexus_open_options *options)
{
	struct nexus *nx __attribute__((cleanup(cleanup_nexus))) = calloc(1, sizeof(*nx));
	struct nexus_open_options o = NEXUS_OPEN_OPTIONS_INIT;
	struct transport_spec spec = { 0 };
	int ret;

	if (!nx)
		return open_fail(-ENOMEM, "out of memory");
	if (options) {
		if (options->size < sizeof(options->size) || options->size > sizeof(o))
			return open_fail(-EINVAL, "open options of %zu bytes; this library knows %zu", options->size,
					 sizeof(o));
		memcpy(&o, options, options->size);
	}
	ret = open_limits(&spec, &o);
	if (!ret)
		ret = open_transport(&nx->transport, &spec, target);
	if (!ret)
		ret = open_books(nx);
	if (!ret)
		ret = open_attach(nx, o.attach_timeout_ms);
	if (ret)
		return ret;
	open_text[0] = '\0';
	*out = take_ptr(nx);
	return 0;
}

int nexus_open(struct nexus **nx, const char *target)
{
	return nexus_open_with(nx, target, NULL);
}

static bool open_idle(void *arg)
{
	const struct nexus *nx = arg;

	for (const struct nexus_op *op = nx->ops; op; op = op->next)
		if (op->in_flight && !op->acknowledged)
			return false;
	return true;
}

/* The daemon finishes what was acknowledged: if it died, the next one, which must know of it. */
static void open_leave_writes(struct nexus *nx)
{
	queue_reap(nx);
	for (const struct nexus_op *op = nx->ops; op && !nx->dead && nx->transport->ops->check; op = op->next) {
		if (op->acknowledged) {
			nx->transport->ops->check(nx->transport);
			return;
		}
	}
}

/*
 * The daemon may still write to the arena after this: whoever owns the memory
 * (nexus-init; the daemon's own mapping) keeps it until it is done.
 */
void nexus_close(struct nexus *nx)
{
	if (!nx)
		return;
	{
		CHANNEL_LOCK(nx);
		for (struct nexus_op *op = nx->ops; op && !nx->dead; op = op->next)
			if (!op->acknowledged && !op->released)
				op_cancel(op);
		queue_wait(nx, open_idle, nx, channel_deadline(CLOSE_MS));
		open_leave_writes(nx);
	}
	open_free(nx);
}
