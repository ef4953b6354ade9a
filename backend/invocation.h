/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An invocation: an event on its way from a caller to an instance of the function, and the
 * answer on its way back.
 *
 * The caller (ingress, or the retries of asynchronous events) creates it. It belongs to the
 * function's queue, then to the worker of the instance that took it, which ends it exactly
 * once. The answer is shared by both, under `lock`.
 */
#ifndef NEXUS_INVOCATION_H
#define NEXUS_INVOCATION_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "hints.h"
#include "loop.h"
#include "timeline.h"

struct channel;
struct function;
struct grpc_link;
struct op;
struct worker;

#define INVOCATION_ID_SIZE	37	/* a UUID and the NUL */
#define INVOCATION_PAYLOAD_MAX	(6U << 20)	/* bytes, each way */
#define INVOCATION_EVENT_MAX	(1U << 20)	/* of an asynchronous one */
#define INVOCATION_LOG_TAIL	4096	/* bytes of log that a caller may ask for */
#define INVOCATION_STREAM_ROOM	(256U << 10)	/* of an answer that is passed on as it comes */
#define INVOCATION_STREAM_MAX	(200U << 20)	/* bytes of all of it */
#define INVOCATION_ERROR_MAX	(64U << 10)	/* of what is said of one that failed; more is cut off */

/* What the caller takes before the answer is complete. */
enum invocation_streams {
	INVOCATION_WHOLE,		/* nothing */
	INVOCATION_STREAMS_PLAIN,	/* what cannot be a description of an answer (ingress_http.c) */
	INVOCATION_STREAMS_ALL,
};

/* How it ended, for the caller. */
enum invocation_end {
	INVOCATION_OPEN,
	INVOCATION_ANSWERED,
	INVOCATION_FUNCTION_ERROR,	/* the answer is the error, as JSON */
	INVOCATION_NO_INSTANCE,		/* none took it in time */
	INVOCATION_STOPPED,		/* the daemon stops */
};

struct answer {
	bool head;			/* status and content type are there */
	bool broken;			/* a stream that was cut short */
	char *error;			/* and by what: JSON, or NULL; constant once end is set */
	size_t error_len;
	enum invocation_end end;
	unsigned int http_status;	/* 0: not said */
	char content_type[128];
	struct answer_field *fields;	/* further headers */
	char *data;
	size_t len, cap;
	uint64_t total;			/* bytes of it so far */
};

struct answer_field {
	struct answer_field *next;
	char *name, *value;
};

struct invocation {
	struct invocation *next;	/* the function's queue; or the channel's list */
	struct function *function;
	unsigned int refs;		/* atomic: the caller's, and that of who works on it */

	/* the caller's, constant once submitted */
	char id[INVOCATION_ID_SIZE];
	char *event;			/* from malloc */
	size_t event_len;
	char *content_type, *client_context, *trace_id;	/* from malloc; NULL: none */
	struct hints hints;
	struct grpc_link *grpc;		/* it is a gRPC call, and has no event; NULL: not */
	enum invocation_streams streams;
	bool log_wanted;
	/* There is news in `answer`, or (end is set) it is over. Any thread, lock held. */
	void (*news)(struct invocation *inv);
	void *caller;

	/* the function's, under its lock */
	uint64_t queued_ms;		/* monotonic */
	bool counted;			/* among those of max_invocations */

	/* the worker's */
	struct channel *channel;	/* of the instance; NULL: it has answered, or is gone */
	struct worker *worker;		/* once it was taken; set under lock */
	void (*room)(struct invocation *inv);	/* in the worker's thread: a stream's reader made room */
	bool responding;		/* its Respond has come; once all of it has, the clock stands */
	bool returning;			/* all of it has come: its instance is about to ask for the next event */
	bool failing;			/* one with an error has come: it ends what another one streams */
	struct op *respond;		/* reads the answer */
	struct loop_timer deadline;
	uint64_t started_ms;
	struct timeline timeline;	/* whoever has it marks what happens to it */

	pthread_mutex_t lock;		/* of what follows */
	struct answer answer;
	bool abandoned;			/* the caller has left: the answer goes nowhere */
	char log[INVOCATION_LOG_TAIL];	/* a ring of the last bytes */
	size_t log_len;			/* all bytes so far */
};

/* With a new id, and one reference. NULL: no memory. */
struct invocation *invocation_new(struct function *function);
struct invocation *invocation_get(struct invocation *inv);
void invocation_put(struct invocation *inv);

/* A UUID, version 4. */
void invocation_uuid(char id[INVOCATION_ID_SIZE]);

/* ---- the worker's side ---- */

/* Append; bytes taken: fewer if the caller of a stream has to read first. -EMSGSIZE beyond INVOCATION_PAYLOAD_MAX. */
ssize_t invocation_write(struct invocation *inv, const char *data, size_t len);

/* The same for a description of what failed, which is the answer, or stands beside a stream that has begun. */
ssize_t invocation_write_error(struct invocation *inv, const char *data, size_t len);

/* What came of the answer is not it, after all; of a stream that has begun it is. */
void invocation_restart(struct invocation *inv);

/* The caller of a stream has left: nobody wants the rest. */
bool invocation_is_unwanted(struct invocation *inv);

/* The end, once; says so to the caller. What the answer holds is not touched. */
void invocation_end(struct invocation *inv, enum invocation_end end);

/* The end by an error: {"errorType":type,"errorMessage":"RequestId: ID Error: message"}. */
void invocation_fail(struct invocation *inv, const char *type, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Add to the log tail. */
void invocation_log(struct invocation *inv, const char *text, size_t len);
void invocation_logf(struct invocation *inv, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- the caller's side ---- */

/* A further header of the answer; lock held, or before it is shared. */
void answer_field_add(struct answer *answer, const char *name, const char *value);

/* Take bytes of a stream; lock held. invocation_drained() is to follow once it is not. */
size_t invocation_read(struct invocation *inv, char *data, size_t len);

/* There is room again. */
void invocation_drained(struct invocation *inv);

/* The log's tail; at most INVOCATION_LOG_TAIL bytes. Returns how many. Lock held. */
size_t invocation_log_tail(const struct invocation *inv, char *out);

/* Nobody will look at the answer any more. */
void invocation_abandon(struct invocation *inv);

#endif
