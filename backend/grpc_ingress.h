/* SPDX-License-Identifier: GPL-2.0-only */
/* gRPC callers of functions: `grpc_listen` of [ingress], `grpc_services` of each function. A thread of its own. */
#ifndef NEXUS_GRPC_INGRESS_H
#define NEXUS_GRPC_INGRESS_H

#include <stdint.h>

struct config;

/* 0, also without `grpc_listen`; or -errno, after it was logged. */
int grpc_ingress_start(const struct config *config);
/* No new connections and calls; those that are open go on. */
void grpc_ingress_quiesce(void);
/* After the workers. */
void grpc_ingress_stop(void);

/* For metrics_text.c: any thread. */
enum grpc_ingress_counts {
	GRPC_INGRESS_CONNECTIONS,	/* now */
	GRPC_INGRESS_CALLS,
	GRPC_INGRESS_UNAUTHENTICATED,	/* those among them that were refused: nobody knows the caller */
	GRPC_INGRESS_FAILED,		/* those that ended with another status than OK */
	NR_GRPC_INGRESS_COUNTS,
};
uint64_t grpc_ingress_counted(enum grpc_ingress_counts which);
/* The ingress's thread only. */
void grpc_ingress_count(enum grpc_ingress_counts which, int n);

#endif
