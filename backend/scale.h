/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many microVMs a function has: one more for each event that waits and has none on its way, nor one that has
 * just answered and is about to ask again (for a second, at most), up to the function's concurrency; one less when
 * one was idle for keep_alive, or let an invocation run past its deadline. Down to none.
 */
#ifndef NEXUS_SCALE_H
#define NEXUS_SCALE_H

#include <stdbool.h>

struct function;
struct function_config;
struct guest;
struct loop;

/* Both: main thread. */
void scale_start(struct loop *loop);
void scale_up(struct function *function);	/* events wait */

/* Is there an event without a microVM that has begun to start? Main thread. */
bool scale_wants(const struct function_config *config);

/* The guest's invocation passed its deadline: any thread. Nothing to do if we did not start it. */
void scale_expired(const struct guest *guest);

#endif
