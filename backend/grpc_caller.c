// SPDX-License-Identifier: GPL-2.0-only
/* A caller's call, from its headers to its end: the ingress's side of a struct grpc_link. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "container.h"
#include "function.h"
#include "grpc_auth.h"
#include "grpc_ingress.h"
#include "grpc_link.h"
#include "grpc_session.h"

/* A caller's call. */
struct stream {
	struct h2_stream h2;
	struct grpc_session *session;
	struct grpc_link *link;
	struct invocation *inv;		/* NULL: not submitted */
	struct loop_timer deadline;
	size_t room;			/* for metadata */
	struct grpc_metadata metadata;
	char *path, *authority, *accept_encoding;
	const char *encoding;		/* "": none; NULL: one that is not known here */
	bool post, grpc, wrong_timeout, too_much;
	uint64_t timeout_ms;
	bool responded;			/* headers are sent */
	bool finished;			/* so is the end */
};

/* ---- answers ---- */

static void stream_respond(struct stream *stream, const struct grpc_metadata *metadata, const char *encoding)
{
	struct grpc_block *block = grpc_block_new();

	stream->responded = true;
	if (block) {
		grpc_block_add(block, ":status", "200");
		grpc_block_add(block, "content-type", "application/grpc");
		grpc_block_add(block, "grpc-encoding", *encoding ? encoding : "identity");
		grpc_block_add(block, "grpc-accept-encoding", GRPC_ENCODINGS);
		if (metadata)
			grpc_block_metadata(block, metadata);
		if (!block->overflow && !h2_respond(&stream->h2, block->nv, block->nr, false)) {
			free(block);
			return;
		}
	}
	free(block);
	stream->finished = true;
	h2_reset(&stream->h2, NGHTTP2_INTERNAL_ERROR);
}

/* The end: trailers, or headers that are the trailers too. */
static void stream_finish(struct stream *stream, unsigned int status, const char *details,
			  const struct grpc_metadata *trailing)
{
	struct grpc_block *block;

	if (stream->finished)
		return;
	stream->finished = true;
	grpc_ingress_count(GRPC_INGRESS_FAILED, status != GRPC_OK);
	loop_timer_stop(grpc_ingress.loop, &stream->deadline);
	block = grpc_block_new();
	if (!block) {
		h2_reset(&stream->h2, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	if (!stream->responded) {
		grpc_block_add(block, ":status", "200");
		grpc_block_add(block, "content-type", "application/grpc");
		if (!stream->encoding)
			grpc_block_add(block, "grpc-accept-encoding", GRPC_ENCODINGS);
	}
	grpc_block_status(block, status, details);
	if (trailing)
		grpc_block_metadata(block, trailing);
	if (stream->responded) {
		h2_end(&stream->h2, block->nv, block->nr);	/* nv is at its start */
		return;
	}
	stream->responded = true;
	h2_respond(&stream->h2, block->nv, block->nr, true);
	free(block);
}

/* No call of gRPC at all. */
static void stream_refuse_http(struct stream *stream, const char *http_status)
{
	nghttp2_nv nv = { (uint8_t *)":status", (uint8_t *)http_status, 7, strlen(http_status), NGHTTP2_NV_FLAG_NONE };

	stream->finished = stream->responded = true;
	h2_respond(&stream->h2, &nv, 1, true);
}

/* The guest is told that nobody waits any more. */
static void link_gone(struct grpc_link *link, enum grpc_status status)
{
	pthread_mutex_lock(&link->lock);
	if (!link->gone) {
		link->gone = true;
		link->gone_status = status;
		grpc_link_post_worker(link);
	}
	pthread_mutex_unlock(&link->lock);
}

static bool answer_says(const struct answer *answer, const char *type)
{
	return answer->data && memmem(answer->data, answer->len, type, strlen(type));
}

static bool stream_has_ended(struct stream *stream)
{
	bool ended;

	pthread_mutex_lock(&stream->inv->lock);
	ended = stream->inv->answer.end != INVOCATION_OPEN;
	pthread_mutex_unlock(&stream->inv->lock);
	return ended;
}

/* The invocation ended, and the guest did not say how the call did. */
static void stream_ended(struct stream *stream)
{
	struct invocation *inv = stream->inv;
	enum grpc_status status = GRPC_OK;
	const char *details = "";

	pthread_mutex_lock(&inv->lock);
	switch (inv->answer.end) {
	case INVOCATION_OPEN:
		break;
	case INVOCATION_NO_INSTANCE:
		status = GRPC_RESOURCE_EXHAUSTED;
		details = "no instance of the function took the call in time";
		break;
	case INVOCATION_STOPPED:
		status = GRPC_UNAVAILABLE;
		details = "the host's daemon stops";
		break;
	case INVOCATION_FUNCTION_ERROR:
		status = answer_says(&inv->answer, "Sandbox.Timedout") ? GRPC_DEADLINE_EXCEEDED :
			 answer_says(&inv->answer, "Runtime.ExitError") ? GRPC_UNAVAILABLE : GRPC_UNKNOWN;
		details = status == GRPC_DEADLINE_EXCEEDED ? "the function's time is over" :
			  status == GRPC_UNAVAILABLE ? "the function's instance has died" : "the function failed";
		break;
	default:
		status = GRPC_UNKNOWN;
		details = "the function ended without a status";
	}
	pthread_mutex_unlock(&inv->lock);
	if (status != GRPC_OK) {
		link_gone(stream->link, status == GRPC_DEADLINE_EXCEEDED ? status : GRPC_CANCELLED);
		stream_finish(stream, status, details, NULL);
	}
}

/* Pass on what the guest has for the caller. */
static void stream_look(struct stream *stream)
{
	struct grpc_link *link = stream->link;
	uint32_t n, consumed;
	bool finished, ended;

	if (stream->finished)
		return;
	/*
	 * Before the link: the guest's status is set there before the invocation ends. The caller learns it after: his
	 * next call finds the function's concurrency free.
	 */
	ended = stream_has_ended(stream);
	pthread_mutex_lock(&link->lock);
	consumed = link->consumed;
	link->consumed = 0;
	if (!stream->responded && (link->has_headers || link->tx.len))
		stream_respond(stream, &link->headers, link->tx_encoding);
	n = link->tx.len ? h2_write(&stream->h2, link->tx.data, link->tx.len) : 0;
	if (n) {
		grpc_bytes_drop(&link->tx, n);
		if (link->wants_room)
			grpc_link_post_worker(link);
	}
	finished = link->finished;
	if (finished && !link->tx.len && (ended || link->refused))
		stream_finish(stream, link->status, link->details ? link->details : "", &link->trailing);
	pthread_mutex_unlock(&link->lock);
	h2_consume(&stream->h2, consumed);
	if (ended && !finished)
		stream_ended(stream);
}

void grpc_ingress_look(void *arg)
{
	struct grpc_link *link = arg;

	pthread_mutex_lock(&link->lock);
	link->ingress_posted = false;
	pthread_mutex_unlock(&link->lock);
	if (link->stream)
		stream_look(link->stream);
	grpc_link_put(link);
}

/* inv->lock held; any thread. */
static void invocation_news(struct invocation *inv)
{
	struct grpc_link *link = inv->grpc;

	pthread_mutex_lock(&link->lock);
	grpc_link_post_ingress(link);
	pthread_mutex_unlock(&link->lock);
}

/* ---- calls ---- */

/* The function that serves the method's service; of that tenant, unless NULL: others' names are not told. */
static struct function *function_of(const char *path, const struct tenant *tenant)
{
	const char *slash = *path == '/' ? strchr(path + 1, '/') : NULL;

	for (const struct function_config *fc = grpc_ingress.config->functions; slash && fc; fc = fc->next) {
		for (char **service = fc->grpc_services; service && *service && (!tenant || fc->tenant == tenant); service++) {
			if (strlen(*service) == (size_t)(slash - path - 1) &&
			    !memcmp(*service, path + 1, slash - path - 1))
				return function_find(fc->name);
		}
	}
	return NULL;
}

static void deadline_expired(struct loop_timer *timer)
{
	struct stream *stream = container_of(timer, struct stream, deadline);

	if (stream->link)
		link_gone(stream->link, GRPC_DEADLINE_EXCEEDED);
	stream_finish(stream, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded", NULL);
}

/* False: no memory. */
static bool stream_link(struct stream *stream, struct function *function)
{
	struct grpc_link *link = stream->link = grpc_link_new(grpc_ingress.loop);

	stream->inv = link ? invocation_new(function) : NULL;
	if (!stream->inv)
		return false;
	link->stream = stream;
	link->method = stream->path;
	link->authority = stream->authority ? stream->authority : strdup("");
	link->encoding = stream->encoding;
	link->accept_encoding = stream->accept_encoding;
	stream->path = stream->authority = stream->accept_encoding = NULL;
	link->peer = strdup(stream->session->peer);
	link->metadata = stream->metadata;
	stream->metadata = (struct grpc_metadata){ 0 };
	link->timeout_ms = stream->timeout_ms;
	link->deadline_ms = loop_now_ms(grpc_ingress.loop) + stream->timeout_ms;
	stream->inv->grpc = grpc_link_get(link);
	stream->inv->content_type = strdup("application/grpc");
	stream->inv->news = invocation_news;
	return link->authority && link->peer;
}

static void stream_submit(struct stream *stream, struct function *function)
{
	int ret;

	if (!stream_link(stream, function)) {
		stream_finish(stream, GRPC_RESOURCE_EXHAUSTED, "the host has not enough memory", NULL);
		return;
	}
	if (stream->timeout_ms)
		loop_timer_start(grpc_ingress.loop, &stream->deadline, stream->timeout_ms);
	ret = function_submit(invocation_get(stream->inv), false);
	if (!ret)
		return;
	invocation_put(stream->inv);
	if (ret == -EBUSY || ret == -EDQUOT)
		stream_finish(stream, GRPC_RESOURCE_EXHAUSTED, ret == -EBUSY ? "as many calls as the function's concurrency allows" :
			      "as many calls of all functions as max_invocations allows", NULL);
	else
		stream_finish(stream, GRPC_UNAVAILABLE, "the host's daemon stops", NULL);
}

static void on_headers(struct h2_stream *h2, bool end)
{
	struct stream *stream = container_of(h2, struct stream, h2);
	const struct tenant *tenant;
	struct function *function;

	(void)end;
	if (stream->responded || stream->link)
		return;		/* trailers: gRPC's callers have none */
	if (!stream->post) {
		stream_refuse_http(stream, "405");
		return;
	}
	if (!stream->grpc) {
		stream_refuse_http(stream, "415");
		return;
	}
	grpc_ingress_count(GRPC_INGRESS_CALLS, 1);
	if (stream->too_much) {
		stream_finish(stream, GRPC_RESOURCE_EXHAUSTED, "more metadata than the limit", NULL);
		return;
	}
	if (!grpc_auth(stream->session, &stream->metadata, &tenant)) {
		grpc_ingress_count(GRPC_INGRESS_UNAUTHENTICATED, 1);
		stream_finish(stream, GRPC_UNAUTHENTICATED, "no [caller NAME] has this certificate or this token", NULL);
		return;
	}
	function = stream->path ? function_of(stream->path, tenant) : NULL;
	if (stream->wrong_timeout)
		stream_finish(stream, GRPC_INTERNAL, "the value of grpc-timeout is none", NULL);
	else if (!stream->encoding)
		stream_finish(stream, GRPC_UNIMPLEMENTED, "messages are not taken so compressed: use gzip, deflate or identity",
			      NULL);
	else if (!function)
		stream_finish(stream, GRPC_UNIMPLEMENTED, "no function serves this method's service", NULL);
	else
		stream_submit(stream, function);
}

static struct h2_stream *on_open(struct h2 *h2)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->session = h2_of(h2);
	stream->room = GRPC_METADATA_MAX;
	stream->encoding = "";
	stream->deadline.expired = deadline_expired;
	return &stream->h2;
}

static bool name_is(const char *name, size_t len, const char *want)
{
	return strlen(want) == len && !memcmp(name, want, len);
}

static void on_header(struct h2_stream *h2, const char *name, size_t name_len, const char *value, size_t value_len)
{
	struct stream *stream = container_of(h2, struct stream, h2);

	if (stream->responded || stream->link)
		return;
	if (name_is(name, name_len, ":method"))
		stream->post = name_is(value, value_len, "POST");
	else if (name_is(name, name_len, ":path") && !stream->path && value_len < GRPC_METADATA_MAX)
		stream->path = strndup(value, value_len);
	else if (name_is(name, name_len, ":authority") && !stream->authority && value_len < GRPC_METADATA_MAX)
		stream->authority = strndup(value, value_len);
	else if (name_is(name, name_len, "content-type"))
		stream->grpc = value_len >= 16 && !memcmp(value, "application/grpc", 16) &&
			       (value_len == 16 || value[16] == '+' || value[16] == ';');
	else if (name_is(name, name_len, "grpc-timeout"))
		stream->wrong_timeout = !grpc_timeout_parse(value, value_len, &stream->timeout_ms);
	else if (name_is(name, name_len, "grpc-encoding"))
		stream->encoding = grpc_encoding(value, value_len);
	else if (name_is(name, name_len, "grpc-accept-encoding") && !stream->accept_encoding && value_len < GRPC_METADATA_MAX)
		stream->accept_encoding = strndup(value, value_len);
	else if (name_is(name, name_len, "user-agent"))		/* servers show it among the metadata */
		stream->too_much |= !grpc_metadata_append(&stream->metadata, &stream->room, name, name_len, value, value_len);
	else if (!grpc_metadata_add(&stream->metadata, &stream->room, name, name_len, value, value_len))
		stream->too_much = true;
}

static void on_data(struct h2_stream *h2, const char *data, size_t len)
{
	struct stream *stream = container_of(h2, struct stream, h2);
	struct grpc_link *link = stream->link;
	bool good;

	if (stream->finished || !link) {
		h2_consume(h2, len);	/* for nobody */
		return;
	}
	pthread_mutex_lock(&link->lock);
	good = grpc_bytes_add(&link->rx, data, len) == len;
	grpc_link_post_worker(link);
	pthread_mutex_unlock(&link->lock);
	if (!good)
		h2_reset(h2, NGHTTP2_FLOW_CONTROL_ERROR);
}

static void on_end(struct h2_stream *h2)
{
	struct stream *stream = container_of(h2, struct stream, h2);

	if (!stream->link)
		return;
	pthread_mutex_lock(&stream->link->lock);
	stream->link->half_closed = true;
	grpc_link_post_worker(stream->link);
	pthread_mutex_unlock(&stream->link->lock);
}

static void on_room(struct h2_stream *h2)
{
	struct stream *stream = container_of(h2, struct stream, h2);

	if (stream->link)
		stream_look(stream);
}

static void on_closed(struct h2_stream *h2, uint32_t error)
{
	struct stream *stream = container_of(h2, struct stream, h2);
	struct grpc_link *link = stream->link;

	(void)error;
	loop_timer_stop(grpc_ingress.loop, &stream->deadline);
	if (link) {
		link_gone(link, GRPC_CANCELLED);
		link->stream = NULL;
	}
	if (stream->inv) {
		invocation_abandon(stream->inv);
		invocation_put(stream->inv);
	}
	if (link) {
		pthread_mutex_lock(&link->lock);
		link->ingress = NULL;
		pthread_mutex_unlock(&link->lock);
		grpc_link_put(link);
	}
	grpc_metadata_clear(&stream->metadata);
	free(stream->path);
	free(stream->authority);
	free(stream->accept_encoding);
	h2_stream_clear(h2);
	free(stream);
}

static void on_lost(struct h2 *h2)
{
	grpc_session_free(h2_of(h2));
}

const struct h2_events grpc_caller_events = {
	.open = on_open,
	.header = on_header,
	.headers = on_headers,
	.data = on_data,
	.end = on_end,
	.room = on_room,
	.closed = on_closed,
	.lost = on_lost,
};
