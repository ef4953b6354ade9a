/* SPDX-License-Identifier: GPL-2.0-only */
/* Request messages: from the guest's bytes, which by now are in private memory. */
#ifndef NEXUS_REQUEST_H
#define NEXUS_REQUEST_H

#include <stddef.h>
#include <stdint.h>
#include "nexus.pb-c.h"

/* As nexus__v1__request__unpack(), but the allocator is asked for it once if the request is a plain GET. */
Nexus__V1__Request *request_unpack(ProtobufCAllocator *allocator, size_t len, const uint8_t *data);

#endif
