/* SPDX-License-Identifier: GPL-2.0-only */
/* Who calls: requests signed with AWS Signature Version 4 by one of the configured callers. */
#ifndef NEXUS_CALLER_H
#define NEXUS_CALLER_H

#include <stddef.h>

struct config;
struct request;
struct tenant;

enum caller_verdict {
	CALLER_FINE,
	CALLER_UNSIGNED,	/* no Authorization header of this kind */
	CALLER_UNKNOWN,		/* nobody has that key */
	CALLER_WRONG,		/* the signature is another one, or signs too little */
	CALLER_LATE,		/* its date is not within 15 minutes of the host's clock */
	CALLER_BROKEN,		/* it could not be checked */
};

/*
 * Check the request, whose body is complete. *tenant: whose functions he may call; NULL: anybody's,
 * as no callers are configured.
 */
enum caller_verdict caller_check(const struct config *config, const struct request *request,
				 const struct tenant **tenant);

/* How AWS names the verdict, and its text; the HTTP status is 403, of CALLER_BROKEN 500. */
const char *caller_error(enum caller_verdict verdict, const char **message);

#endif
