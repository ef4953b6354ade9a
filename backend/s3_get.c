// SPDX-License-Identifier: GPL-2.0-only
/*
 * One GET, or several of ranges ("lanes"), each on its own connection, which
 * fill the windows side by side. The first answer tells the object's length
 * and entity tag; all that is asked for after that, other parts or the rest
 * of one that was cut, is asked for with If-Match, so that versions never mix.
 *
 * Parts are only for windows that hold several of them at a time, which is for
 * large buffers: through small windows one connection after the other would
 * wait for its first byte while none moves any, so there a single GET streams
 * all. A store that tells no entity tag gets single GETs, too.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "config.h"
#include "container.h"
#include "payload.h"
#include "s3.h"

struct get_lane {
	struct s3_call call;
	char range[64];
	bool busy;
};

struct s3_get {
	struct get_lane first;		/* at the beginning: the operation's call */
	struct get_lane *lanes[16];	/* the first among them */
	unsigned int lane_count;
	unsigned int depth;		/* of calls, of which the outermost ends the operation */
	int failed;			/* a lane's status */
	bool in_parts;
	bool known;			/* the first answer told what follows */
	uint32_t http_status;		/* its status, as the guest sees it */
	uint64_t object_first;		/* the object's byte that the payload begins with */
	uint64_t total;			/* bytes of payload; UINT64_MAX: until the end */
	uint64_t next;			/* what no lane was asked for begins here */
	uint64_t part;			/* bytes */
	const char *etag;		/* NULL: none, or a weak one */
};

static struct s3_get *get_of(struct http *http)
{
	return http->op->state;
}

/* ---- lanes ---- */

/* All payload before this byte is there. */
static uint64_t get_frontier(const struct s3_get *get)
{
	uint64_t frontier = get->next;

	for (unsigned int i = 0; i < get->lane_count; i++) {
		if (get->lanes[i]->busy && get->lanes[i]->call.http.pos < frontier)
			frontier = get->lanes[i]->call.http.pos;
	}
	return frontier;
}

static bool get_is_busy(const struct s3_get *get)
{
	for (unsigned int i = 0; i < get->lane_count; i++) {
		if (get->lanes[i]->busy)
			return true;
	}
	return false;
}

static struct get_lane *get_idle_lane(struct s3_get *get)
{
	struct op *op = get->first.call.http.op;
	struct get_lane *lane;

	for (unsigned int i = 0; i < get->lane_count; i++) {
		if (!get->lanes[i]->busy)
			return get->lanes[i];
	}
	if (get->lane_count >= get->first.call.http.endpoint->parallel || get->lane_count == 16)
		return NULL;
	lane = op_alloc(op, sizeof(*lane));
	memset(lane, 0, sizeof(*lane));
	s3_call_copy(&lane->call, &get->first.call);
	return get->lanes[get->lane_count++] = lane;
}

static void get_lane_start(struct s3_get *get, struct get_lane *lane, uint64_t end)
{
	struct http *http = &lane->call.http;
	int ret;

	http->start = get->next;
	http->end = get->next = end;
	http->resumable = true;
	lane->busy = true;
	ret = http_start(http);
	if (ret) {
		lane->busy = false;
		get->failed = get->failed ? get->failed : ret;
	}
}

/* Ask for the next parts, as far as the windows hold them whole; if none is on its way, for the next one anyway. */
static void get_go_on(struct s3_get *get)
{
	struct op *op = get->first.call.http.op;
	struct get_lane *lane;
	uint64_t end;

	while (get->known && get->next < get->total && !get->failed) {
		end = get->total - get->next < get->part ? get->total : get->next + get->part;
		if (get_is_busy(get) && payload_end(op) < end)
			break;
		lane = get_idle_lane(get);
		if (!lane)
			break;
		get_lane_start(get, lane, end);
	}
}

static void get_leave(struct s3_get *get)
{
	struct op *op = get->first.call.http.op;
	uint64_t frontier = get_frontier(get);

	if (--get->depth || (!get->failed && get_is_busy(get)))
		return;
	for (unsigned int i = 0; i < get->lane_count; i++) {
		if (get->lanes[i]->busy)
			http_abort(&get->lanes[i]->call.http);
	}
	payload_settle(op, frontier);
	if (!get->failed)
		op->response.http_status = get->http_status;
	op_finish(op, get->failed);
}

static void get_moved(struct http *http)
{
	payload_release(http->op, get_frontier(get_of(http)));
}

static void get_ended(struct http *http, int status)
{
	struct get_lane *lane = container_of(http, struct get_lane, call.http);
	struct s3_get *get = get_of(http);

	get->depth++;
	if (status) {
		get->failed = get->failed ? get->failed : status;
	} else {
		lane->busy = false;
		if (!get->known || get->total == UINT64_MAX)
			get->next = get->total = http->pos;
		if (get_frontier(get) < get->total)
			payload_release(http->op, get_frontier(get));
		get_go_on(get);
	}
	get_leave(get);
}

/* ---- the request ---- */

static int get_conditions(struct s3_get *get)
{
	const Nexus__V1__GetObject *message = get->first.call.http.op->request->get_object;
	struct s3_call *call = &get->first.call;
	int ret = 0;

	if (get->in_parts) {
		snprintf(get->first.range, sizeof(get->first.range), "bytes=0-%" PRIu64, get->part - 1);
		ret = s3_call_header(call, "range", get->first.range);
	} else {
		ret = s3_call_range(call, "range", message->range);
	}
	if (ret)
		return ret;
	return s3_call_conditions(call, &(struct s3_conditions){ message->if_match, message->if_none_match,
				  message->if_modified_since, message->if_unmodified_since });
}

static int get_request(struct http *http, struct text *out)
{
	struct get_lane *lane = container_of(http, struct get_lane, call.http);
	struct s3_get *get = get_of(http);
	unsigned int count = lane->call.header_count;
	int ret;

	if (get->known) {
		snprintf(lane->range, sizeof(lane->range), "bytes=%" PRIu64 "-%" PRIu64, get->object_first + http->pos,
			 get->object_first + http->end - 1);
		ret = s3_call_header(&lane->call, "range", lane->range);
		if (!ret)
			ret = s3_call_header(&lane->call, "if-match", get->etag);
	} else {
		ret = get_conditions(get);
	}
	if (!ret)
		ret = s3_request(http, out);
	lane->call.header_count = count;
	return ret;
}

/* ---- the answer ---- */

/* "bytes FIRST-LAST/LENGTH" */
static bool content_range(const struct http_head *head, uint64_t *first, uint64_t *length)
{
	const struct http_field *field = http_head_field(head, "content-range");
	uint64_t last;
	char text[96];
	int end = 0;

	if (!field || field->value_len >= sizeof(text))
		return false;
	memcpy(text, field->value, field->value_len);
	text[field->value_len] = '\0';
	return sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64 "%n", first, &last, length, &end) == 3 &&
	       !text[end] && *first <= last && last < *length && last - *first + 1 == head->content_length;
}

static int get_mismatch(struct http *http, const char *what)
{
	return op_error(http->op, -EPROTO, "NexusConnectionLost", "%s answered a request for bytes %" PRIu64 " to %" PRIu64
			" with %s", conn_pool_url(http->pool), get_of(http)->object_first + http->pos,
			get_of(http)->object_first + http->end - 1, what);
}

/* To a request for a part, or for the rest of one. */
static int get_response_part(struct http *http, const struct http_head *head)
{
	const struct http_field *etag = http_head_field(head, "etag");
	struct s3_get *get = get_of(http);
	uint64_t first, length;

	if (head->status >= 300)
		return 0;
	if (head->status != 206 || !content_range(head, &first, &length) || first != get->object_first + http->pos ||
	    head->content_length != http->end - http->pos)
		return get_mismatch(http, "other bytes");
	if (etag && (etag->value_len != strlen(get->etag) || memcmp(etag->value, get->etag, etag->value_len)))
		return get_mismatch(http, "another version's");
	return 0;
}

/* To the guest it is one GET of all. */
static void get_hide_parts(struct op *op, uint64_t length)
{
	Nexus__V1__Response *response = &op->response;
	size_t kept = 0;

	response->content_length = length;
	response->http_status = 200;
	for (size_t i = 0; i < response->n_headers; i++) {
		if (strcmp(response->headers[i]->name, "content-range"))
			response->headers[kept++] = response->headers[i];
	}
	response->n_headers = kept;
}

/* The first answer: the object's length and entity tag, and which bytes follow. */
static int get_response_first(struct http *http, const struct http_head *head)
{
	struct s3_get *get = get_of(http);
	struct op *op = http->op;
	uint64_t length = 0;
	bool ranged;

	/* An object of no bytes has no range. */
	if (get->in_parts && head->status == 416) {
		get->in_parts = false;
		return HTTP_AGAIN;
	}
	s3_response(http, head);
	if (head->status >= 300)
		return 0;
	ranged = head->status == 206 && head->framing == HTTP_LENGTH && content_range(head, &get->object_first, &length);
	get->etag = *op->response.etag && strncmp(op->response.etag, "W/", 2) ? op->response.etag : NULL;
	if (get->in_parts && head->status == 206 &&
	    (!ranged || get->object_first || (!get->etag && length > head->content_length))) {
		get->in_parts = false;
		return HTTP_AGAIN;
	}
	http->end = head->framing == HTTP_LENGTH ? head->content_length : UINT64_MAX;
	http->resumable = get->etag && head->framing == HTTP_LENGTH && (head->status == 200 || ranged);
	get->total = get->next = http->end;
	if (get->in_parts && ranged) {
		get->total = length;
		get_hide_parts(op, length);
	}
	get->http_status = op->response.http_status;
	get->known = http->resumable;
	get->depth++;
	get_go_on(get);
	get->depth--;
	return get->failed;
}

static void get_response(struct http *http, const struct http_head *head)
{
	http->verdict = get_of(http)->known ? get_response_part(http, head) : get_response_first(http, head);
}

static int get_complete(struct http *http, const char *body, size_t len)
{
	if (!s3_status(http->status))
		return 0;
	http->op->response.http_status = http->status;
	return s3_error(container_of(http, struct s3_call, http), body, len);
}

static const struct http_type get_http_type = {
	.request = get_request,
	.response = get_response,
	.complete = get_complete,
	.moved = get_moved,
	.ended = get_ended,
};

/* ---- the operation ---- */

static int s3_get_start(struct op *op)
{
	const Nexus__V1__GetObject *message = op->request->get_object;
	struct s3_get *get = op->state;
	struct s3_call *call = &get->first.call;
	const struct endpoint *endpoint;
	int ret;

	ret = s3_call_init(op, "GET", message->object);
	if (ret)
		return ret;
	s3_call_param(call, "versionId", message->version_id);
	ret = s3_call_fields(call, S3_GET, message->headers, message->n_headers);
	if (ret)
		return ret;
	endpoint = call->http.endpoint;
	get->part = endpoint->part_size;
	get->in_parts = !*message->range && endpoint->parallel > 1 && endpoint->multipart_threshold &&
			payload_end(op) >= endpoint->multipart_threshold;
	get->total = get->next = UINT64_MAX;
	get->lanes[get->lane_count++] = &get->first;
	call->http.type = &get_http_type;
	call->http.download = true;
	call->http.span = true;
	call->http.end = UINT64_MAX;
	call->http.kind = *message->range || get->in_parts ? S3_KIND_GET_RANGE : S3_KIND_GET;
	get->first.busy = true;
	ret = s3_call_start(call);
	if (ret)
		get->first.busy = false;
	return ret;
}

static void s3_get_window(struct op *op)
{
	struct s3_get *get = op->state;

	get->depth++;
	for (unsigned int i = 0; i < get->lane_count; i++) {
		if (get->lanes[i]->busy && !get->failed)
			http_window(&get->lanes[i]->call.http);
	}
	if (!get->failed)
		get_go_on(get);
	get_leave(get);
}

static void s3_get_abort(struct op *op)
{
	struct s3_get *get = op->state;

	for (unsigned int i = 0; i < get->lane_count; i++) {
		if (get->lanes[i]->busy)
			http_abort(&get->lanes[i]->call.http);
	}
}

const struct op_type s3_get_type = {
	.name = "s3_get",
	.op_case = NEXUS__V1__REQUEST__OP_GET_OBJECT,
	.state_size = sizeof(struct s3_get),
	.idempotent = true,
	.start = s3_get_start,
	.window = s3_get_window,
	.abort = s3_get_abort,
};
