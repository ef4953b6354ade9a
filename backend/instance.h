/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instances: microVMs that the daemon itself starts for its functions. One
 * boots from kernel and image, or, where the function has a snapshot, is cloned
 * from it: then it is adopted, and its arenas are filled, before its first
 * instruction. All of it in the main thread.
 *
 * A function's snapshot is a directory of three files below the configuration's
 * snapshot_dir: ram, state (the VMM's), sidecar (ours, snapshot.h).
 */
#ifndef NEXUS_INSTANCE_H
#define NEXUS_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct config;
struct function;
struct loop;

enum instance_state {
	INSTANCE_STARTING,	/* the VMM starts */
	INSTANCE_LOADING,	/* adopted; the VMM loads its state, or the guest boots */
	INSTANCE_RUNNING,	/* the vCPUs run; a template: until it waits for work */
	INSTANCE_SAVING,	/* a template: its snapshot is being taken */
	INSTANCE_ENDING,
};

struct instance {
	struct instance *next, **prev;
	const struct function *function;
	enum instance_state state;
	bool template;		/* lives for its snapshot only */
	bool restored;
	uint32_t vm_id;		/* the module's; 0: not adopted yet */
	pid_t vmm_pid;
	/* CLOCK_MONOTONIC: asked for, its VM is there, adopted, its vCPUs run. 0: not yet */
	uint64_t start_ms, ready_ms, adopted_ms, running_ms;
	struct instance_core *core;
};

void instances_start(struct loop *loop, const struct config *config);
void instances_stop(void);	/* and with them every VMM that was started here */

/*
 * Start one more. NULL with a message for people: the VMM or a file is missing, or
 * the limit of instances is reached. ended() is called once, when it is gone: killed, crashed
 * or powered off; reason is for people.
 */
struct instance *instance_start(const struct function *function,
				void (*ended)(void *arg, const struct instance *instance, const char *reason),
				void *arg, char *error, size_t size);

/* End it now; ended() follows, with this reason. */
void instance_kill(struct instance *instance, const char *reason);

/*
 * Take the function's snapshot anew: boot a template, wait until it waits for
 * work, save it. done() gets NULL, or why it failed. 0; -EALREADY one is being
 * taken; or -errno with a message for people.
 */
int instance_snapshot(const struct function *function, void (*done)(void *arg, const char *error), void *arg,
		      char *error_text, size_t size);

/* Is there one, whole? */
bool instance_has_snapshot(const struct function *function);

/* Forget it: the next instance boots. Clones that run keep what they map. 0 or -errno. */
int instance_remove_snapshot(const struct function *function);

const struct instance *instance_first(void);
struct instance *instance_of_vm(uint32_t vm_id);	/* or NULL */

#endif
