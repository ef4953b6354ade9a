/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXUS_VERSION_H
#define NEXUS_VERSION_H

#include "nexus_hypercall.h"

#define NEXUS_VERSION	"0.1.0"

#define NEXUS_TEXT(x)	#x
#define NEXUS_ABI_OF(major, minor) NEXUS_TEXT(major) "." NEXUS_TEXT(minor)
#define NEXUS_ABI_TEXT	NEXUS_ABI_OF(NEXUS_ABI_MAJOR, NEXUS_ABI_MINOR)

#endif
