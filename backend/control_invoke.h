/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operator calls a function over the control socket (nexusctl function invoke). The payload and
 * the answer are files that come with the call: a payload may have 6 MiB, a line of the socket 4 KiB.
 */
#ifndef NEXUS_CONTROL_INVOKE_H
#define NEXUS_CONTROL_INVOKE_H

#include "control.h"

/*
 * {"function": NAME, "async": BOOL, "log": BOOL}, with two descriptors of files: the payload, and
 * an empty one that gets the answer, and behind it the log's tail. Of an asynchronous call the second
 * stays empty. The result:
 *	{"request_id": ID, "error": BOOL, "answer_bytes": N, "log_bytes": N}
 */
void verb_function_invoke(struct control_call *call, const json_t *arguments);

/* After the workers: what has not answered will not. */
void control_invoke_stop(void);

#endif
