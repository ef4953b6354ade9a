/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEXUS_NETLINK_H
#define _NEXUS_NETLINK_H

#include "nexus_netlink.h"

struct nexus_vm;

/**
 * nexus_netlink_init() - register the netlink family
 *
 * Return: 0 or a negative errno.
 */
int nexus_netlink_init(void);

/**
 * nexus_netlink_exit() - unregister it; nobody is inside its handlers after
 */
void nexus_netlink_exit(void);

/**
 * nexus_netlink_event() - tell whoever listens
 * @vm: to tell of
 * @event: what happened to it
 *
 * Nobody listening, or no memory, is no error.
 *
 * Context: Process, may sleep.
 */
void nexus_netlink_event(struct nexus_vm *vm, enum nexus_vm_event event);

#endif
