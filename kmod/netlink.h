/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEXUS_NETLINK_H
#define _NEXUS_NETLINK_H

#include "nexus_netlink.h"

struct nexus_vm;

int nexus_netlink_init(void);
void nexus_netlink_exit(void);

/* Tell whoever listens; nobody listening, or no memory, is no error. */
void nexus_netlink_event(struct nexus_vm *vm, enum nexus_vm_event event);

#endif
