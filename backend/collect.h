/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A message that came through an operation's windows, because it is larger
 * than a slot's: gathered in private memory, where it may be looked at.
 */
#ifndef NEXUS_COLLECT_H
#define NEXUS_COLLECT_H

#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

struct op;

struct collect {
	struct op *op;
	uint8_t *data;		/* lives as long as the operation */
	uint32_t len, total;	/* bytes here, and announced */
	size_t unpack_left;	/* bytes that the unpacked form may still take */
};

/* Begin: total bytes are announced. 0, or -EINVAL after op_error(): more than max. */
int collect_init(struct collect *collect, struct op *op, uint64_t total, uint32_t max);

#define COLLECT_MORE	1

/*
 * Take what the windows hold. 0: all is there, the window with FIN is the
 * queue's head and its `done` tells what it held; COLLECT_MORE: call again when
 * there is another window; -EINVAL after op_error(): another length than announced.
 */
int collect_windows(struct collect *collect);

/* Unpack all of it into at most limit bytes that live as long as the operation. NULL: no such message, or larger. */
ProtobufCMessage *collect_unpack(struct collect *collect, const ProtobufCMessageDescriptor *type, size_t limit);

#endif
