/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXUS_OP_MEMORY_H
#define NEXUS_OP_MEMORY_H

#include <stddef.h>

struct op_core;

/* protobuf-c's allocator; data is the op_core. NULL once OP_UNPACK_MAX is used up. */
void *op_memory_unpack(void *data, size_t size);
/* Its free: memory lives as long as the op. */
void op_memory_keep(void *data, void *p);

/* All of the op's memory is free again. */
void op_memory_reset(struct op_core *core);

#endif
