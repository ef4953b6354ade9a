// SPDX-License-Identifier: GPL-2.0-only
/*
 * An operation's memory: a bump arena within the operation itself, which the
 * worker recycles, so that the warm path allocates nothing.
 */
#include <stdlib.h>
#include <string.h>
#include "op_core.h"
#include "op_memory.h"

struct op_block {
	struct op_block *next;
	char memory[] __attribute__((aligned(16)));
};

static void *memory_bump(struct op_core *core, size_t size)
{
	size_t rounded = (size + 15) & ~(size_t)15;
	void *p;

	if (rounded < size || rounded > sizeof(core->memory) - core->used)
		return NULL;
	p = core->memory + core->used;
	core->used += rounded;
	return p;
}

void *op_alloc(struct op *op, size_t size)
{
	struct op_core *core = op->core;
	void *p = memory_bump(core, size);
	struct op_block *block;

	if (p)
		return p;
	block = size > SIZE_MAX - sizeof(*block) ? NULL : malloc(sizeof(*block) + size);
	if (!block)
		abort();	/* callers are promised memory: see op.h */
	block->next = core->blocks;
	core->blocks = block;
	return block->memory;
}

static char *memory_text(struct op *op, const char *s, size_t len)
{
	char *copy = op_alloc(op, len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *op_strndup(struct op *op, const char *s, size_t n)
{
	return memory_text(op, s, strnlen(s, n));
}

char *op_strdup(struct op *op, const char *s)
{
	return memory_text(op, s, strlen(s));
}

void *op_memory_unpack(void *data, size_t size)
{
	struct op_core *core = data;

	if (size > OP_UNPACK_MAX - core->unpacked)
		return NULL;
	core->unpacked += size;
	return memory_bump(core, size);
}

void op_memory_keep(void *data, void *p)
{
	(void)data;
	(void)p;
}

void op_memory_reset(struct op_core *core)
{
	struct op_block *block;

	while ((block = core->blocks)) {
		core->blocks = block->next;
		free(block);
	}
	core->used = 0;
	core->unpacked = 0;
}
