// SPDX-License-Identifier: GPL-2.0-only
#include "counters.h"

const struct counter_field counter_fields[NR_COUNTERS] = {
#define COUNTER(name, help) { #name, help },
	COUNTERS(COUNTER)
#undef COUNTER
};
