/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXUS_NULL_H
#define NEXUS_NULL_H

#include "op.h"

extern const struct op_type null_type;

#endif
