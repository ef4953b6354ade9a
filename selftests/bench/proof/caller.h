/* SPDX-License-Identifier: GPL-2.0-only */
/* A caller of a function, over one connection at a time that is kept alive. */
#ifndef CALLER_H
#define CALLER_H

#include <stdbool.h>

extern unsigned int caller_patience;	/* s: for a first answer, and for any other */
extern unsigned int singles;	/* invocations between MARK_SENT and MARK_ANSWERED that no line of output tells yet */
extern int caller_fd;		/* the connection, or -1 */

/* Says why, how many singles there are, and ends the process. */
__attribute__((noreturn)) void die(const char *why);

/* Where the function is, and what to send. through: a network device, or NULL. All is kept by reference but the event. */
void caller_open(const char *host, const char *port, const char *path, const char *event, const char *through);
bool caller_connect(void);
bool caller_send(void);

/* Returns the status, 0 if the connection was lost. */
int caller_receive(void);
int caller_invoke(void);	/* both */

/* Dies unless the status is 200. */
void caller_must(int status);

/* Tries until there is an answer. */
void caller_first(void);

#endif
