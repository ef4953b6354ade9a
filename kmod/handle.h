/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEXUS_HANDLE_H
#define _NEXUS_HANDLE_H

struct nexus_vm;

/* A VM handle as a file descriptor, which takes over the caller's reference
 * and the attachment. On failure a negative errno, and both stay the caller's.
 */
int nexus_handle_open(struct nexus_vm *vm);

#endif
