// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "queue.h"
#include "resume.h"

#define RESUMES_MAX	3	/* without a byte between them */

void resume_prepare(struct nexus_op *op, const Nexus__V1__Request *req)
{
	if (op->mode != OP_DOWNLOAD || req->op_case != NEXUS__V1__REQUEST__OP_GET_OBJECT)
		return;
	op->request = bump_alloc(&op->memory, op->msg_len);
	if (!op->request)
		return;
	memcpy(op->request, channel_at(op->nx, op->msg_off), op->msg_len);
	op->request_len = op->msg_len;
}

/* Only what has a length and a strong entity tag can be asked for in pieces. */
static bool resume_possible(const struct nexus_op *op)
{
	const Nexus__V1__Response *response = op->response;

	return op->request && response && response->content_length && *response->etag &&
	       strncmp(response->etag, "W/", 2) && op->resumes < RESUMES_MAX && !op->cancelled && !op->ended &&
	       !op->nx->dead;
}

bool resume_begin(struct nexus_op *op, struct window *w, const struct completion *c)
{
	unsigned int at = 0;

	if (c->status != -ECONNRESET || !resume_possible(op))
		return false;
	while (at < op->nr_order && op->order[at] != w)
		at++;
	w->state = c->data_len ? WINDOW_FULL : WINDOW_IDLE;
	w->len = c->data_len;
	w->last = false;
	/* Those behind it come back empty. */
	op->nr_order = at + (c->data_len != 0);
	op->resuming = true;
	op->resumes++;
	resume_go_on(op);
	return true;
}

/* The object's byte that the payload begins with: a range has one of its own. */
static uint64_t resume_first(const struct nexus_op *op)
{
	uint64_t first = 0;

	for (size_t i = 0; i < op->response->n_headers; i++) {
		if (!strcmp(op->response->headers[i]->name, "content-range"))
			sscanf(op->response->headers[i]->value, "bytes %" SCNu64, &first);
	}
	return first;
}

/* Pack the request for the bytes from `got` on. False: there is no room for it. */
static bool resume_pack(struct nexus_op *op, uint64_t got)
{
	Nexus__V1__Request *req = nexus__v1__request__unpack(NULL, op->request_len, op->request);
	Nexus__V1__GetObject get = NEXUS__V1__GET_OBJECT__INIT, *theirs;
	uint64_t first = resume_first(op);
	char range[64];
	size_t len;

	if (!req)
		return false;
	theirs = req->get_object;
	snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, first + got, first + result_length(op) - 1);
	get.object = theirs->object;
	get.version_id = theirs->version_id;
	get.headers = theirs->headers;
	get.n_headers = theirs->n_headers;
	get.range = range;
	get.if_match = op->response->etag;
	req->get_object = &get;
	len = nexus__v1__request__get_packed_size(req);
	if (len <= op->msg_cap)
		op->msg_len = nexus__v1__request__pack(req, channel_at(op->nx, op->msg_off));
	req->get_object = theirs;
	nexus__v1__request__free_unpacked(req, NULL);
	return len <= op->msg_cap;
}

static struct window *resume_window(struct nexus_op *op)
{
	for (struct window *w = op->windows; w < op->windows + OP_WINDOWS; w++) {
		if (w->state == WINDOW_IDLE)
			return w;
	}
	return NULL;
}

void resume_go_on(struct nexus_op *op)
{
	struct window *w = resume_window(op);
	uint64_t got = op->moved;

	if (!op->resuming || op->in_flight || !w || op->ended)
		return;
	for (unsigned int i = 0; i < op->nr_order; i++)
		got += op->order[i]->len;
	op->resuming = false;
	if (got == result_length(op) || !resume_pack(op, got)) {
		/* Nothing is missing but the end's announcement; or it cannot be helped. */
		op->host_status = got == result_length(op) ? 0 : -ECONNRESET;
		op->closed = true;
		return;
	}
	op->queued = got + w->cap;
	w->state = WINDOW_QUEUED;
	op->order[op->nr_order++] = w;
	op_submit(op, w, w->off, w->cap, false);
	queue_kick(op->nx);
}
