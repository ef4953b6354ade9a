/* SPDX-License-Identifier: GPL-2.0-only */
/* The operations of gRPC: see nexus.proto. */
#ifndef NEXUS_GRPC_OPS_H
#define NEXUS_GRPC_OPS_H

#include "op.h"

extern const struct op_type grpc_call_type, grpc_start_type, grpc_send_type, grpc_receive_type, grpc_headers_type,
	grpc_finish_type, grpc_cancel_type;

#endif
