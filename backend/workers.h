/* SPDX-License-Identifier: GPL-2.0-only */
/* The set of workers, as the main thread sees it. */
#ifndef NEXUS_WORKERS_H
#define NEXUS_WORKERS_H

#include "worker.h"

struct config;

/* Start all threads. 0, or -errno after it logged why; nothing runs then. */
int workers_start(const struct config *config);

/*
 * Let operations in flight end for at most DRAIN_MS, abandon the rest, join.
 * Guests' slots that did not end stay taken, for the next daemon.
 */
void workers_stop(void);
#define WORKERS_DRAIN_MS 5000

/*
 * Let release(object) be called once no worker can be using the object any more
 * that was reachable until now: each has returned to its loop. In whichever thread.
 */
void workers_retire(void *object, void (*release)(void *object));

/* The worker with the least VMs and connections; counts one more for it. */
struct worker *workers_pick(void);
/* One less. */
void workers_unpick(struct worker *worker);

uint32_t workers_count(void);
const struct worker *workers_get(uint32_t index);

#endif
