/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Who else is ready to run on this machine. */
#ifndef RUNQUEUE_H
#define RUNQUEUE_H

#include <stdbool.h>

/*
 * True if the caller is the only thread that is. Costs an open, a read and a close of /proc/loadavg; without
 * that, false. (sched_yield() does not tell: a thread that has had less of the processor than others gets it back at once.)
 */
bool runqueue_is_ours(void);

#endif
