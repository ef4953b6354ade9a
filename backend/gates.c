// SPDX-License-Identifier: GPL-2.0-only
/* Every gate, in the order in which operations meet them. */
#include <stddef.h>
#include "gate.h"
#include "next.h"
#include "journal.h"
#include "order.h"
#include "policy.h"
#include "prefetch.h"
#include "share.h"

const struct gate *const gates[] = {
	&instance_gate,
	&policy_gate,
	&order_gate,
	&journal_gate,
	&prefetch_gate,
	&share_gate,
	NULL,
};
