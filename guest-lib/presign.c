// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* URLs and forms that the host signs, for others to use. */
#include <errno.h>
#include <string.h>
#include "op.h"

#define EXPIRES_S	3600

static int presign_options(struct nexus_op *op, struct nexus_presign *to, const struct nexus_presign *from)
{
	*to = (struct nexus_presign)NEXUS_PRESIGN_INIT;
	if (from && (from->size < sizeof(from->size) || from->size > sizeof(*to)))
		return op_fail(op, -EINVAL, "NexusBadRequest", "a presign of size %zu: use NEXUS_PRESIGN_INIT", from->size);
	if (from)
		memcpy(to, from, from->size);
	to->expires_s = to->expires_s ? to->expires_s : EXPIRES_S;
	return 0;
}

/* Starts what the request asks for, and waits. */
static int presign_run(struct nexus_op *op, Nexus__V1__Request *req, const struct nexus_options *o)
{
	struct op_payload payload = { 0 };

	op->answer_cap = NEXUS_MSG_MAX;	/* a session's token makes URLs long */
	op_start(op, req, &payload, o, true);
	return op_finish(op);
}

int nexus_presign(struct nexus *nx, const char *method, const char *bucket, const char *key,
		  const struct nexus_presign *presign, const struct nexus_options *options, struct nexus_op **out)
{
	Nexus__V1__PresignUrl url = NEXUS__V1__PRESIGN_URL__INIT;
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__ObjectName object;
	struct nexus_presign what;
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op)
		return -ENOMEM;
	if (presign_options(op, &what, presign) || op_options(op, &o, options, OPTION_HEADERS) ||
	    op_object(op, &object, bucket, key) ||
	    op_fields(op, what.params, url.n_params = what.nr_params, "params", &url.params) ||
	    op_fields(op, o.headers, url.n_headers = o.nr_headers, "headers", &url.headers))
		return op_return(op, out, op_finish(op));
	url.method = op_text(method);
	url.object = &object;
	url.expires_s = what.expires_s;
	req.op_case = NEXUS__V1__REQUEST__OP_PRESIGN_URL;
	req.presign_url = &url;
	return op_return(op, out, presign_run(op, &req, &o));
}

int nexus_presign_post(struct nexus *nx, const char *bucket, const char *key, const struct nexus_presign *presign,
		       const struct nexus_options *options, struct nexus_op **out)
{
	Nexus__V1__PresignPost post = NEXUS__V1__PRESIGN_POST__INIT;
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__ObjectName object;
	struct nexus_presign what;
	struct nexus_options o;
	struct nexus_op *op = op_new(nx);

	if (!op)
		return -ENOMEM;
	if (presign_options(op, &what, presign) || op_options(op, &o, options, 0) || op_object(op, &object, bucket, key))
		return op_return(op, out, op_finish(op));
	post.object = &object;
	post.expires_s = what.expires_s;
	post.conditions = op_text(what.conditions);
	req.op_case = NEXUS__V1__REQUEST__OP_PRESIGN_POST;
	req.presign_post = &post;
	return op_return(op, out, presign_run(op, &req, &o));
}
