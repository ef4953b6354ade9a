/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket, which nexusctl talks to: SOCK_STREAM, one JSON object a
 * line each way, one call at a time per client. Only root and the daemon's own
 * user may call. All in the main thread.
 *
 *	{"verb": "vm-adopt", "pid": 7, "tenant": "acme", "function": "resize"}
 *	{"ok": true, "result": {"id": 1}}
 *	{"ok": false, "error": "no such process: 7"}
 */
#ifndef NEXUS_CONTROL_H
#define NEXUS_CONTROL_H

#include <jansson.h>

struct config;
struct control_call;
struct loop;

#define CONTROL_LINE_MAX	4096	/* bytes of a call */
#define CONTROL_CLIENTS_MAX	64	/* at once */
#define CONTROL_FDS_MAX		2	/* descriptors that come with a call */
#define CONTROL_IDLE_MS		30000	/* a client may neither call nor read for so long */

/*
 * Own the control path: 0; -EADDRINUSE another daemon does (logged); -errno.
 * Before anything else that only one daemon may do.
 */
int control_open(const struct config *config);
int control_serve(struct loop *loop);	/* answer calls from now on; 0 or -errno */
struct loop *control_loop(void);	/* that one */
void control_close(void);

/* ---- for the verbs (control_verbs.c) ---- */

struct control_verb {
	const char *name;
	/* Answers by exactly one of the functions below, at once or later. */
	void (*call)(struct control_call *call, const json_t *arguments);
};

extern const struct control_verb control_verbs[];	/* ends with a NULL name */

/* The next of the descriptors that came with the call, now the verb's; -1: none is left. */
int control_take_fd(struct control_call *call);

void control_reply(struct control_call *call, json_t *result);	/* takes the reference over */
void control_fail(struct control_call *call, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
