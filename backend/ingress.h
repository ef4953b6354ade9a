/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where callers come in: an HTTP server in a thread of its own. A request is read whole, within
 * its limit, handed to its route, which answers at once or submits an invocation and is asked
 * again when there is news of that.
 *
 * The parsing of HTTP is libmicrohttpd's.
 */
#ifndef NEXUS_INGRESS_H
#define NEXUS_INGRESS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include "invocation.h"

struct config;
struct loop;
struct function;
struct request;

struct route {
	/*
	 * How many bytes of body it takes; more are read, and dropped. Called with the head.
	 */
	size_t (*limit)(struct request *request);

	/* The request is complete. Answer it, or request_invoke(). */
	void (*run)(struct request *request);

	/* There is news of the invocation. Lock held. True: answered. */
	bool (*answer)(struct request *request);
};

struct request {
	struct request *next, **prev;	/* all that are in work */
	struct MHD_Connection *connection;
	const struct route *route;
	const char *method;
	char *target;			/* as sent: path?query */
	char *name;			/* what the path names: the function; decoded */
	const char *query;		/* as sent, without '?'; "" */
	char *body;
	size_t len, cap;
	uint64_t sent;			/* bytes of body that came, dropped ones included */
	bool begun, complete, answered;
	struct invocation *inv;
	bool suspended;			/* under inv->lock, once there is one */
	struct MHD_Response *response;	/* to be sent */
	unsigned int status;
	char id[INVOCATION_ID_SIZE];	/* until there is an invocation */
	struct event_stream *frames;	/* ingress_stream.c's; from malloc */
};

extern const struct route lambda_route, lambda_stream_route, function_route, health_route, ready_route;

/* Listen, in a thread of its own; loop: the main thread's. 0, or -errno after it logged why. Nothing to do without `listen`. */
int ingress_start(struct loop *loop, const struct config *config);

/* No more callers; those that are here go on. */
void ingress_quiesce(void);

/* After the workers and functions_stop(). */
void ingress_stop(void);

const struct config *ingress_config(void);

/* A header of the request; NULL: none. */
const char *request_header(const struct request *request, const char *name);

/* The caller's, or a new one, as X-Ray has them. From malloc. */
char *request_trace_id(const struct request *request);

/* Answer; the text is copied. */
void request_answer(struct request *request, unsigned int status, const char *content_type, const char *text,
		    size_t len);

/* Takes the response over; headers may have been added to it. */
void request_respond(struct request *request, unsigned int status, struct MHD_Response *response);

/* A header for the answer that request_answer() made. */
void request_answer_header(struct request *request, const char *name, const char *value);

/*
 * Submit an invocation with the request's body as its event, and the client's context (taken over;
 * NULL: none); route->answer() follows. Errors as of function_submit(); -ENOMEM.
 */
int request_invoke(struct request *request, struct function *function, char *context,
		   enum invocation_streams streams);

/*
 * The next bytes of an answer that comes as it is made. 0: MHD will ask again when there are some;
 * MHD_CONTENT_READER_END_OF_STREAM, or _END_WITH_ERROR: it was cut short. In a content reader, lock not held.
 */
ssize_t request_stream(struct request *request, char *data, size_t max);

#endif
