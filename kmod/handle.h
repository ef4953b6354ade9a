/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEXUS_HANDLE_H
#define _NEXUS_HANDLE_H

struct nexus_vm;

/**
 * nexus_handle_open() - a VM handle as a file descriptor
 * @vm: attached; the handle takes over the caller's reference and the
 *	attachment
 *
 * Return: the descriptor, or a negative errno; then both stay the caller's.
 */
int nexus_handle_open(struct nexus_vm *vm);

#endif
