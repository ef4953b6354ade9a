/* SPDX-License-Identifier: GPL-2.0-only */
/* The kvm transport: a VM handle of /dev/nexus (nexus_dev.h), served by a worker. */
#ifndef NEXUS_TRANSPORT_KVM_H
#define NEXUS_TRANSPORT_KVM_H

#include <stdbool.h>
#include <stdint.h>
#include "channel.h"

struct kvm_vm;
struct snapshot;

/*
 * Mappings per VM: bounds what a guest that shares page by page takes of the
 * process's limit (sysctl vm.max_map_count). 1 GiB in whole SHAREs needs 512.
 */
#define KVM_GRANTS_MAX	1024

/*
 * Serve the VM behind handle, on the worker. id is the module's number; generation
 * is not that of any other VM; held: until kvm_vm_runs() its vCPUs do not run. Takes both descriptors over
 * (pidfd may be -1). gone(arg) runs in the worker's thread once the VM is
 * released: it died, or kvm_vm_release() was called. NULL: no memory.
 * The struct stays until kvm_vm_free().
 */
struct kvm_vm *kvm_vm_new(struct worker *worker, uint32_t id, uint64_t generation, bool held, int handle, int pidfd,
			  const struct tenant *tenant, const char *function, void (*gone)(void *arg), void *arg);
void kvm_vm_runs(struct kvm_vm *vm);
int kvm_vm_release(struct kvm_vm *vm);	/* begin; 0 or -ENOMEM */
void kvm_vm_free(struct kvm_vm *vm);	/* once, after gone() and the last kvm_vm_release() */
void kvm_vm_destroy(struct kvm_vm *vm);	/* the same, after the workers ended */

/*
 * The VM's vCPUs are stopped: once nothing is in flight but what waits for
 * news, describe its channels in *snapshot and let go of the VM as if the daemon had died,
 * that is without a trace in its memory. frozen() is called in the worker's thread: 0, and
 * gone() follows; or -EBUSY requests were in flight for 10 s, -EPIPE a channel
 * is not served (closing, broken), -errno of the module: and nothing has changed.
 * Returns 0 or -ENOMEM.
 */
int kvm_vm_freeze(struct kvm_vm *vm, struct snapshot *snapshot, void (*frozen)(void *arg, int status), void *arg);

/* Any thread: requests so far; operations that wait for news, now. */
uint64_t kvm_vm_requests(const struct kvm_vm *vm);
uint32_t kvm_vm_polls(const struct kvm_vm *vm);
uint64_t kvm_vm_polled(const struct kvm_vm *vm);	/* and how many have begun so far */

#endif
