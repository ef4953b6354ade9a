/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Between grpc.c (a call of one message each way, what comes back) and grpc_stream.c (handles). */
#ifndef GRPC_H
#define GRPC_H

#include "op.h"

/* Gives up after the daemon did, which keeps a call's deadline. */
#define GRPC_GRACE_MS	1000
#define GRPC_FOREVER_MS	(24 * 3600 * 1000U)	/* the most that an operation may take */

/* What the caller sees, and what it lives in. */
struct grpc_reply {
	struct nexus_grpc_reply public;
	struct nexus_op *op;	/* holds strings and metadata, and a message that fits one window; NULL: nothing */
	char *copy;		/* of a larger message */
	bool kept;		/* by the stream: nexus_grpc_reply_free() leaves it alone */
};

/* A start message for the caller's options. 0, or a negative errno after op_fail(). */
int grpc_start_fill(struct nexus_op *op, Nexus__V1__GrpcStart *start, const struct nexus_grpc *call,
		    struct nexus_grpc *options);

/* A copy of what the caller has set. 0, or -EINVAL. */
int grpc_options(struct nexus_grpc *options, const struct nexus_grpc *from);

/* Metadata in the message's form, at *list. Likewise. */
int grpc_metadata(struct nexus_op *op, const struct nexus_grpc_field *fields, size_t nr,
		  Nexus__V1__GrpcField ***list);

/* Metadata as the caller sees them, in op's memory. */
struct nexus_grpc_field *grpc_fields(struct nexus_op *op, Nexus__V1__GrpcField *const *list, size_t nr);

/* Take what came: all of the message, and the answer's `grpc`. Takes op over. NULL: no memory. */
struct grpc_reply *grpc_reply_take(struct nexus_op *op, int ret);

/* Until the operation has something; -EINTR: the caller does not want to wait any more. interrupted may be NULL. */
int grpc_wait(struct nexus_op *op, int (*interrupted)(void *arg), void *arg);

/* An end that the daemon said nothing of. */
void grpc_reply_fail(struct nexus_grpc_reply *reply, int ret, const char *details);

#endif
