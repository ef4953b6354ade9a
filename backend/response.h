/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXUS_RESPONSE_H
#define NEXUS_RESPONSE_H

#include <stddef.h>
#include <stdint.h>
#include "nexus.pb-c.h"

/*
 * Pack into at most capacity bytes at buffer (NEXUS_MSG_MAX of room), dropping
 * optional parts that do not fit: metadata first, the error's code last.
 * Returns the length, 0 if not even that fits. The response is changed.
 */
uint32_t response_pack(Nexus__V1__Response *response, uint32_t capacity, uint8_t *buffer);

#endif
