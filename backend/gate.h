/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gates: what a request passes between being understood and being started, in
 * the order of gates[]. A gate lets it pass, refuses it, or parks it until its
 * turn has come. The operation's time-out runs meanwhile; a guest may cancel a
 * parked operation as any other.
 */
#ifndef NEXUS_GATE_H
#define NEXUS_GATE_H

struct op;
struct worker;

#define GATE_PARKED	1

struct gate {
	const char *name;

	/*
	 * 0: pass. GATE_PARKED: gate_open() will follow. -errno after op_error():
	 * refused; leave() is then not called.
	 */
	int (*enter)(struct op *op);

	/*
	 * Optional. An operation that passed, or was parked, has come to its end:
	 * what it had to tell is told to the guest already. Gates are left in the
	 * reverse order. Other operations are let through by gate_open() only.
	 */
	void (*leave)(struct op *op);
};

/* Ends with NULL; see gates.c. */
extern const struct gate *const gates[];

/*
 * A parked operation may go on: it passes the next gates, or starts, in the
 * next turn of its worker's loop, unless it ends before. In the worker's thread.
 */
void gate_open(struct op *op);

#endif
