// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A function's instance: its answers, and what it prints. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cleanup.h"
#include "prefetch.h"
#include "queue.h"
#include "stream.h"

#define MAX_HEADERS	64
/* From a deferred write to the answer: what an exit less is worth waiting, and what that may be if the daemon had the CPU meanwhile. */
#define SOON_NS		300000
#define NEAR_NS		10000000
#define NEAR_ANSWERS	64	/* of a function that takes that long by itself, until it is tried again */
#define LOG_PIECE	8192U	/* bytes of one message */

static int respond_options(struct nexus_op *op, struct nexus_respond_options *o,
			   const struct nexus_respond_options *from)
{
	*o = (struct nexus_respond_options)NEXUS_RESPOND_OPTIONS_INIT;
	if (!from)
		return 0;
	if (from->size < sizeof(from->size) || from->size > sizeof(*o))
		return op_fail(op, -EINVAL, "NexusBadRequest", "options of size %zu: use NEXUS_RESPOND_OPTIONS_INIT",
			       from->size);
	memcpy(o, from, from->size);
	if (o->nr_headers > MAX_HEADERS)
		return op_fail(op, -E2BIG, "NexusBadRequest", "%zu headers; the limit is %d", o->nr_headers, MAX_HEADERS);
	return 0;
}

/* Will the next answer follow its last write at once? nx->lock held. */
static void respond_learn(struct nexus *nx)
{
	int64_t passed = channel_now() - nx->written;

	if (!nx->written)
		return;
	nx->written = 0;
	if (passed < SOON_NS) {
		nx->answers_soon = true;
	} else if (nx->held_write || passed >= NEAR_NS) {
		nx->answers_soon = false;
		nx->near_answers = NEAR_ANSWERS;
	} else if (nx->near_answers) {
		nx->near_answers--;
	} else {
		/* A kick may have given the CPU to the daemon: only without one is the time the function's. */
		nx->answers_soon = true;
	}
}

/* The message; submits it. */
static void respond_start(struct nexus_op *op, const char *request_id, const struct op_payload *payload,
			  const struct nexus_respond_options *from)
{
	struct nexus_options options = NEXUS_OPTIONS_INIT;
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__Respond respond = NEXUS__V1__RESPOND__INIT;
	Nexus__V1__Field fields[MAX_HEADERS], *list[MAX_HEADERS];
	struct nexus_respond_options o;

	if (respond_options(op, &o, from))
		return;
	options.timeout_ms = o.timeout_ms;
	options.window = o.window;
	respond.request_id = (char *)request_id;
	respond.chunked = payload->len == NEXUS_LENGTH_UNKNOWN;
	respond.content_length = respond.chunked ? 0 : payload->len;
	respond.content_type = (char *)(o.content_type ? o.content_type : "");
	respond.error = o.flags & NEXUS_RESPOND_ERROR;
	respond.init = o.flags & NEXUS_RESPOND_INIT;
	respond.http_status = o.http_status;
	for (size_t i = 0; i < o.nr_headers; i++) {
		nexus__v1__field__init(&fields[i]);
		fields[i].name = (char *)o.headers[i].name;
		fields[i].value = (char *)o.headers[i].value;
		list[i] = &fields[i];
	}
	respond.headers = list;
	respond.n_headers = o.nr_headers;
	req.op_case = NEXUS__V1__REQUEST__OP_RESPOND;
	req.respond = &respond;
	op->hold = o.flags & NEXUS_RESPOND_NEXT;
	{
		/* What comes after it is not limited by its deadline. */
		CHANNEL_LOCK(op->nx);
		prefetch_invocation(op->nx, false, 0);
		respond_learn(op->nx);
	}
	op_start(op, &req, payload, &options, true);
}

struct nexus_op *nexus_respond_stream(struct nexus *nx, const char *request_id, uint64_t total,
				      const struct nexus_respond_options *options)
{
	struct nexus_op *op = op_new(nx);

	if (op)
		respond_start(op, request_id, &(struct op_payload){ .upload = true, .stream = true, .len = total },
			      options);
	return op;
}

static bool respond_is_queued(void *arg)
{
	const struct nexus_op *op = arg;

	return op->ended || op->queued == op->total || stream_ready(op);
}

/* Until all of it is with the daemon, which has a copy or our windows. */
static int respond_hand_over(struct nexus_op *op)
{
	for (;;) {
		upload_pump(op);
		CHANNEL_LOCK(op->nx);
		if (queue_wait(op->nx, respond_is_queued, op, op->deadline))
			return op_expire(op);
		if (op->ended)
			return op->status;
		if (op->queued == op->total)
			return 0;
	}
}

int nexus_respond(struct nexus *nx, const char *request_id, const void *buf, size_t len,
		  const struct nexus_respond_options *options)
{
	struct op_payload payload = { .upload = true, .windows = true, .buf = buf, .len = len };
	struct nexus_op *op = op_new(nx);
	int ret;

	if (!op)
		return -ENOMEM;
	op->quiet = true;
	respond_start(op, request_id, &payload, options);
	ret = op->ended ? op->status : 0;
	if (!ret && len)
		ret = respond_hand_over(op);
	if (ret)
		nexus_op_free(op);
	else
		op_detach(op);
	return ret;
}

/* ---- errors ---- */

static void json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p < ' ')
			fprintf(out, "\\u%04x", *p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

int nexus_respond_error(struct nexus *nx, const char *request_id, const char *type, const char *message)
{
	struct nexus_respond_options o = NEXUS_RESPOND_OPTIONS_INIT;
	autofree char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	fputs("{\"errorType\":", out);
	json_text(out, type);
	fputs(",\"errorMessage\":", out);
	json_text(out, message);
	fputs(",\"stackTrace\":[]}", out);
	if (fclose(out))
		return -ENOMEM;
	o.flags = *request_id ? NEXUS_RESPOND_ERROR : NEXUS_RESPOND_INIT;
	return nexus_respond(nx, request_id, text, len, &o);
}

/* ---- logs ---- */

static int log_piece(struct nexus *nx, const char *request_id, const char *text, size_t len)
{
	struct nexus_options options = NEXUS_OPTIONS_INIT;
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__Log log = NEXUS__V1__LOG__INIT;
	struct nexus_op *op = op_new(nx);
	int ret;

	if (!op)
		return -ENOMEM;
	op->quiet = true;
	log.request_id = (char *)request_id;
	log.text.data = (uint8_t *)text;
	log.text.len = len;
	req.op_case = NEXUS__V1__REQUEST__OP_LOG;
	req.log = &log;
	op_start(op, &req, &(struct op_payload){ 0 }, &options, true);
	ret = op->ended && op->status < 0 ? op->status : 0;
	op_detach(op);
	return ret;
}

int nexus_log(struct nexus *nx, const char *request_id, const char *text, size_t len)
{
	int ret = 0;

	while (!ret && len) {
		size_t n = len < LOG_PIECE ? len : LOG_PIECE;
		const char *end = n < len ? memrchr(text, '\n', n) : NULL;

		/* A message holds whole lines, if they are short enough. */
		if (end)
			n = end + 1 - text;
		ret = log_piece(nx, request_id, text, n);
		text += n;
		len -= n;
	}
	return ret;
}
