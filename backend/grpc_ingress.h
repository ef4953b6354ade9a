/* SPDX-License-Identifier: GPL-2.0-only */
/* gRPC callers of functions: `grpc_listen` of [ingress], `grpc_services` of each function. A thread of its own. */
#ifndef NEXUS_GRPC_INGRESS_H
#define NEXUS_GRPC_INGRESS_H

struct config;

/* 0, also without `grpc_listen`; or -errno, after it was logged. */
int grpc_ingress_start(const struct config *config);
/* No new connections and calls; those that are open go on. */
void grpc_ingress_quiesce(void);
/* After the workers. */
void grpc_ingress_stop(void);

#endif
