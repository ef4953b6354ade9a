/* SPDX-License-Identifier: GPL-2.0-only */
/* A PUT that is a multipart upload towards the store: created, sent in parts, completed; aborted if that fails. */
#ifndef NEXUS_S3_PUT_PARTS_H
#define NEXUS_S3_PUT_PARTS_H

#include "s3.h"

struct put_parts;

/* Is that the way for this upload? call is prepared, with its headers. */
bool put_parts_wanted(const struct s3_call *call);

/* Begin: 0 and *parts, or -errno after op_error(). call stays the caller's, and in place. */
int put_parts_start(struct s3_call *call, struct put_parts **parts);

void put_parts_window(struct put_parts *parts);
void put_parts_abort(struct put_parts *parts);

#endif
