/* SPDX-License-Identifier: GPL-2.0-only */
/* What the other routes use of the Lambda Invoke API. */
#ifndef NEXUS_INGRESS_LAMBDA_H
#define NEXUS_INGRESS_LAMBDA_H

struct request;

/* Answer with one of AWS's errors. */
void lambda_error(struct request *request, unsigned int status, const char *error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
