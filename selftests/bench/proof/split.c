// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU's TCG that says where the instructions of an emulated host were executed: in a
 * nested guest or on the host, in user or in kernel mode, and at which addresses. A program there
 * marks the phases (MARK of mark.h).
 *
 *	-plugin split.so,out=FILE
 *
 * At each mark a line "mark KIND GUEST_USER GUEST_KERNEL HOST_USER HOST_KERNEL" is appended, instructions
 * since the start; at each end of a phase also "at MODE ADDRESS INSTRUCTIONS" for the phase's hottest blocks, and
 * "in ADDRESS INSTRUCTIONS" for each 64 KiB of the host's programs: all of the phase's.
 *
 * Blocks of code are translated apart for nested guests (QEMU keeps a flag for them); which world
 * is running is known from the last VMRUN and whether the instruction behind it, which only a #VMEXIT
 * leads to, was executed since. A block that ends early (a fault) is counted whole: 0.1 %.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mark.h"
#include "qemu_plugin.h"

#define BLOCKS	(1U << 21)	/* of the hash table; a power of two */
#define MODES	4
#define HOTTEST	400

enum mode { GUEST_USER, GUEST_KERNEL, HOST_USER, HOST_KERNEL };

struct block {
	uint64_t key;		/* address << 2 | mode; the address's sign is implied by the mode */
	uint64_t count, begun;	/* instructions; at the phase's beginning */
};

int qemu_plugin_version __attribute__((visibility("default"))) = QEMU_PLUGIN_API;

static struct block *blocks;
static uint64_t totals[MODES];
static unsigned int used;
static FILE *out;
static bool in_guest;
static uint64_t behind_vmrun;

static struct block *block_find(uint64_t address, enum mode mode)
{
	uint64_t key = address << 2 | mode;
	size_t i = (key * 0x9e3779b97f4a7c15ULL) >> 32;

	while (blocks[i &= BLOCKS - 1].key && blocks[i].key != key)
		i++;
	if (!blocks[i].key) {
		if (++used > BLOCKS - BLOCKS / 8) {
			fprintf(out, "full\n");
			fflush(out);
			abort();
		}
		blocks[i].key = key;
	}
	return &blocks[i];
}

static uint64_t phase_count(const struct block *block)
{
	return block->count - block->begun;
}

static int hotter(const void *a, const void *b)
{
	uint64_t x = phase_count(*(const struct block *const *)a), y = phase_count(*(const struct block *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

static int lower(const void *a, const void *b)
{
	uint64_t x = (*(const struct block *const *)a)->key, y = (*(const struct block *const *)b)->key;

	return x < y ? -1 : x > y ? 1 : 0;
}

static void print_programs(const struct block **list, size_t n)
{
	uint64_t sum = 0, at = 0;

	qsort(list, n, sizeof(*list), lower);
	for (size_t i = 0; i < n; i++) {
		if ((list[i]->key & 3) != HOST_USER)
			continue;
		if (list[i]->key >> 18 != at && sum) {
			fprintf(out, "in %llx %llu\n", (unsigned long long)at << 16, (unsigned long long)sum);
			sum = 0;
		}
		at = list[i]->key >> 18;
		sum += phase_count(list[i]);
	}
	if (sum)
		fprintf(out, "in %llx %llu\n", (unsigned long long)at << 16, (unsigned long long)sum);
}

static void print_hottest(void)
{
	const struct block **list = malloc(sizeof(*list) * BLOCKS);
	size_t n = 0;

	for (size_t i = 0; i < BLOCKS; i++)
		if (phase_count(&blocks[i]))
			list[n++] = &blocks[i];
	qsort(list, n, sizeof(*list), hotter);
	for (size_t i = 0; i < n && i < HOTTEST; i++) {
		enum mode mode = list[i]->key & 3;
		uint64_t address = list[i]->key >> 2;

		if (mode == GUEST_KERNEL || mode == HOST_KERNEL)
			address |= 3ULL << 62;
		fprintf(out, "at %d %llx %llu\n", mode, (unsigned long long)address,
			(unsigned long long)phase_count(list[i]));
	}
	print_programs(list, n);
	free(list);
}

static void marked(unsigned int vcpu, void *arg)
{
	static const char *const names[] = {
		[MARK_BEGIN] = "begin", [MARK_END] = "end", [MARK_SENT] = "sent", [MARK_ANSWERED] = "answered",
	};
	uintptr_t kind = (uintptr_t)arg;

	(void)vcpu;
	if (kind >= sizeof(names) / sizeof(names[0]) || !names[kind])
		return;
	fprintf(out, "mark %s", names[kind]);
	for (int i = 0; i < MODES; i++)
		fprintf(out, " %llu", (unsigned long long)totals[i]);
	fprintf(out, "\n");
	if (kind == MARK_BEGIN)
		for (size_t i = 0; i < BLOCKS; i++)
			blocks[i].begun = blocks[i].count;
	if (kind == MARK_END)
		print_hottest();
	fflush(out);
}

static void entered(unsigned int vcpu, void *arg)
{
	(void)vcpu;
	(void)arg;
	in_guest = true;
}

static void left(unsigned int vcpu, void *arg)
{
	(void)vcpu;
	(void)arg;
	in_guest = false;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const unsigned char vmrun[] = { 0x0f, 0x01, 0xd8 }, mark[] = MARK_BYTES;
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	size_t n = qemu_plugin_tb_n_insns(tb);
	bool kernel = address >> 63;
	enum mode mode;

	(void)id;
	/* What a #VMEXIT leads to is translated before it is executed: `left` comes too late for its own block. */
	if (address == behind_vmrun && address)
		in_guest = false;
	mode = in_guest ? (kernel ? GUEST_KERNEL : GUEST_USER) : (kernel ? HOST_KERNEL : HOST_USER);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_ADD, &block_find(address, mode)->count, n);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_ADD, &totals[mode], n);
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const unsigned char *data = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);

		if (qemu_plugin_insn_vaddr(insn) == behind_vmrun && behind_vmrun)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, left, QEMU_PLUGIN_NO_REGISTERS, NULL);
		if (kernel && size == sizeof(vmrun) && !memcmp(data, vmrun, size)) {
			behind_vmrun = qemu_plugin_insn_vaddr(insn) + size;
			qemu_plugin_register_vcpu_insn_exec_cb(insn, entered, QEMU_PLUGIN_NO_REGISTERS, NULL);
		}
		if (size == sizeof(mark) + 1 && !memcmp(data, mark, sizeof(mark)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, QEMU_PLUGIN_NO_REGISTERS,
							       (void *)(uintptr_t)data[sizeof(mark)]);
	}
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
	blocks = calloc(BLOCKS, sizeof(*blocks));
	if (!out || !blocks) {
		fprintf(stderr, "split: out=FILE is missing, or cannot be written, or no memory\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
