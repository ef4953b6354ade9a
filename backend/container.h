/* SPDX-License-Identifier: GPL-2.0-only */
/* From a member to the struct around it. */
#ifndef NEXUS_CONTAINER_H
#define NEXUS_CONTAINER_H

#include <stddef.h>

#define container_of(ptr, type, member) ({					\
	__typeof__(((type *)0)->member) *member_ = (ptr);			\
	(type *)((char *)member_ - offsetof(type, member));			\
})

#endif
