/* SPDX-License-Identifier: GPL-2.0-only */
/* What the other routes use of the Lambda Invoke API. */
#ifndef NEXUS_INGRESS_LAMBDA_H
#define NEXUS_INGRESS_LAMBDA_H

#include <stdbool.h>
#include <stddef.h>

struct invocation;
struct request;

/* Answer with one of AWS's errors. */
void lambda_error(struct request *request, unsigned int status, const char *error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Answer for what request_invoke(), or event_submit(), returned. */
void lambda_refused(struct request *request, int ret);

/* Of a route for calls of the API. */
size_t lambda_limit(struct request *request);
void lambda_run(struct request *request);

/* ---- for route->answer(); lock held ---- */

/* It ended without an answer of the function: answer with that error, and return true. */
bool lambda_no_answer(struct request *request);

/* What all answers of functions have. */
void lambda_answer_headers(struct request *request);

/* The log's tail in base64, from malloc; NULL: the caller did not ask for it. */
char *lambda_log_result(const struct invocation *inv);

#endif
