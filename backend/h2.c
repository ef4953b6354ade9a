// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "container.h"
#include "h2_core.h"

#define READS_MAX	16	/* of a turn, so that other connections get theirs */
#define TICK_MS		10000U
#define PING_AFTER_MS	30000U	/* nothing came for so long while streams are open: is the peer there? */
#define DEAD_AFTER_MS	50000U
#define HEADERS_MS	20000U	/* a request's headers take no longer */

void *h2_of(struct h2 *h2)
{
	return h2->of;
}

uint32_t h2_streams(const struct h2 *h2)
{
	return h2->nr_streams;
}

bool h2_is_closing(struct h2 *h2)
{
	return h2->closing || h2->dead;
}

bool h2_has_room(struct h2 *h2)
{
	return !h2_is_closing(h2) && nghttp2_session_check_request_allowed(h2->session) &&
	       h2->nr_streams < nghttp2_session_get_remote_settings(h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

void h2_later(struct h2 *h2)
{
	if (!h2->later.deadline_ms)
		loop_timer_start(h2->loop, &h2->later, 0);
}

/* ---- what nghttp2 tells ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream;

	if (!h2->server || frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	stream = h2->events->open(h2);
	if (!stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	stream->id = frame->hd.stream_id;
	h2_stream_add(h2, stream);
	nghttp2_session_set_stream_user_data(session, stream->id, stream);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
		     const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	struct h2 *h2 = arg;

	(void)flags;
	if (stream && !stream->reset)
		h2->events->header(stream, (const char *)name, name_len, (const char *)value, value_len);
	return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2_stream *stream;
	struct h2 *h2 = arg;
	bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	if (frame->hd.type == NGHTTP2_GOAWAY) {
		h2->closing = true;
		return 0;
	}
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (!stream || stream->reset)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS) {
		stream->headers_done = true;
		h2->events->headers(stream, end);
	}
	if (end && !stream->remote_ended) {
		stream->remote_ended = true;
		h2->events->end(stream);
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *arg)
{
	struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
	struct h2 *h2 = arg;

	(void)flags;
	/* One stream that nobody reads holds up no other. */
	nghttp2_session_consume_connection(session, len);
	if (stream && !stream->reset)
		h2->events->data(stream, (const char *)data, len);
	return 0;
}

/* An answer is complete before its request is: the caller may stop. RFC 9113, 8.1. */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2_stream *stream;
	struct h2 *h2 = arg;

	if (!h2->server || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
	    (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
		return 0;
	stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (stream && !stream->remote_ended)
		h2_reset(stream, NGHTTP2_NO_ERROR);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
	struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
	struct h2 *h2 = arg;

	if (!stream)
		return 0;
	nghttp2_session_set_stream_user_data(session, id, NULL);
	h2_stream_remove(stream);
	h2->events->closed(stream, error);
	return 0;
}

/* ---- the connection ---- */

static void h2_ready(void *arg, unsigned int revents);

/* Gather frames and send them. False: the transport is broken. */
static bool h2_send(struct h2 *h2)
{
	ssize_t n;

	for (;;) {
		while (h2->out_len < H2_FRAMES_SIZE) {
			size_t take;

			if (!h2->piece_len) {
				n = nghttp2_session_mem_send(h2->session, &h2->piece);
				if (n < 0)
					return false;
				if (!n)
					break;
				h2->piece_len = n;
			}
			take = H2_FRAMES_SIZE - h2->out_len < h2->piece_len ? H2_FRAMES_SIZE - h2->out_len : h2->piece_len;
			memcpy(h2->out + h2->out_len, h2->piece, take);
			h2->out_len += take;
			h2->piece += take;
			h2->piece_len -= take;
		}
		if (h2->out_pos == h2->out_len)
			return true;
		n = h2->transport->send(h2->of, h2->out + h2->out_pos, h2->out_len - h2->out_pos);
		if (n == -EAGAIN)
			return true;
		if (n < 0)
			return false;
		h2->out_pos += n;
		if (h2->out_pos == h2->out_len)
			h2->out_pos = h2->out_len = 0;
	}
}

/* False: the protocol was broken. */
static bool h2_take(void *arg, const uint8_t *data, size_t len)
{
	struct h2 *h2 = arg;

	return nghttp2_session_mem_recv(h2->session, data, len) >= 0;
}

static bool h2_receive(struct h2 *h2)
{
	const uint8_t *in = (const uint8_t *)h2->in;

	ssize_t n;

	for (int reads = 0; reads < READS_MAX; reads++) {
		n = h2->transport->recv(h2->of, h2->in, H2_READ_SIZE);
		if (n == -EAGAIN)
			return true;
		if (n <= 0)
			return false;
		h2->heard_ms = loop_now_ms(h2->loop);
		h2->pinged = false;
		if (!(h2->server ? h2_screen_data(&h2->screen, in, n, h2_take, h2) : h2_take(h2, in, n))) {
			h2_send(h2);	/* the GOAWAY that tells why */
			return false;
		}
	}
	h2_later(h2);
	return true;
}

/* Tell those whose bytes have left. Whether there were any. */
static bool h2_tell_room(struct h2 *h2)
{
	bool told = false;

	for (struct h2_stream *stream = h2->streams; stream; stream = stream->next) {
		if (!stream->drained)
			continue;
		stream->drained = false;
		told = true;
		h2->events->room(stream);
	}
	return told;
}

static void h2_close_streams(struct h2 *h2)
{
	struct h2_stream *stream;

	h2->dead = true;
	while ((stream = h2->streams)) {
		nghttp2_session_set_stream_user_data(h2->session, stream->id, NULL);
		h2_stream_remove(stream);
		h2->events->closed(stream, NGHTTP2_CONNECT_ERROR);
	}
}

static void h2_bury(struct h2 *h2)
{
	h2->transport->wait(h2->of, 0, NULL, NULL);
	h2_close_streams(h2);
	h2->events->lost(h2);
}

static void h2_run(struct h2 *h2)
{
	bool good = h2_receive(h2);

	do {
		good = good && h2_send(h2);
	} while (good && h2_tell_room(h2));
	if (h2->closing && !h2->nr_streams && !nghttp2_session_want_write(h2->session) && !h2->out_len)
		good = false;
	if (!nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session) && !h2->out_len)
		good = false;
	if (good)
		good = !h2->transport->wait(h2->of, POLLIN | (h2->out_len ? POLLOUT : 0), h2_ready, h2);
	if (!good)
		h2_bury(h2);
}

static void h2_ready(void *arg, unsigned int revents)
{
	(void)revents;
	h2_run(arg);
}

static void later_expired(struct loop_timer *timer)
{
	h2_run(container_of(timer, struct h2, later));
}

/* Is the peer alive, and does anybody need it? */
static void tick_expired(struct loop_timer *timer)
{
	struct h2 *h2 = container_of(timer, struct h2, tick);
	uint64_t now = loop_now_ms(h2->loop), silent = now - h2->heard_ms;

	loop_timer_start(h2->loop, timer, TICK_MS);
	for (struct h2_stream *stream = h2->streams; stream && h2->server; stream = stream->next) {
		if (!stream->headers_done && now - stream->opened_ms > HEADERS_MS) {
			h2_bury(h2);
			return;
		}
	}
	if (!h2->nr_streams && now - h2->used_ms >= h2->idle_ms) {
		h2_shut_down(h2);
	} else if (h2->nr_streams && silent > DEAD_AFTER_MS) {
		h2_bury(h2);
	} else if (h2->nr_streams && silent > PING_AFTER_MS && !h2->pinged) {
		h2->pinged = true;
		nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL);
		h2_later(h2);
	}
}

void h2_shut_down(struct h2 *h2)
{
	h2->closing = true;
	nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h2->session),
			      NGHTTP2_NO_ERROR, NULL, 0);
	h2_later(h2);
}

static int session_new(struct h2 *h2)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	int ret = -ENOMEM;

	if (nghttp2_session_callbacks_new(&callbacks) || nghttp2_option_new(&option))
		goto out;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_peer_max_concurrent_streams(option, H2_STREAMS_MAX);
	if (h2->server)
		ret = nghttp2_session_server_new2(&h2->session, callbacks, h2, option);
	else
		ret = nghttp2_session_client_new2(&h2->session, callbacks, h2, option);
out:
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	return ret ? -ENOMEM : 0;
}

struct h2 *h2_new(struct loop *loop, bool server, const struct h2_transport *transport, const struct h2_events *events,
		  void *of, uint32_t idle_ms)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server ? H2_STREAMS_MAX : 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_HEADER_LIST_MAX },
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
	};
	struct h2 *h2 = malloc(sizeof(*h2));

	if (!h2)
		return NULL;
	memset(h2, 0, offsetof(struct h2, out));
	h2->loop = loop;
	h2->server = server;
	h2->transport = transport;
	h2->events = events;
	h2->of = of;
	h2->idle_ms = idle_ms;
	h2_screen_init(&h2->screen);
	h2->heard_ms = h2->used_ms = loop_now_ms(loop);
	h2->later.expired = later_expired;
	h2->tick.expired = tick_expired;
	if (session_new(h2) ||
	    nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, server ? 3 : 4) ||
	    nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, H2_CONNECTION_WINDOW)) {
		h2_free(h2);
		return NULL;
	}
	loop_timer_start(loop, &h2->tick, TICK_MS);
	h2_later(h2);
	return h2;
}

void h2_free(struct h2 *h2)
{
	if (!h2)
		return;
	h2_close_streams(h2);
	loop_timer_stop(h2->loop, &h2->later);
	loop_timer_stop(h2->loop, &h2->tick);
	nghttp2_session_del(h2->session);
	free(h2);
}
