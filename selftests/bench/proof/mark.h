/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks in a program's instructions, which split.c sees: no-operations of eight bytes, whose
 * displacement is "NX" and a kind.
 */
#ifndef MARK_H
#define MARK_H

#define MARK_BYTES	{ 0x0f, 0x1f, 0x84, 0x00, 0x4e, 0x58, 0x4d }	/* the kind is the eighth */
#define MARK_BEGIN	0x01
#define MARK_END	0x02
#define MARK_SENT	0x03
#define MARK_ANSWERED	0x04
#define MARK(kind)	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 0x4e, 0x58, 0x4d, %c0" :: "i"(kind) : "memory")

#endif
