/* SPDX-License-Identifier: GPL-2.0-only */
/* The module as its tests see it: the device, a VM handle, the counters. */
#ifndef NEXUS_TEST_NEXUS_H
#define NEXUS_TEST_NEXUS_H

#include <stdint.h>

#include "nexus_dev.h"
#include "nexus_hypercall.h"
#include "nexus_netlink.h"
#include "nexus_ring.h"

/* An open /dev/nexus; the test is skipped where there is none. */
int nexus_device(void);

/* A handle, or -errno. max_pages is the limit of pinned pages. */
int nexus_adopt(int device, int vm_fd, uint32_t max_pages, uint32_t *vm_id);
int nexus_attach(int device, uint32_t vm_id);

/* mmap of one grant, or NULL with errno. */
void *nexus_map(int handle, uint32_t channel, uint32_t first, uint32_t pages);

/* One attribute of a VM by netlink, or -1 if the module does not know the VM. */
int64_t nexus_counter(uint32_t vm_id, int attr);

/* Wait up to two seconds for a counter to become want; returns the last value. */
int64_t nexus_counter_wait(uint32_t vm_id, int attr, int64_t want);

/* Read one event record for channel; returns its events, 0 if there is none. */
uint32_t nexus_events(int handle, uint32_t channel);

#endif
