/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module knows of its VMs, through generic netlink (nexus_netlink.h). */
#ifndef NEXUS_VMSTATS_H
#define NEXUS_VMSTATS_H

#include <stddef.h>
#include <stdint.h>
#include "nexus_dev.h"
#include "nexus_netlink.h"

#define VMSTATS_FIRST_COUNTER	NEXUS_A_VM_PROBE
#define VMSTATS_LAST_COUNTER	NEXUS_A_VM_WAKES
#define VMSTATS_COUNTERS	(VMSTATS_LAST_COUNTER - VMSTATS_FIRST_COUNTER + 1)

struct vmstats {
	uint32_t id;
	int32_t vmm_pid;
	uint32_t state;			/* enum nexus_vm_state */
	uint32_t channels;
	uint32_t pinned_pages;
	uint32_t max_pages;
	char tenant[NEXUS_NAME_MAX];
	char function[NEXUS_NAME_MAX];
	uint64_t counters[VMSTATS_COUNTERS];
};

/* For display, index as in counters[]. */
extern const char *const vmstats_names[VMSTATS_COUNTERS];

/*
 * All adopted VMs; the caller frees *vms. Returns how many, or -ENOENT the
 * module is not loaded, -EPERM without CAP_NET_ADMIN, or another -errno.
 */
int vmstats_dump(struct vmstats **vms);

#endif
