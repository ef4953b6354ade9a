/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel of the host counts: processor time and turns of every thread, exits of every VM, context
 * switches and idle time of the machine. Under -icount a nanosecond is an instruction.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdint.h>

#define COUNTERS_MAX	2048
#define COUNTER_NAME	48

/* name: "cpu PROCESS" instructions, "turns PROCESS", "kvm STATISTIC", or of the machine. Same names are added up. */
struct counter {
	char name[COUNTER_NAME];
	int64_t value;
};

struct counters {
	unsigned int nr;
	struct counter list[COUNTERS_MAX];
};

void counters_read(struct counters *counters);

/* As the inside of a JSON object: the differences that are not zero. */
void counters_print(const struct counters *before, const struct counters *after);

/*
 * As the inside of a JSON object, in KiB, pages that several processes share divided among them: each program's anonymous
 * memory ("own PROGRAM"), its pages of files ("shared PROGRAM"), its "page_tables PROGRAM"; and the kernel ("kernel PART").
 */
void counters_print_memory(void);

/* Processor time of this process so far: what is between two calls has nothing of counters_read()'s own. */
int64_t counters_own(void);

/* Memory that the host has for more, in KiB. */
int64_t counters_available(void);

#endif
