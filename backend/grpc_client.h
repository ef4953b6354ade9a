/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gRPC servers that guests call: connections by tenant, endpoint and worker, each with many calls
 * on it. Everything belongs to the worker's thread.
 */
#ifndef NEXUS_GRPC_CLIENT_H
#define NEXUS_GRPC_CLIENT_H

#include <stdint.h>
#include "grpc_wire.h"

struct grpc_call;
struct grpc_clients;
struct op;
struct origin;

#define GRPC_CONNECTIONS_MAX	4U	/* to one endpoint, when those that are open have no room */
#define GRPC_WAITING_MAX	1024U	/* calls that wait for room, of one endpoint */

/* Open a call, whose `start` was checked; what becomes of it the call is told later. 0, or -errno after op_error(). */
int grpc_client_open(struct op *op, struct grpc_call *call, const Nexus__V1__GrpcStart *start,
		     const struct origin *origin, const struct grpc_metadata *metadata);

/* NULL is no error. No call is open any more. */
void grpc_clients_free(struct grpc_clients *clients);

#endif
