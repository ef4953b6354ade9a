/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEXUS_DEVICE_H
#define _NEXUS_DEVICE_H

int nexus_device_init(void);
void nexus_device_exit(void);

#endif
