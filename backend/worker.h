/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A worker: one thread, one loop, the channels assigned to it, and everything
 * those channels need, so that the data path takes no lock.
 */
#ifndef NEXUS_WORKER_H
#define NEXUS_WORKER_H

#include "counters.h"

struct config;
struct conn_pools;
struct loop;
struct share;

struct worker {
	struct loop *loop;
	const struct config *config;
	struct conn_pools *pools;	/* conn.h */
	struct grpc_clients *grpc;	/* grpc_client.h; NULL until the first call */
	struct share *share;		/* share.h */
	struct counters counters;
	struct worker_core *core;	/* worker.c's own */
};

#endif
