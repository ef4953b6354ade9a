/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A download whose daemon was restarted goes on where it stood: the rest is
 * asked for by a request of its own, on condition that the object is still the
 * same. nx->lock held.
 */
#ifndef RESUME_H
#define RESUME_H

#include <stdbool.h>
#include "op.h"

/* Keep the request of a download, whose buffer the answer overwrites. */
void resume_prepare(struct nexus_op *op, const Nexus__V1__Request *req);

/* The window ends the stream, which was lost. True: it is to be resumed; the window is taken care of. */
bool resume_begin(struct nexus_op *op, struct window *w, const struct completion *c);

/* Once all that was in flight came back, and a window is idle. */
void resume_go_on(struct nexus_op *op);

#endif
