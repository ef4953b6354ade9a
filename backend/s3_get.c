// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "s3.h"

static const char *skip_digits(const char *p)
{
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

/* One range: first-last, first- or -suffix. S3 knows no lists of them. */
static bool range_is_valid(const char *range)
{
	const char *first, *last, *end;

	if (!*range)
		return true;
	if (strncmp(range, "bytes=", 6))
		return false;
	first = range + 6;
	last = skip_digits(first);
	if (*last != '-')
		return false;
	end = skip_digits(last + 1);
	return !*end && (last > first || end > last + 1);
}

static int s3_get_start(struct op *op)
{
	const Nexus__V1__GetObject *get = op->request->get_object;
	struct s3_call *call = op->state;
	int ret;

	ret = s3_call_init(op, "GET", get->object);
	if (ret)
		return ret;
	if (!range_is_valid(get->range))
		return op_error(op, -EINVAL, "NexusBadRequest",
				"range \"%.64s\" is not of the form bytes=FIRST-LAST", get->range);
	s3_call_param(call, "versionId", get->version_id);
	if (*get->range)
		ret = s3_call_header(call, "range", get->range);
	if (!ret && *get->if_match)
		ret = s3_call_header(call, "if-match", get->if_match);
	if (ret)
		return ret;
	call->http.download = true;
	call->http.kind = *get->range ? S3_KIND_GET_RANGE : S3_KIND_GET;
	return s3_call_start(call);
}

const struct op_type s3_get_type = {
	.name = "s3_get",
	.op_case = NEXUS__V1__REQUEST__OP_GET_OBJECT,
	.state_size = sizeof(struct s3_call),
	.idempotent = true,
	.start = s3_get_start,
	.window = s3_call_window,
	.abort = s3_call_abort,
};
