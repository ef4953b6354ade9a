/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef HYPERCALL_H
#define HYPERCALL_H

#include <stdbool.h>
#include "../uapi/nexus_hypercall.h"

/* True in a KVM guest. Elsewhere a hypercall would raise SIGILL. */
bool hypercall_available(void);

/* One hypercall; only after hypercall_available() said yes. */
long hypercall(unsigned long nr, unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);

/*
 * The host's ABI version (> 0); -ENXIO not a KVM guest; -ENODEV the KVM host
 * has no nexus_kvm.
 */
long hypercall_probe(void);

#endif
