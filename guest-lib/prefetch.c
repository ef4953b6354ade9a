// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <string.h>
#include "prefetch.h"
#include "queue.h"
#include "stream.h"

#define MAX_PREFETCHES	16
#define WINDOW		(256U << 10)	/* bytes lent to each, unless asked otherwise */
#define AGE_MS		1000		/* outside of an invocation */
#define OPEN_NS		5000000000LL	/* one that waits for a second window holds a connection */
#define WROTE_ANY	1ULL		/* nexus_op.wrote: a whole bucket, or more */

/* ---- names ---- */

/* FNV-1a over both; never 0 nor WROTE_ANY. A collision only forgets too much. */
static uint64_t prefetch_hash(const char *bucket, const char *key)
{
	uint64_t h = 14695981039346656037ULL;

	for (const char *p = bucket; *p; p++)
		h = (h ^ (uint8_t)*p) * 1099511628211ULL;
	h = (h ^ '/') * 1099511628211ULL;
	for (const char *p = key; *p; p++)
		h = (h ^ (uint8_t)*p) * 1099511628211ULL;
	return h | 2;
}

static const char *prefetch_copy(struct nexus_op *op, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = bump_alloc(&op->memory, n);

	return copy ? memcpy(copy, text, n) : NULL;
}

int prefetch_add(struct nexus_op *op, const struct prefetch *what)
{
	struct prefetch *p = bump_alloc(&op->memory, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*p = (struct prefetch){
		.next = op->nx->prefetches,
		.op = op,
		.bucket = prefetch_copy(op, what->bucket),
		.key = prefetch_copy(op, what->key),
		.range = prefetch_copy(op, what->range),
		.if_match = prefetch_copy(op, what->if_match),
		.version_id = prefetch_copy(op, what->version_id),
		.started = channel_now(),
		.expires = what->expires,
	};
	if (!p->bucket || !p->key || !p->range || !p->if_match || !p->version_id)
		return -ENOMEM;
	op->nx->prefetches = p;
	op->nx->prefetched++;
	return 0;
}

/* ---- forgetting ---- */

/* What became of it, for the daemon's books too. */
static void prefetch_count(struct nexus *nx, bool hit)
{
	if (hit)
		nexus_store(&nx->header->prefetch_hits, ++nx->prefetch_hits);
	else
		nexus_store(&nx->header->prefetch_useless, ++nx->prefetch_useless);
}

static void prefetch_drop(struct nexus *nx, struct prefetch **at)
{
	struct prefetch *p = *at;

	*at = p->next;
	prefetch_count(nx, false);
	op_drop(p->op);		/* p goes with it */
}

static bool prefetch_is_open(const struct prefetch *p)
{
	return p->op->response && !p->op->closed;
}

static bool prefetch_is_stale(const struct prefetch *p, int64_t now)
{
	return now >= p->expires || p->op->ended || (p->op->closed && p->op->host_status) ||
	       (prefetch_is_open(p) && now - p->started > OPEN_NS);
}

/* Drop what is too old, or failed. Completions first: what has arrived is known then. */
static void prefetch_sweep(struct nexus *nx)
{
	int64_t now = channel_now();

	queue_reap(nx);
	for (struct prefetch **at = &nx->prefetches; *at; ) {
		if (prefetch_is_stale(*at, now))
			prefetch_drop(nx, at);
		else
			at = &(*at)->next;
	}
}

static void prefetch_forget(struct nexus *nx, uint64_t wrote)
{
	for (struct prefetch **at = &nx->prefetches; *at; ) {
		if (wrote == WROTE_ANY || wrote == prefetch_hash((*at)->bucket, (*at)->key))
			prefetch_drop(nx, at);
		else
			at = &(*at)->next;
	}
}

static uint64_t prefetch_wrote(const Nexus__V1__ObjectName *object)
{
	return object && object->bucket && object->key ? prefetch_hash(object->bucket, object->key) : WROTE_ANY;
}

void prefetch_write_begin(struct nexus_op *op, const Nexus__V1__Request *req)
{
	switch (req->op_case) {
	case NEXUS__V1__REQUEST__OP_PUT_OBJECT:
		op->wrote = prefetch_wrote(req->put_object->object);
		break;
	case NEXUS__V1__REQUEST__OP_DELETE_OBJECT:
		op->wrote = prefetch_wrote(req->delete_object->object);
		break;
	case NEXUS__V1__REQUEST__OP_COPY_OBJECT:
		op->wrote = prefetch_wrote(req->copy_object->object);
		break;
	case NEXUS__V1__REQUEST__OP_COMPLETE_MULTIPART_UPLOAD:
		op->wrote = prefetch_wrote(req->complete_multipart_upload->object);
		break;
	case NEXUS__V1__REQUEST__OP_DELETE_OBJECTS:
	case NEXUS__V1__REQUEST__OP_HTTP_REQUEST:
	case NEXUS__V1__REQUEST__OP_AWS_REQUEST:
		op->wrote = WROTE_ANY;	/* it may write anywhere */
		break;
	default:
		return;
	}
	prefetch_forget(op->nx, op->wrote);
}

void prefetch_write_end(struct nexus_op *op)
{
	uint64_t wrote = op->wrote;

	op->wrote = 0;
	if (wrote)
		prefetch_forget(op->nx, wrote);
}

void prefetch_invocation(struct nexus *nx, bool inside, int64_t deadline)
{
	nx->in_invocation = inside;
	nx->invocation_deadline = deadline;
	if (inside)
		return;
	for (struct prefetch **at = &nx->prefetches; *at; ) {
		if ((*at)->expires == FOREVER)
			prefetch_drop(nx, at);
		else
			at = &(*at)->next;
	}
}

/* ---- taking ---- */

static bool prefetch_fits(const struct prefetch *p, const Nexus__V1__GetObject *get)
{
	const Nexus__V1__Response *have = result_response(p->op);

	if (strcmp(p->key, get->object->key) || strcmp(p->bucket, get->object->bucket) || strcmp(p->range, get->range))
		return false;
	if (*get->if_none_match || *get->if_modified_since || *get->if_unmodified_since || get->n_headers)
		return false;
	if (*get->if_match && strcmp(p->if_match, get->if_match) && (!have || strcmp(have->etag, get->if_match)))
		return false;
	if (*get->version_id)
		return !strcmp(p->version_id, get->version_id) || (have && !strcmp(have->version_id, get->version_id));
	return !*p->version_id;		/* a named version need not be the present one */
}

/* The caller's own request, packed, in case the prefetch fails. */
static bool prefetch_prepare(struct nexus_op *op, const Nexus__V1__Request *req)
{
	size_t len = nexus__v1__request__get_packed_size(req);

	if (len > op->msg_cap)
		return false;
	op->again = bump_alloc(&op->memory, len + 1);
	if (!op->again)
		return false;
	op->again_len = nexus__v1__request__pack(req, op->again);
	return true;
}

struct nexus_op *prefetch_take(struct nexus *nx, const Nexus__V1__Request *req, const struct op_payload *payload,
			       const struct nexus_options *o)
{
	struct prefetch **at;
	struct nexus_op *op;

	if (!nx->prefetches)
		return NULL;
	prefetch_sweep(nx);
	for (at = &nx->prefetches; *at && !prefetch_fits(*at, req->get_object); at = &(*at)->next)
		;
	if (!*at || nx->dead || !prefetch_prepare((*at)->op, req))
		return NULL;
	op = (*at)->op;
	*at = (*at)->next;
	prefetch_count(nx, true);
	op->pumped = !payload->stream;
	op->buf = (char *)payload->buf;
	op->total = payload->len;
	op->timeout_ms = o->timeout_ms;
	op_progress(op);
	return op;
}

bool prefetch_again(struct nexus_op *op, struct window *w, const struct completion *c)
{
	if (!op->again || !c->status || c->slot != op->slot || op->nx->dead || op->cancelled || op->ended)
		return false;
	memcpy(channel_at(op->nx, op->msg_off), op->again, op->again_len);
	op->msg_len = op->again_len;
	op->again = NULL;
	op_submit(op, w, w->off, w->cap, false);
	queue_kick(op->nx);
	return true;
}

/* ---- the call ---- */

static uint64_t prefetch_bytes(const struct nexus *nx)
{
	uint64_t bytes = 0;

	for (const struct prefetch *p = nx->prefetches; p; p = p->next)
		bytes += p->op->windows[0].cap;
	return bytes;
}

/* 0: there is room for one more. */
static int prefetch_room(const struct nexus *nx, uint32_t window)
{
	unsigned int nr = 0;

	for (const struct prefetch *p = nx->prefetches; p; p = p->next)
		nr++;
	if (nr >= MAX_PREFETCHES || prefetch_bytes(nx) + window > nx->arena.max / 4)
		return -ENOSPC;
	return nx->nr_free < nx->nr_slots / 2 ? -EAGAIN : 0;
}

/* It is on its way, or here, already. */
static bool prefetch_is_known(const struct nexus *nx, const struct prefetch *what)
{
	const struct prefetch *p = nx->prefetches;

	while (p && (strcmp(p->key, what->key) || strcmp(p->bucket, what->bucket) || strcmp(p->range, what->range) ||
		     strcmp(p->if_match, what->if_match) || strcmp(p->version_id, what->version_id)))
		p = p->next;
	return p;
}

static int prefetch_options(struct nexus_prefetch_options *o, const struct nexus_prefetch_options *from)
{
	*o = (struct nexus_prefetch_options)NEXUS_PREFETCH_OPTIONS_INIT;
	if (!from)
		return 0;
	if (from->size < sizeof(from->size) || from->size > sizeof(*o))
		return -EINVAL;
	memcpy(o, from, from->size);
	return 0;
}

static const char *prefetch_text(const char *text)
{
	return text ? text : "";
}

static int prefetch_start(struct nexus_op *op, Nexus__V1__GetObject *get, const struct nexus_prefetch_options *o)
{
	struct nexus_options options = { .size = sizeof(options), .window = o->window };
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;

	get->prefetch = true;
	get->range = (char *)prefetch_text(o->range);
	get->if_match = (char *)prefetch_text(o->if_match);
	get->version_id = (char *)prefetch_text(o->version_id);
	req.op_case = NEXUS__V1__REQUEST__OP_GET_OBJECT;
	req.get_object = get;
	op_start(op, &req, &(struct op_payload){ .stream = true }, &options, false);
	return op->ended ? op->status : 0;
}

int nexus_prefetch(struct nexus *nx, const char *bucket, const char *key, const struct nexus_prefetch_options *options)
{
	Nexus__V1__GetObject get = NEXUS__V1__GET_OBJECT__INIT;
	Nexus__V1__ObjectName object;
	struct nexus_prefetch_options o;
	struct prefetch what;
	struct nexus_op *op;
	bool known = false;
	int ret = prefetch_options(&o, options);

	if (ret)
		return ret;
	o.window = o.window ? o.window : WINDOW;
	op = op_new(nx);
	if (!op)
		return -ENOMEM;
	ret = op_object(op, &object, bucket, key);
	what = (struct prefetch){
		.bucket = bucket, .key = key, .range = prefetch_text(o.range),
		.if_match = prefetch_text(o.if_match), .version_id = prefetch_text(o.version_id),
	};
	get.object = &object;
	if (!ret) {
		CHANNEL_LOCK(nx);
		prefetch_sweep(nx);
		what.expires = o.max_age_ms ? channel_deadline(o.max_age_ms) :
			       nx->in_invocation ? FOREVER : channel_deadline(AGE_MS);
		known = prefetch_is_known(nx, &what);
		ret = known ? 0 : prefetch_room(nx, o.window);
	}
	if (!ret && !known)
		ret = prefetch_start(op, &get, &o);
	if (!ret && !known) {
		CHANNEL_LOCK(nx);
		ret = prefetch_add(op, &what);
	}
	if (ret || known)
		nexus_op_free(op);
	return ret;
}
