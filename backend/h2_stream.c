// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "h2_core.h"

void h2_stream_add(struct h2 *h2, struct h2_stream *stream)
{
	stream->h2 = h2;
	stream->opened_ms = loop_now_ms(h2->loop);
	stream->next = h2->streams;
	stream->prev = &h2->streams;
	if (stream->next)
		stream->next->prev = &stream->next;
	h2->streams = stream;
	h2->nr_streams++;
}

void h2_stream_remove(struct h2_stream *stream)
{
	struct h2 *h2 = stream->h2;

	*stream->prev = stream->next;
	if (stream->next)
		stream->next->prev = stream->prev;
	stream->h2 = NULL;
	h2->used_ms = loop_now_ms(h2->loop);
	if (!--h2->nr_streams && h2->closing)
		h2_later(h2);
}

void h2_stream_clear(struct h2_stream *stream)
{
	free(stream->out);
	free(stream->trailers);
	stream->out = NULL;
	stream->trailers = NULL;
	stream->out_pos = stream->out_len = stream->out_cap = 0;
}

/* nghttp2 asks for the body's next bytes. */
static ssize_t stream_read(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length, uint32_t *flags,
			   nghttp2_data_source *source, void *arg)
{
	struct h2_stream *stream = source->ptr;
	uint32_t n = stream->out_len - stream->out_pos;

	(void)arg;
	if (n > length)
		n = length;
	if (n)
		memcpy(buf, stream->out + stream->out_pos, n);
	stream->out_pos += n;
	if (stream->out_pos < stream->out_len)
		return n;
	if (!stream->keep && !stream->ended) {
		stream->out_pos = stream->out_len = 0;
		stream->drained = true;
	}
	if (stream->ended) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (stream->nr_trailers) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			nghttp2_submit_trailer(session, id, stream->trailers, stream->nr_trailers);
		}
		return n;
	}
	if (!n) {
		stream->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	return n;
}

static void stream_resume(struct h2_stream *stream)
{
	if (!stream->h2)
		return;
	if (stream->deferred) {
		stream->deferred = false;
		nghttp2_session_resume_data(stream->h2->session, stream->id);
	}
	h2_later(stream->h2);
}

size_t h2_write(struct h2_stream *stream, const void *data, size_t len)
{
	uint32_t cap;
	char *grown;

	if (len > H2_OUT_MAX - stream->out_len)
		stream->keep = false;	/* too much to be sent twice */
	if (stream->out_pos && !stream->keep) {
		memmove(stream->out, stream->out + stream->out_pos, stream->out_len - stream->out_pos);
		stream->out_len -= stream->out_pos;
		stream->out_pos = 0;
	}
	if (len > H2_OUT_MAX - stream->out_len)
		len = H2_OUT_MAX - stream->out_len;
	if (stream->out_len + len > stream->out_cap) {
		cap = stream->out_len + len < 4096 ? 4096 : H2_OUT_MAX;
		grown = realloc(stream->out, cap);
		if (!grown)
			return 0;	/* the caller's time-out ends it */
		stream->out = grown;
		stream->out_cap = cap;
	}
	if (!len)
		return 0;
	memcpy(stream->out + stream->out_len, data, len);
	stream->out_len += len;
	stream_resume(stream);
	return len;
}

void h2_end(struct h2_stream *stream, nghttp2_nv *trailers, size_t nr)
{
	stream->ended = true;
	stream->trailers = trailers;
	stream->nr_trailers = nr;
	stream_resume(stream);
}

void h2_consume(struct h2_stream *stream, size_t len)
{
	if (!stream->h2 || !len)
		return;
	nghttp2_session_consume_stream(stream->h2->session, stream->id, len);
	h2_later(stream->h2);
}

void h2_reset(struct h2_stream *stream, uint32_t error)
{
	if (!stream->h2 || stream->reset)
		return;
	stream->reset = true;
	nghttp2_submit_rst_stream(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, error);
	h2_later(stream->h2);
}

int h2_request(struct h2 *h2, struct h2_stream *stream, const nghttp2_nv *headers, size_t nr)
{
	nghttp2_data_provider body = { .source.ptr = stream, .read_callback = stream_read };
	int32_t id = nghttp2_submit_request(h2->session, NULL, headers, nr, &body, stream);

	if (id < 0)
		return -ENOMEM;
	stream->id = id;
	h2_stream_add(h2, stream);
	h2_later(h2);
	return 0;
}

int h2_respond(struct h2_stream *stream, const nghttp2_nv *headers, size_t nr, bool last)
{
	nghttp2_data_provider body = { .source.ptr = stream, .read_callback = stream_read };

	if (!stream->h2)
		return -EPIPE;
	if (nghttp2_submit_response(stream->h2->session, stream->id, headers, nr, last ? NULL : &body))
		return -ENOMEM;
	h2_later(stream->h2);
	return 0;
}
