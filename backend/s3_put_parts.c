// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each part is an exchange of its own (a "lane"), which sends its span of the
 * payload as the windows bring it. At most one lane waits for windows; others
 * await the store's answer meanwhile, or send parts that lie whole in the
 * windows already. Those can be sent again, if the store fails them, as their
 * windows go back only after the answer; a part that the guest sends in
 * smaller windows cannot.
 *
 * Nothing is visible in the store before the upload is completed, which needs
 * the guest's FIN and all the announced bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "config.h"
#include "container.h"
#include "payload.h"
#include "s3_cleanup.h"
#include "s3_put_parts.h"
#include "worker.h"
#include "xml.h"

#define LANES_MAX	16
#define PART_STEP	(1U << 20)	/* bytes that larger parts are rounded up to */

struct put_lane {
	struct s3_call call;
	struct put_parts *parts;
	char number[16];
	unsigned int index;	/* of the part, from 0 */
	bool busy;
	bool held;		/* its windows stay until the answer */
};

struct put_parts {
	struct op *op;
	const struct s3_call *put;	/* as the guest asked: its headers go to where they belong */
	struct s3_call step;		/* creates, and completes */
	bool stepping;
	bool completing;
	char *upload_id;		/* NULL: not begun */
	struct put_lane *lanes[LANES_MAX];
	unsigned int lane_count;
	unsigned int depth;		/* of calls, of which the outermost ends the operation */
	int failed;			/* the first failure's status */
	bool done;
	uint64_t total, part, next;	/* bytes; what no lane has begins at next */
	const char **etags;		/* of the parts */
};

/* ---- headers ---- */

static bool is_checksum(const char *name)
{
	return !strcmp(name, "content-md5") || strstr(name, "-checksum-");
}

static void headers_copy(struct s3_call *to, const struct s3_call *put, enum s3_operation operation)
{
	to->headers = op_alloc(put->http.op, (put->header_count + 1) * sizeof(*to->headers));
	to->header_count = 0;
	for (unsigned int i = 0; i < put->header_count; i++) {
		if (s3_header_suits(put->headers[i].name, operation))
			to->headers[to->header_count++] = put->headers[i];
	}
}

bool put_parts_wanted(const struct s3_call *call)
{
	const Nexus__V1__PutObject *put = call->http.op->request->put_object;
	const struct endpoint *endpoint = call->http.endpoint;

	if (put->single || !endpoint->multipart_threshold || put->content_length < endpoint->multipart_threshold)
		return false;
	/* A checksum is of the whole, and parts would have others. */
	for (unsigned int i = 0; i < call->header_count; i++) {
		if (is_checksum(call->headers[i].name))
			return false;
	}
	return true;
}

static uint64_t part_size(const struct endpoint *endpoint, uint64_t total)
{
	uint64_t least = (total + S3_PARTS_MAX - 1) / S3_PARTS_MAX;

	if (least <= endpoint->part_size)
		return endpoint->part_size;
	return (least + PART_STEP - 1) / PART_STEP * PART_STEP;
}

/* ---- where it stands ---- */

/* All payload before this byte was sent, and will not be sent again. */
static uint64_t put_frontier(const struct put_parts *parts)
{
	uint64_t frontier = parts->next;

	for (unsigned int i = 0; i < parts->lane_count; i++) {
		const struct put_lane *lane = parts->lanes[i];
		uint64_t pos = lane->held ? lane->call.http.start : lane->call.http.pos;

		if (lane->busy && pos < frontier)
			frontier = pos;
	}
	return frontier;
}

/* Lanes at work; sending: only those that have not sent all of their part. */
static unsigned int put_busy(const struct put_parts *parts, bool sending)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < parts->lane_count; i++) {
		const struct http *http = &parts->lanes[i]->call.http;

		count += parts->lanes[i]->busy && (!sending || (http->pos < http->end && !parts->lanes[i]->held));
	}
	return count;
}

static void put_fail(struct put_parts *parts, int status)
{
	if (!parts->failed)
		parts->failed = status;
}

static void put_stop(struct put_parts *parts)
{
	for (unsigned int i = 0; i < parts->lane_count; i++) {
		if (parts->lanes[i]->busy)
			http_abort(&parts->lanes[i]->call.http);
	}
	if (parts->stepping)
		http_abort(&parts->step.http);
	if (parts->upload_id && !parts->done)
		s3_cleanup(parts->op, parts->put->object->bucket, parts->put->object->key, parts->upload_id);
}

static void put_leave(struct put_parts *parts)
{
	struct op *op = parts->op;

	if (--parts->depth || (!parts->failed && !parts->done))
		return;
	payload_settle(op, parts->done ? parts->total : put_frontier(parts));
	put_stop(parts);
	/* What the answer says of its own document. */
	op->response.upload_id = op->response.content_type = (char *)protobuf_c_empty_string;
	op_finish(op, parts->failed);
}

/* ---- completing ---- */

static int put_complete(struct put_parts *parts)
{
	unsigned int count = (parts->total + parts->part - 1) / parts->part;
	struct s3_call *step = &parts->step;
	struct text out = { 0 };
	char number[64];
	int ret;

	for (unsigned int i = 0; i < count; i++)
		out.cap += sizeof(number) + 32 + 6 * strlen(parts->etags[i]);
	out.cap += 256;
	out.data = op_alloc(parts->op, out.cap);
	text_puts(&out, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (unsigned int i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "<Part><PartNumber>%u</PartNumber><ETag>", i + 1);
		text_puts(&out, number);
		xml_escape(&out, parts->etags[i]);
		text_puts(&out, "</ETag></Part>");
	}
	text_puts(&out, "</CompleteMultipartUpload>");
	sigv4_hash(out.data, out.len, step->payload_hash);
	headers_copy(step, parts->put, S3_COMPLETE_MULTIPART);
	step->param_count = 0;
	step->result = "CompleteMultipartUploadResult";
	step->http.own_body = out.data;
	step->http.own_body_len = out.len;
	/* To put the parts together takes some stores a while. */
	step->http.patient = true;
	parts->completing = parts->stepping = true;
	ret = s3_call_upload(step, parts->upload_id, 0);
	return ret ? ret : http_start(&step->http);
}

/* ---- parts ---- */

static struct put_lane *put_idle_lane(struct put_parts *parts)
{
	struct put_lane *lane;

	for (unsigned int i = 0; i < parts->lane_count; i++) {
		if (!parts->lanes[i]->busy)
			return parts->lanes[i];
	}
	if (parts->lane_count == LANES_MAX || parts->lane_count >= parts->put->http.endpoint->parallel)
		return NULL;
	lane = op_alloc(parts->op, sizeof(*lane));
	memset(lane, 0, sizeof(*lane));
	s3_call_copy(&lane->call, parts->put);
	headers_copy(&lane->call, parts->put, S3_UPLOAD_PART);
	lane->parts = parts;
	return parts->lanes[parts->lane_count++] = lane;
}

static const struct http_type lane_http_type;

static int put_lane_start(struct put_parts *parts, struct put_lane *lane, uint64_t end)
{
	struct http *http = &lane->call.http;

	lane->index = parts->next / parts->part;
	lane->held = payload_end(parts->op) >= end;
	lane->call.param_count = 0;
	snprintf(lane->number, sizeof(lane->number), "%u", lane->index + 1);
	s3_call_param(&lane->call, "partNumber", lane->number);
	s3_call_param(&lane->call, "uploadId", parts->upload_id);
	strcpy(lane->call.payload_hash, SIGV4_UNSIGNED_PAYLOAD);
	http->type = &lane_http_type;
	http->upload = http->span = true;
	http->upload_length = end - parts->next;
	http->start = parts->next;
	http->end = parts->next = end;
	lane->busy = true;
	return http_start(http);
}

/* May the next part begin now? */
static bool put_may_send(const struct put_parts *parts, uint64_t end)
{
	uint64_t there = payload_end(parts->op);

	return there >= end || (there > parts->next && !put_busy(parts, true));
}

static void put_go_on(struct put_parts *parts)
{
	struct put_lane *lane;
	uint64_t end;
	int ret = 0;

	if (!parts->upload_id || parts->stepping)
		return;
	while (!ret && !parts->failed && parts->next < parts->total) {
		end = parts->total - parts->next < parts->part ? parts->total : parts->next + parts->part;
		lane = put_may_send(parts, end) ? put_idle_lane(parts) : NULL;
		if (!lane)
			break;
		ret = put_lane_start(parts, lane, end);
	}
	payload_release(parts->op, put_frontier(parts));
	if (!ret && !parts->failed && parts->next == parts->total && !put_busy(parts, false) &&
	    payload_has_fin(parts->op))
		ret = put_complete(parts);
	if (ret)
		put_fail(parts, ret);
}

static void lane_response(struct http *http, const struct http_head *head)
{
	struct put_lane *lane = container_of(http, struct put_lane, call.http);
	const struct http_field *etag = http_head_field(head, "etag");

	if (head->status >= 300)
		return;
	if (etag && etag->value_len)
		lane->parts->etags[lane->index] = op_strndup(http->op, etag->value, etag->value_len);
	else
		http->verdict = op_error(http->op, -EPROTO, "NexusConnectionLost",
					 "%s answered part %u of an upload without an entity tag",
					 conn_pool_url(http->pool), lane->index + 1);
}

static int lane_complete(struct http *http, const char *body, size_t len)
{
	if (!s3_status(http->status))
		return 0;
	http->op->response.http_status = http->status;
	return s3_error(container_of(http, struct s3_call, http), body, len);
}

static void lane_moved(struct http *http)
{
	struct put_lane *lane = container_of(http, struct put_lane, call.http);

	payload_release(http->op, put_frontier(lane->parts));
}

static void lane_ended(struct http *http, int status)
{
	struct put_lane *lane = container_of(http, struct put_lane, call.http);
	struct put_parts *parts = lane->parts;

	parts->depth++;
	if (status) {
		put_fail(parts, status);
	} else {
		lane->busy = false;
		put_go_on(parts);
	}
	put_leave(parts);
}

static const struct http_type lane_http_type = {
	.request = s3_request,
	.response = lane_response,
	.complete = lane_complete,
	.moved = lane_moved,
	.ended = lane_ended,
};

/* ---- creating, and the answer to completing ---- */

static int step_complete(struct http *http, const char *body, size_t len)
{
	struct s3_call *call = container_of(http, struct s3_call, http);

	return s3_status(http->status) ? s3_error(call, body, len) : s3_result(call, body, len);
}

static void step_ended(struct http *http, int status)
{
	struct put_parts *parts = container_of(http, struct put_parts, step.http);

	parts->depth++;
	parts->stepping = false;
	if (status) {
		put_fail(parts, status);
	} else if (parts->completing) {
		parts->done = true;
	} else {
		parts->upload_id = http->op->response.upload_id;
		if (!*parts->upload_id) {
			parts->upload_id = NULL;
			put_fail(parts, op_error(http->op, -EPROTO, "NexusConnectionLost",
						 "%s began an upload without a name", parts->put->http.endpoint->url));
		}
		put_go_on(parts);
	}
	put_leave(parts);
}

static const struct http_type step_http_type = {
	.request = s3_request,
	.response = s3_response,
	.complete = step_complete,
	.ended = step_ended,
};

/* ---- the operation ---- */

int put_parts_start(struct s3_call *call, struct put_parts **out)
{
	struct op *op = call->http.op;
	struct put_parts *parts = op_alloc(op, sizeof(*parts));
	struct s3_call *step = &parts->step;
	size_t count;
	int ret;

	memset(parts, 0, sizeof(*parts));
	parts->op = op;
	parts->put = call;
	parts->total = op->request->put_object->content_length;
	parts->part = part_size(call->http.endpoint, parts->total);
	ret = payload_check(op, parts->total);
	if (ret)
		return ret;
	count = (parts->total + parts->part - 1) / parts->part;
	if (count > S3_PARTS_MAX)
		return op_error(op, -EFBIG, "NexusBadRequest", "%" PRIu64 " bytes are more than an object can have",
				parts->total);
	parts->etags = op_alloc(op, count * sizeof(*parts->etags));
	s3_call_copy(step, call);
	headers_copy(step, call, S3_CREATE_MULTIPART);
	step->method = "POST";
	step->result = "InitiateMultipartUploadResult";
	step->http.type = &step_http_type;
	step->http.document = true;
	s3_call_flag(step, "uploads");
	*out = parts;
	parts->stepping = true;
	return http_start(&step->http);
}

void put_parts_window(struct put_parts *parts)
{
	int ret;

	parts->depth++;
	ret = payload_check(parts->op, parts->total);
	if (ret)
		put_fail(parts, ret);
	for (unsigned int i = 0; i < parts->lane_count && !parts->failed; i++) {
		if (parts->lanes[i]->busy)
			http_window(&parts->lanes[i]->call.http);
	}
	if (!parts->failed)
		put_go_on(parts);
	put_leave(parts);
}

void put_parts_abort(struct put_parts *parts)
{
	put_stop(parts);
}
