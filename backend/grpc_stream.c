// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "container.h"
#include "grpc_call.h"
#include "grpc_stream.h"
#include "origin.h"
#include "version.h"
#include "worker_core.h"

void grpc_stream_free(struct grpc_stream *stream)
{
	struct grpc_client *client = stream->client;

	h2_stream_clear(&stream->h2);
	grpc_metadata_clear(&stream->last);
	free(stream->request);
	free(stream->message);
	free(stream);
	client->streams--;
	grpc_client_again(client);
}

void grpc_stream_over(struct grpc_stream *stream, enum grpc_status status, const char *details)
{
	struct grpc_call *call = stream->call;

	stream->call = NULL;
	if (!call)
		return;
	call->far = NULL;
	grpc_call_over(call, status, details);
}

/* The answer breaks the rules, or is too much: end it here. */
static void stream_refuse(struct grpc_stream *stream, enum grpc_status status, const char *details)
{
	stream->bad = true;
	h2_reset(&stream->h2, NGHTTP2_CANCEL);
	grpc_stream_over(stream, status, details);
}

/* ---- the call's side ---- */

static size_t far_write(struct grpc_call *call, const void *data, size_t len)
{
	struct grpc_stream *stream = call->far;

	return h2_write(&stream->h2, data, len);
}

static void far_end(struct grpc_call *call)
{
	struct grpc_stream *stream = call->far;

	h2_end(&stream->h2, NULL, 0);
}

static void far_consumed(struct grpc_call *call, size_t len)
{
	struct grpc_stream *stream = call->far;

	h2_consume(&stream->h2, len);
}

static void far_leave(struct grpc_call *call)
{
	struct grpc_stream *stream = call->far;

	stream->call = NULL;
	if (stream->prev) {
		grpc_client_unwait(stream);
		grpc_stream_free(stream);
	} else {
		h2_reset(&stream->h2, NGHTTP2_CANCEL);
	}
}

static const struct grpc_far_type far_type = {
	.write = far_write,
	.end = far_end,
	.consumed = far_consumed,
	.leave = far_leave,
};

/* ---- what comes ---- */

static struct grpc_stream *stream_of(struct h2_stream *h2)
{
	return container_of(h2, struct grpc_stream, h2);
}

static bool name_is(const char *name, size_t len, const char *want)
{
	return strlen(want) == len && !memcmp(name, want, len);
}

static void on_header(struct h2_stream *h2, const char *name, size_t name_len, const char *value, size_t value_len)
{
	struct grpc_stream *stream = stream_of(h2);

	if (stream->bad || !stream->call)
		return;
	if (name_is(name, name_len, ":status")) {
		stream->http_status = atoi(value);
	} else if (name_is(name, name_len, "content-type")) {
		stream->grpc = value_len >= 16 && !memcmp(value, "application/grpc", 16);
	} else if (name_is(name, name_len, "grpc-status")) {
		stream->grpc_status = value_len && value_len < 4 ? atoi(value) : GRPC_UNKNOWN;
	} else if (name_is(name, name_len, "grpc-message")) {
		free(stream->message);
		stream->message = strndup(value, value_len < 3 * GRPC_DETAILS_MAX ? value_len : 3 * GRPC_DETAILS_MAX);
	} else if (name_is(name, name_len, "grpc-encoding")) {
		stream->encoding = grpc_encoding(value, value_len);
	} else if (!grpc_metadata_add(&stream->last, &stream->room, name, name_len, value, value_len)) {
		stream_refuse(stream, GRPC_RESOURCE_EXHAUSTED, "the server sent more metadata than the limit");
	}
}

static void stream_done(struct grpc_stream *stream)
{
	struct grpc_call *call = stream->call;

	grpc_metadata_clear(&call->trailing);
	call->trailing = stream->last;
	stream->last = (struct grpc_metadata){ 0 };
	if (stream->message)
		grpc_message_decode(stream->message);
	if (stream->grpc_status < 0 || stream->grpc_status > GRPC_UNAUTHENTICATED)
		grpc_stream_over(stream, GRPC_UNKNOWN, "the server ended the call without a status");
	else
		grpc_stream_over(stream, stream->grpc_status, stream->message ? stream->message : "");
	/* What was not sent yet nobody wants any more. */
	if (!stream->h2.ended || stream->h2.out_pos < stream->h2.out_len)
		h2_reset(&stream->h2, NGHTTP2_NO_ERROR);
}

static void on_headers(struct h2_stream *h2, bool end)
{
	struct grpc_stream *stream = stream_of(h2);
	struct grpc_call *call = stream->call;
	char text[64];

	if (stream->bad || !call)
		return;
	free(stream->request);
	stream->request = NULL;
	stream->h2.keep = false;
	stream->h2.drained = true;	/* what it kept from now on is room */
	if (stream->http_status / 100 == 1) {
		grpc_metadata_clear(&stream->last);
		return;
	}
	/* An answer of somebody who does not speak gRPC has a status of HTTP's only. */
	if (!stream->in_trailers && stream->grpc_status < 0 && (stream->http_status != 200 || !stream->grpc)) {
		snprintf(text, sizeof(text), stream->http_status != 200 ? "HTTP status %u" : "the answer is not gRPC",
			 stream->http_status);
		stream_refuse(stream, stream->http_status == 200 ? GRPC_UNKNOWN : grpc_status_of_http(stream->http_status),
			      text);
		return;
	}
	if (end) {
		stream_done(stream);
		return;
	}
	if (stream->in_trailers)
		return;
	if (!stream->encoding) {
		stream_refuse(stream, GRPC_INTERNAL, "the answer is compressed in a way that was not agreed upon");
		return;
	}
	call->rx_encoding = stream->encoding;
	stream->in_trailers = true;
	call->initial = stream->last;
	stream->last = (struct grpc_metadata){ 0 };
	grpc_call_initial(call);
}

static void on_data(struct h2_stream *h2, const char *data, size_t len)
{
	struct grpc_stream *stream = stream_of(h2);

	if (stream->bad || !stream->call)
		return;
	if (!grpc_call_data(stream->call, data, len))
		stream_refuse(stream, GRPC_RESOURCE_EXHAUSTED, "the server sent more than its window lets, or there is no memory");
}

static void on_end(struct h2_stream *h2)
{
	struct grpc_stream *stream = stream_of(h2);

	/* Data ended it: there are no trailers. */
	if (!stream->bad && stream->call)
		stream_done(stream);
}

static void on_room(struct h2_stream *h2)
{
	struct grpc_stream *stream = stream_of(h2);

	if (stream->call)
		grpc_call_room(stream->call);
}

/* Nobody has seen it, so that it can be sent once more: gRPC's transparent retry. */
static bool stream_retry(struct grpc_stream *stream, uint32_t error)
{
	if (error != NGHTTP2_REFUSED_STREAM || stream->retried || !stream->request || !stream->h2.keep || stream->bad)
		return false;
	stream->retried = true;
	counter_add(&stream->client->worker->counters.grpc_retries, 1);
	stream->h2.out_pos = 0;
	stream->h2.deferred = stream->h2.reset = stream->h2.remote_ended = false;
	grpc_client_wait(stream);
	grpc_client_again(stream->client);
	return true;
}

static void on_closed(struct h2_stream *h2, uint32_t error)
{
	struct grpc_stream *stream = stream_of(h2);
	char text[96];

	if (stream->call && stream_retry(stream, error))
		return;
	if (error == NGHTTP2_CONNECT_ERROR)
		snprintf(text, sizeof(text), "the connection to the server was lost");
	else
		snprintf(text, sizeof(text), "the server ended the stream with HTTP/2 error %u (%s)", error,
			 nghttp2_http2_strerror(error));
	grpc_stream_over(stream, grpc_status_of_h2(error), text);
	grpc_stream_free(stream);
}

const struct h2_events grpc_stream_events = {
	.header = on_header,
	.headers = on_headers,
	.data = on_data,
	.end = on_end,
	.room = on_room,
	.closed = on_closed,
	.lost = grpc_client_lost,
};

static void request_agent(struct grpc_block *block, const char *prefix)
{
	char text[GRPC_AGENT_MAX + 32];

	snprintf(text, sizeof(text), "%s%sgrpc-nexus/" NEXUS_VERSION, prefix, *prefix ? " " : "");
	grpc_block_add(block, "user-agent", text);
}

static struct grpc_block *request_new(const struct grpc_call *call, const Nexus__V1__GrpcStart *start,
				      const struct origin *origin, const struct grpc_metadata *metadata)
{
	struct grpc_block *block = grpc_block_new();

	if (!block)
		return NULL;
	grpc_block_add(block, ":method", "POST");
	grpc_block_add(block, ":scheme", origin->endpoint.tls ? "https" : "http");
	grpc_block_add(block, ":path", origin->target);
	grpc_block_add(block, ":authority", *start->authority ? start->authority : origin->endpoint.authority);
	grpc_block_add(block, "te", "trailers");
	if (start->timeout_ms)
		grpc_block_timeout(block, start->timeout_ms);
	grpc_block_add(block, "content-type", "application/grpc");
	grpc_block_add(block, "grpc-encoding", *call->tx_encoding ? call->tx_encoding : "identity");
	grpc_block_add(block, "grpc-accept-encoding", call->takes_compressed ? GRPC_ENCODINGS : "identity");
	request_agent(block, start->user_agent);
	grpc_block_metadata(block, metadata);
	if (!block->overflow)
		return block;
	free(block);
	return NULL;
}

struct grpc_stream *grpc_stream_new(struct grpc_client *client, struct grpc_call *call, const Nexus__V1__GrpcStart *start,
				    const struct origin *origin, const struct grpc_metadata *metadata)
{
	struct grpc_stream *stream = calloc(1, sizeof(*stream));

	if (stream)
		stream->request = request_new(call, start, origin, metadata);
	if (!stream || !stream->request) {
		free(stream);
		return NULL;
	}
	stream->client = client;
	stream->call = call;
	stream->room = GRPC_METADATA_MAX;
	stream->grpc_status = -1;
	stream->encoding = "";
	stream->h2.keep = true;
	client->streams++;
	call->type = &far_type;
	call->far = stream;
	grpc_client_wait(stream);
	return stream;
}
