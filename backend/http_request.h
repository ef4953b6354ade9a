/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests of the guest's own: to any server of HTTP, and to AWS's services. */
#ifndef NEXUS_HTTP_REQUEST_H
#define NEXUS_HTTP_REQUEST_H

#include <stdbool.h>

/* RFC 9110, 9.2.2: sent twice, it does what it does when sent once. */
bool method_is_idempotent(const char *method);

/* CONNECT and TRACE are about connections. In any case: methods are in capitals, but some servers take others for them. */
bool method_is_for_connections(const char *method);

extern const struct op_type http_request_type, aws_request_type;

#endif
