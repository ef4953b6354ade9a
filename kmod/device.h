/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEXUS_DEVICE_H
#define _NEXUS_DEVICE_H

/**
 * nexus_device_init() - /dev/nexus comes
 *
 * Return: 0 or a negative errno.
 */
int nexus_device_init(void);

/**
 * nexus_device_exit() - /dev/nexus goes
 *
 * An open one holds the module, so that there is none by now.
 */
void nexus_device_exit(void);

#endif
