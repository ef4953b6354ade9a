// SPDX-License-Identifier: GPL-2.0-only
/* Memory of a module of WebAssembly, for what comes and goes. */
#include "function.h"

static char event[EVENT_MAX], in[OBJECT_MAX], out[RESULT_MAX];

char *event_room(void)
{
	return event;
}

void *fabric_buffer(enum fabric_object which)
{
	return which == OBJECT_IN ? in : out;
}
