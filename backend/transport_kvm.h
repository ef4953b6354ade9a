/* SPDX-License-Identifier: GPL-2.0-only */
/* The kvm transport: a VM handle of /dev/nexus (nexus_dev.h), served by a worker. */
#ifndef NEXUS_TRANSPORT_KVM_H
#define NEXUS_TRANSPORT_KVM_H

#include <stdint.h>
#include "channel.h"

struct kvm_vm;

/*
 * Mappings per VM: bounds what a guest that shares page by page takes of the
 * process's limit (sysctl vm.max_map_count). 1 GiB in whole SHAREs needs 512.
 */
#define KVM_GRANTS_MAX	1024

/*
 * Serve the VM behind handle, on the worker. Takes both descriptors over
 * (pidfd may be -1). gone(arg) runs in the worker's thread once the VM is
 * released: it died, or kvm_vm_release() was called. NULL: no memory.
 * The struct stays until kvm_vm_free().
 */
struct kvm_vm *kvm_vm_new(struct worker *worker, int handle, int pidfd, const struct tenant *tenant,
			  const char *function, void (*gone)(void *arg), void *arg);
int kvm_vm_release(struct kvm_vm *vm);	/* begin; 0 or -ENOMEM */
void kvm_vm_free(struct kvm_vm *vm);	/* once, after gone() and the last kvm_vm_release() */
void kvm_vm_destroy(struct kvm_vm *vm);	/* the same, after the workers ended */

uint64_t kvm_vm_requests(const struct kvm_vm *vm);	/* any thread */

#endif
