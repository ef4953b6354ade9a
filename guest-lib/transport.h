/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * How a channel reaches the host: shared memory, a bell for each side, and a
 * way to change the arena's size. All else is the same for every transport.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

struct transport;

struct transport_ops {
	const char *name;

	/* Wake the daemon. 0, or a negative errno: the channel is lost. */
	int (*kick)(struct transport *t);

	/*
	 * Sleep until *word (the host's) may differ from seen, at most
	 * timeout_ns. May return early without reason. This machine's own timers may be
	 * late_ms late meanwhile, NEXUS_IDLE_MAX at most, if that is of use. 0, or a negative errno: the
	 * channel is lost.
	 */
	int (*wait)(struct transport *t, const uint32_t *word, uint32_t seen, int64_t timeout_ns, unsigned int late_ms);

	/* Optional: both, where one call costs less than two. */
	int (*kick_and_wait)(struct transport *t, const uint32_t *word, uint32_t seen, int64_t timeout_ns,
			     unsigned int late_ms);

	/*
	 * Optional. Is the daemon there? If it died, wait for the next one. 0, or a
	 * negative errno: the channel is lost.
	 */
	int (*check)(struct transport *t);

	/* Add memory up to `size` bytes, one piece of at most NEXUS_SHARE_MAX_PAGES. */
	int (*grow)(struct transport *t, size_t size);

	/* Give back memory beyond `size`, a size that the arena had before. */
	int (*shrink)(struct transport *t, size_t size);

	/*
	 * Optional. This guest is a clone: mix these bytes, which nobody else has, into its kernel's
	 * random numbers, before any more of them are drawn, and set its clock to now_ms, Unix time.
	 */
	void (*reseed)(struct transport *t, const void *entropy, size_t size, uint64_t now_ms);

	/* End the channel and free t. The arena is unmapped. */
	void (*close)(struct transport *t);
};

/* Each transport embeds this as its first member. */
struct transport {
	const struct transport_ops *ops;
	void *base;		/* the arena, with address space for `max` bytes */
	size_t size;		/* bytes at the start */
	size_t max;
	uint32_t slots;
	char reason[160];	/* of the last failure, for people */
};

/* What nexus_open() asks for. */
struct transport_spec {
	const char *path;	/* the socket's, or NULL */
	size_t size;		/* first size of the arena, whole pages */
	size_t max;
	uint32_t slots;
};

/* 0 and *t, or a negative errno after nexus_open's error text was set. */
int transport_kvm_open(struct transport **t, const struct transport_spec *spec);
int transport_unix_open(struct transport **t, const struct transport_spec *spec);

/* Set the text that nexus_open_error() returns in this thread. Returns err. */
int open_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
