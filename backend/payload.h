/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An operation's payload as one sequence of bytes, laid out over its windows
 * in the order of their submission. Who moves bytes names them by their
 * position in that sequence; windows go back to the guest in order, once all
 * bytes before their end were moved.
 */
#ifndef NEXUS_PAYLOAD_H
#define NEXUS_PAYLOAD_H

#include "op.h"

/* The queued window that holds byte pos, and which byte it begins with; NULL: not there (yet, or any more). */
struct op_window *payload_find(const struct op *op, uint64_t pos, uint64_t *begin);

/* The first byte behind all queued windows. */
uint64_t payload_end(const struct op *op);

/* An upload: the guest said that no window follows. */
bool payload_has_fin(const struct op *op);

/* An upload: 0, or -EINVAL after op_error() if the windows do not agree with its length. */
int payload_check(struct op *op, uint64_t length);

/* All bytes before `moved` were moved, and more follow: give back the windows that hold only such; never one with FIN. */
void payload_release(struct op *op, uint64_t moved);

/* Before op_finish(): so much of the first window was moved. */
void payload_settle(struct op *op, uint64_t moved);

#endif
