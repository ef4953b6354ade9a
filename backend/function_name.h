/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How callers may name a function: NAME, NAME:QUALIFIER, ACCOUNT:function:NAME and
 * arn:aws:lambda:REGION:ACCOUNT:function:NAME, the last two with or without a qualifier.
 */
#ifndef NEXUS_FUNCTION_NAME_H
#define NEXUS_FUNCTION_NAME_H

/* The name within text; cuts the qualifier off (NULL: none). */
char *function_name(char *text, char **qualifier);

#endif
