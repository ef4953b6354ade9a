/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's Machine Protocol (docs/interop/qmp-spec in QEMU): JSON objects, one a
 * line, over a connected stream socket. Commands are queued and answered in
 * order. What QEMU says is bounded here and believed nowhere: the guest may
 * have taken it over.
 */
#ifndef NEXUS_QMP_H
#define NEXUS_QMP_H

#include <jansson.h>

struct loop;
struct qmp;

struct qmp_handler {
	/* QEMU can be spoken to: its machine exists. */
	void (*ready)(void *arg);
	/* An event, with its data (NULL: none). */
	void (*event)(void *arg, const char *name, const json_t *data);
	/* The connection ended, or QEMU breaks the protocol (reason). Called once; commands get no answer any more. */
	void (*lost)(void *arg, const char *reason);
};

/* Takes fd over. NULL with errno set. */
struct qmp *qmp_new(struct loop *loop, int fd, const struct qmp_handler *handler, void *arg);

/* Ends the connection; no callback follows. May be called from any of them. */
void qmp_free(struct qmp *qmp);

/*
 * Send a command; arguments (a reference is taken over) may be NULL, and fd, a
 * descriptor that goes along (and stays the caller's), -1. done() gets what the
 * command returned, or the error's description for people. done may be NULL.
 * 0; -ENOMEM; -ENOTCONN.
 */
typedef void qmp_done(void *arg, const json_t *result, const char *error);
int qmp_send(struct qmp *qmp, const char *command, json_t *arguments, int fd, qmp_done *done);

#endif
