/* SPDX-License-Identifier: GPL-2.0-only */
/* What URLs and forms that carry a signature have in common. */
#ifndef NEXUS_PRESIGN_H
#define NEXUS_PRESIGN_H

#include <stdbool.h>
#include <string.h>
#include "op.h"

#define PRESIGN_FILENAME	"${filename}"

/* Does a form's key end so, and leave its end to whoever sends the form? */
static inline bool presign_is_open(const char *key)
{
	size_t len = strlen(key), end = strlen(PRESIGN_FILENAME);

	return len >= end && !strcmp(key + len - end, PRESIGN_FILENAME);
}

/* May it live that long? 0, or -errno after op_error(). */
int presign_check_expiry(struct op *op, uint32_t expires_s);

#endif
