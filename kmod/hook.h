/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEXUS_HOOK_H
#define _NEXUS_HOOK_H

/**
 * nexus_hook_register() - from here on guests' calls reach the module
 *
 * Return: 0; -EBUSY where another redirects KVM's handler or ftrace is off (the
 * log says so); another negative errno.
 */
int nexus_hook_register(void);

/**
 * nexus_hook_unregister() - the opposite
 *
 * Afterwards no vCPU is inside nexus_hypercall() for a VM that is not adopted
 * (an adopted one holds a reference on the module).
 *
 * Context: Process; waits for RCU-tasks grace periods.
 */
void nexus_hook_unregister(void);

#endif
