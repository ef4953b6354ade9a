/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine monitor: a process that runs one microVM. How one kind of
 * VMM is started and told things is one file behind a struct vmm_type
 * (vmm_qemu.c). Everything here belongs to the main thread's loop.
 *
 * A VMM either boots a kernel, or is restored from a snapshot: RAM, mapped
 * copy-on-write from one file that all clones share, and the state of the rest.
 *
 *	vmm_start()		-> ready: adopt it, fill its memory
 *	vmm_load()		a clone: the state of vCPUs and devices -> loaded
 *	vmm_run()		-> running
 *	vmm_save()		the vCPUs stop -> stopped -> (collect) -> vmm_save_state() -> saved
 *	vmm_kill()		at any time; ended follows, as after any end
 */
#ifndef NEXUS_VMM_H
#define NEXUS_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;
struct vmm;

/* What a machine is made of. Strings stay the caller's and live until vmm_free(). */
struct vmm_spec {
	const char *name;	/* for people: in messages, and in the process list */
	const char *program;	/* NULL: the usual one, from $PATH */
	const char *machine;	/* the VMM's own name of a machine type */
	uint32_t memory_mib;
	uint32_t vcpus;
	const char *kernel;	/* boot: a kernel image, */
	const char *initrd;	/* its initramfs, */
	const char *append;	/* and its command line */
	const char *ram_path;	/* file of the RAM: boot writes it if not NULL, restore reads it */
	const char *state_path;	/* file of the rest: saved there, restored from there */
};

struct vmm_handler {
	/* The VM exists and may be adopted. */
	void (*ready)(void *arg);
	void (*loaded)(void *arg);
	void (*running)(void *arg);
	void (*stopped)(void *arg);
	void (*saved)(void *arg);
	/* A line of the guest's console, without its end; cut at VMM_LINE_MAX bytes. */
	void (*console)(void *arg, const char *line, size_t len);
	/* The process has ended; reason is for people. The last callback: call vmm_free() then, or in it. */
	void (*ended)(void *arg, const char *reason);
};

#define VMM_LINE_MAX	1024U

struct vmm_type {
	const char *name;
	struct vmm *(*start)(struct loop *loop, const struct vmm_spec *spec, bool restore,
			     const struct vmm_handler *handler, void *arg);
	void (*load)(struct vmm *vmm);
	void (*run)(struct vmm *vmm);
	void (*save)(struct vmm *vmm);
	void (*save_state)(struct vmm *vmm);
	void (*kill)(struct vmm *vmm);
	void (*free)(struct vmm *vmm);
};

/* What every struct vmm begins with. */
struct vmm {
	const struct vmm_type *type;
	pid_t pid;
};

extern const struct vmm_type vmm_qemu_type;

/*
 * A VMM that an earlier daemon has started, and that runs: all that can be done with it is to
 * wait for its end, and to kill it. Takes pidfd over. NULL with errno set.
 */
struct vmm *vmm_survivor(struct loop *loop, pid_t pid, int pidfd, const struct vmm_handler *handler, void *arg);

/* NULL with errno set: ENOENT no such program, ENOMEM ... */
static inline struct vmm *vmm_start(const struct vmm_type *type, struct loop *loop, const struct vmm_spec *spec,
				    bool restore, const struct vmm_handler *handler, void *arg)
{
	return type->start(loop, spec, restore, handler, arg);
}

static inline void vmm_load(struct vmm *vmm)
{
	vmm->type->load(vmm);
}

static inline void vmm_run(struct vmm *vmm)
{
	vmm->type->run(vmm);
}

static inline void vmm_save(struct vmm *vmm)
{
	vmm->type->save(vmm);
}

static inline void vmm_save_state(struct vmm *vmm)
{
	vmm->type->save_state(vmm);
}

static inline void vmm_kill(struct vmm *vmm)
{
	vmm->type->kill(vmm);
}

/* Kills it first if it still runs; no callback follows. */
static inline void vmm_free(struct vmm *vmm)
{
	if (vmm)
		vmm->type->free(vmm);
}

#endif
