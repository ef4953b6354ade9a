/* SPDX-License-Identifier: GPL-2.0-only */
/* Which [caller NAME] makes a gRPC call: known by his certificate, or by a token in the call's metadata. */
#ifndef NEXUS_GRPC_AUTH_H
#define NEXUS_GRPC_AUTH_H

#include <stdbool.h>

struct grpc_metadata;
struct grpc_session;
struct tenant;

/*
 * May the call be made? *tenant: only functions of his; NULL: of all, as no callers are configured. A token that was
 * asked for is taken out of the metadata: it is not the guest's to see.
 */
bool grpc_auth(const struct grpc_session *session, struct grpc_metadata *metadata, const struct tenant **tenant);

#endif
