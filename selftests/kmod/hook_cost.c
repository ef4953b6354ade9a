// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TSC's ticks that one hypercall takes, as its guest sees them: prints the
 * least of many batches. Under hook-cost's emulation a tick is an instruction.
 *
 *	hook_cost NUMBER CPL
 */
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../tap.h"
#include "vmm.h"

#define CODE 0x6000UL	/* vmm.h */
#define CALLS 64
#define BATCHES 40

/* RAX of the caller is the number; the ticks of CALLS calls come back in RAX. */
static const unsigned char code[] = {
	0x49, 0x89, 0xc1,			/* mov %rax, %r9 */
	0x41, 0xb8, CALLS, 0, 0, 0,		/* mov $CALLS, %r8d */
	0x0f, 0x31,				/* rdtsc */
	0x48, 0xc1, 0xe2, 0x20,			/* shl $32, %rdx */
	0x48, 0x09, 0xd0,			/* or %rdx, %rax */
	0x49, 0x89, 0xc2,			/* mov %rax, %r10 */
	0x4c, 0x89, 0xc8,			/* again: mov %r9, %rax */
	0x0f, 0x01, 0x00,			/* the hypercall */
	0x41, 0xff, 0xc8,			/* dec %r8d */
	0x75, 0xf5,				/* jnz again */
	0x0f, 0x31,				/* rdtsc */
	0x48, 0xc1, 0xe2, 0x20,			/* shl $32, %rdx */
	0x48, 0x09, 0xd0,			/* or %rdx, %rax */
	0x4c, 0x29, 0xd0,			/* sub %r10, %rax */
	0xe6, 0x10,				/* out %al, $PORT */
};
#define HYPERCALL 26	/* the byte that differs between AMD and Intel */

int main(int argc, char **argv)
{
	uint64_t least = UINT64_MAX, number;
	unsigned char kind;
	struct vmm vmm;

	if (argc != 3)
		return 2;
	number = strtoull(argv[1], NULL, 0);
	vmm_open(&vmm, 1, MAP_PRIVATE);
	kind = vmm.memory[CODE + 2];
	memcpy(vmm.memory + CODE, code, sizeof(code));
	vmm.memory[CODE + HYPERCALL] = kind;
	for (int i = 0; i < BATCHES; i++) {
		uint64_t ticks = (atoi(argv[2]) ? vmm_call : vmm_call_kernel)(&vmm, 0, number, 0, 0, 0);

		if (ticks < least)
			least = ticks;
	}
	printf("%.2f\n", (double)least / CALLS);
	vmm_close(&vmm);
	return 0;
}
