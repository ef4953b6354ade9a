/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXUS_KVMFD_H
#define NEXUS_KVMFD_H

#include <sys/types.h>

/*
 * The KVM VM of a VMM, as a file descriptor of ours. *pidfd becomes readable
 * when the VMM ends. The caller closes both. Returns the VM's descriptor, or
 * -ESRCH no such process; -ENOENT it holds no KVM VM; -EPERM, -EACCES we may
 * not look into it; or another -errno.
 */
int kvmfd_get(pid_t pid, int *pidfd);

#endif
