/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of microVMs share: life (microvm.c), template, pool, survivors. */
#ifndef NEXUS_MICROVM_CORE_H
#define NEXUS_MICROVM_CORE_H

#include <stdio.h>
#include "container.h"
#include "log.h"
#include "loop.h"
#include "microvm.h"
#include "nexus_dev.h"
#include "snapshot.h"
#include "vmm.h"

struct microvm_core {
	struct microvm microvm;
	struct vmm_spec spec;
	struct vmm *vmm;
	struct snapshot snapshot;	/* restored from, or being taken */
	struct log_site console;
	struct loop_timer look;		/* template: does it wait for work? */
	uint64_t look_until_ms;
	uint64_t turn;			/* in the start queue; 0: it never waited */
	char name[NEXUS_NAME_MAX + 16];
	char *ram, *state;		/* of spec, owned */
	char reason[256];		/* of the end, if it was ours */
	bool loaded, served;		/* a clone, before its vCPUs run: the VMM has its state; its Next is known */
	bool saved;			/* template: state and sidecar are there */
	microvm_ended *ended;		/* NULL: in the pool, or a template */
	void (*done)(void *arg, const char *error);	/* template's */
	void *arg;
};

static inline struct microvm_core *microvm_to_core(struct microvm *microvm)
{
	return container_of(microvm, struct microvm_core, microvm);
}

struct loop *microvms_loop(void);

/* In the list, with nothing yet. NULL: no memory. */
struct microvm_core *microvm_new(const struct function_config *function);
void microvm_free(struct microvm_core *core);	/* and its VMM, without a word to anybody */

/* 0; or -errno with a message for people, if one more may not be, or its files are missing. */
int microvm_check(const struct function_config *function, char *error, size_t size);

/* Start its VMM, now or in its turn. Takes core over when it fails: -errno with a message for people. */
int microvm_spawn(struct microvm_core *core, char *error, size_t size);

/* Now. When it fails core is as it was. */
int microvm_start_vmm(struct microvm_core *core, char *error, size_t size);

/* Its VMM has ended, or was never started: tell who has to know, and free it. */
void microvm_gone(struct microvm_core *core, const char *reason);

extern const struct vmm_handler microvm_handler;

/* A file of the function's snapshot, or (file NULL) their directory, or (both NULL) that of all; the caller frees it. */
char *microvm_path(const struct function_config *function, const char *file);

/* ---- template (microvm_template.c) ---- */

void template_running(struct microvm_core *core);
void template_stopped(void *core);
void template_saved(void *core);
void template_ended(struct microvm_core *core, const char *reason);

/* ---- the pool (microvm_pool.c) ---- */

/* One of the function's whose VMM was started already, out of the pool; or NULL. */
struct microvm_core *pool_take(const struct function_config *function);
void pool_ended(struct microvm_core *core, const char *reason);

/* The snapshot is another one now, or none: those that were started for it are of no use. */
void pool_clear(const struct function_config *function);

/* ---- the start queue (microvm_queue.c) ---- */

void queue_open(const struct config *config);
void queue_close(void);

/* False: there is room to start it now. Else it has a turn, and queue.c starts it. */
bool queue_add(struct microvm_core *core);
void queue_started(void);	/* to be counted */
void queue_news(void);		/* one has started, or is gone: there may be room */

/* One that is not to start any more: microvm_gone() follows, from the loop. */
void queue_drop(struct microvm_core *core);

static inline bool microvm_is_queued(const struct microvm *microvm)
{
	return microvm->state == MICROVM_QUEUED && microvm_to_core((struct microvm *)microvm)->turn;
}

/* ---- what a later daemon will know (microvm_record.c) ---- */

/* The directory. */
void records_open(const char *control_path);
void records_close(void);

/* Its VMM has started; its vCPUs run, so that it may survive us; it is gone. */
void record_add(pid_t pid, const struct function_config *function, bool restored);
void record_running(pid_t pid);
void record_remove(pid_t pid);

/* One that an earlier daemon left; pidfd is its process, and the callee's. running: its vCPUs did. */
typedef void record_found(void *arg, pid_t pid, int pidfd, const char *function, bool restored, bool running);
void records_each(record_found *found, void *arg);

/* ---- survivors (microvm_survivor.c) ---- */

/* End the VMMs that an earlier daemon left before their guests ran. */
void microvms_end_leftovers(void);

#endif
