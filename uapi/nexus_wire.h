/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT */
/*
 * Writing the most frequent messages of nexus.proto by hand: going through all
 * fields that a message could have costs libprotobuf-c some thousand instructions.
 * The bytes are those that it would write. Fields have numbers below 16.
 */
#ifndef _UAPI_NEXUS_WIRE_H
#define _UAPI_NEXUS_WIRE_H

#include <linux/types.h>
#include <stddef.h>
#include <string.h>

struct nexus_wire {
	__u8 *at, *end;
	int overflow;		/* something did not fit and is missing */
};

#define NEXUS_WIRE_HEAD	11	/* bytes of a tag and a number, at most */

static inline void nexus_wire_put(struct nexus_wire *w, __u64 n)
{
	for (; n >= 0x80; n >>= 7)
		*w->at++ = n | 0x80;
	*w->at++ = n;
}

static inline int nexus_wire_room(struct nexus_wire *w, size_t len)
{
	w->overflow |= (size_t)(w->end - w->at) < len;
	return !w->overflow;
}

/* A number; 0 is not written, as its absence means it. */
static inline void nexus_wire_number(struct nexus_wire *w, unsigned int field, __u64 n)
{
	if (!n || !nexus_wire_room(w, NEXUS_WIRE_HEAD))
		return;
	*w->at++ = field << 3;
	nexus_wire_put(w, n);
}

/* A text; likewise if it is empty. */
static inline void nexus_wire_text(struct nexus_wire *w, unsigned int field, const char *text)
{
	size_t len = strlen(text);

	if (!len || !nexus_wire_room(w, NEXUS_WIRE_HEAD + len))
		return;
	*w->at++ = field << 3 | 2;
	nexus_wire_put(w, len);
	memcpy(w->at, text, len);
	w->at += len;
}

/* A message within: what is written until its end. Returns where it begins. */
static inline __u8 *nexus_wire_begin(struct nexus_wire *w, unsigned int field)
{
	if (nexus_wire_room(w, NEXUS_WIRE_HEAD)) {
		*w->at++ = field << 3 | 2;
		w->at++;	/* most are shorter than 128 bytes */
	}
	return w->at;
}

static inline void nexus_wire_end(struct nexus_wire *w, __u8 *begin)
{
	size_t len = w->at - begin, n;
	unsigned int more = 0;

	for (n = len; n >= 0x80; n >>= 7)
		more++;
	if (!nexus_wire_room(w, more))
		return;
	if (more)
		memmove(begin + more, begin, len);
	w->at = begin - 1;
	nexus_wire_put(w, len);
	w->at += len;
}

#endif
