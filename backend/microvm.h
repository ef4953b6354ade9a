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
#ifndef NEXUS_MICROVM_H
#define NEXUS_MICROVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "timeline.h"

struct config;
struct function;
struct function_config;
struct loop;

enum microvm_state {
	MICROVM_QUEUED,		/* others start: it waits for its turn */
	MICROVM_STARTING,	/* the VMM starts */
	MICROVM_POOLED,		/* it has, and waits for an event that wants it */
	MICROVM_LOADING,	/* adopted; the VMM loads its state, or the guest boots */
	MICROVM_RUNNING,	/* the vCPUs run; a template: until it waits for work */
	MICROVM_SAVING,		/* a template: its snapshot is being taken */
	MICROVM_ENDING,
};

struct microvm {
	struct microvm *next, **prev;
	const struct function_config *function;
	enum microvm_state state;
	bool template;		/* lives for its snapshot only */
	bool restored;
	bool pooled;		/* in the pool: no instance yet; its VMM may still be starting */
	bool from_pool;		/* it was */
	bool survivor;		/* an earlier daemon has started it */
	bool stale;		/* its snapshot went before it ran */
	uint32_t vm_id;		/* the module's; 0: not adopted yet */
	pid_t vmm_pid;
	bool on_demand;		/* scale.c's: for an event that waits, if it still does */
	bool worked;		/* it has asked for events */
	/* scale.c's: what it had asked for when last looked at, and since when that stands */
	uint64_t seen_work, idle_since_ms;
	uint64_t at[TIMELINE_STEPS];	/* timeline.h */
};

typedef void microvm_ended(void *arg, const struct microvm *microvm, const char *reason);

void microvms_start(struct loop *loop, const struct config *config);
void microvms_stop(void);	/* and with them every VMM that was started here */

/*
 * Know those again that an earlier daemon left, whose vCPUs run: as if they had been started here,
 * with the struct function as arg of ended(). What it left half started is ended.
 */
void microvms_recover(microvm_ended *ended);

/*
 * Start one more, out of the pool if one is there; at once, or when its turn comes (max_starts). NULL with a message for people: the VMM or a file is missing, or
 * the limit of instances is reached. ended() is called once, when it is gone: killed, crashed
 * or powered off; reason is for people.
 */
struct microvm *microvm_start(const struct function_config *function,
			      microvm_ended *ended, void *arg, char *error, size_t size);

/* Is its memory enough to boot? 0; or -ENOMEM with a message for people. What cannot be read is not looked at. */
int microvm_check_memory(const struct function_config *function, char *error, size_t size);

/* End it now; ended() follows, with this reason. */
void microvm_kill(struct microvm *microvm, const char *reason);

/*
 * Take the function's snapshot anew: boot a template, wait until it waits for
 * work, save it. done() gets NULL, or why it failed. 0; -EALREADY one is being
 * taken; or -errno with a message for people.
 */
int microvm_snapshot(const struct function_config *function, void (*done)(void *arg, const char *error), void *arg,
		      char *error_text, size_t size);

/* Keep as many VMMs started for the function's snapshot as it wants now; called now and then. */
void microvm_pool_look(struct function *function);

/* Of all functions. */
struct microvm_starts {
	uint32_t starting, waiting;	/* now: VMMs; and microVMs that wait for their turn */
	uint64_t total;			/* VMMs, so far */
};

void microvm_starts(struct microvm_starts *starts);

/* Is there one, whole? */
bool microvm_has_snapshot(const struct function_config *function);

/* Forget it: the next instance boots. Clones that run keep what they map. 0 or -errno. */
int microvm_remove_snapshot(const struct function_config *function);

const struct microvm *microvm_first(void);
struct microvm *microvm_of_vm(uint32_t vm_id);	/* or NULL */

#endif
