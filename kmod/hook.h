/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEXUS_HOOK_H
#define _NEXUS_HOOK_H

int nexus_hook_register(void);

/* Afterwards no vCPU is inside nexus_hypercall() for a VM that is not adopted
 * (an adopted one holds a reference on the module).
 */
void nexus_hook_unregister(void);

#endif
