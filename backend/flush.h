/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXUS_FLUSH_H
#define NEXUS_FLUSH_H

#include "op.h"

extern const struct op_type flush_type;

#endif
