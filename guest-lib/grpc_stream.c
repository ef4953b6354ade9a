// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* gRPC: calls of many messages, those that this process makes and those that come to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "grpc.h"

#define UNIMPLEMENTED	12	/* gRPC's */
#define WINDOW_RECEIVE	(16U << 10)	/* each; lent while nothing comes */

struct nexus_grpc_stream {
	struct nexus *nx;
	uint32_t handle;
	bool server;
	bool open;			/* the daemon knows the handle */
	bool finished;			/* a server's, by us */
	bool takes_compressed;		/* what comes */
	uint32_t max_message;		/* a server's, of what comes; 0: the host's */
	char encoding[8];		/* a server's, of what it sends compressed; "": nothing */
	int (*interrupted)(void *arg);	/* NULL: nothing ends a wait but the call */
	void *interrupted_arg;
	struct nexus_op *receiving;	/* begun, and left for the next nexus_grpc_receive() */
	struct grpc_reply *end;		/* how it ended, once that is known; constant then */
};

/* One message to the daemon, and its answer. The operation is the caller's. */
static int stream_ask(struct nexus_op *op, Nexus__V1__Request *req)
{
	struct nexus_options options = NEXUS_OPTIONS_INIT;

	op_start(op, req, &(struct op_payload){ 0 }, &options, true);
	return op_finish(op);
}

static const Nexus__V1__GrpcResult *stream_result(struct nexus_op *op)
{
	CHANNEL_LOCK(op->nx);
	const Nexus__V1__Response *response = result_response(op);

	return response ? response->grpc : NULL;
}

static int stream_end(struct nexus_grpc_stream *stream, struct grpc_reply *reply)
{
	if (!reply)
		return -ENOMEM;
	reply->kept = true;
	stream->end = reply;
	return 0;
}

static struct nexus_grpc_stream *stream_new(struct nexus *nx)
{
	struct nexus_grpc_stream *stream = calloc(1, sizeof(*stream));

	if (stream)
		stream->nx = nx;
	return stream;
}

int nexus_grpc_start(struct nexus *nx, const struct nexus_grpc *call, struct nexus_grpc_stream **out)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__GrpcStart start = NEXUS__V1__GRPC_START__INIT;
	struct nexus_grpc_stream *stream = stream_new(nx);
	struct nexus_op *op = op_new(nx);
	struct nexus_grpc o;
	int ret;

	if (!op || !stream) {
		nexus_op_free(op);
		free(stream);
		return -ENOMEM;
	}
	ret = grpc_start_fill(op, &start, call, &o);
	if (!ret) {
		req.op_case = NEXUS__V1__REQUEST__OP_GRPC_START;
		req.grpc_start = &start;
		ret = stream_ask(op, &req);
	}
	if (!ret && !stream_result(op))
		ret = -EPROTO;
	if (ret) {
		/* As if it had been sent: what there is to say is said by nexus_grpc_receive(). */
		ret = stream_end(stream, grpc_reply_take(op, ret));
		if (ret)
			free(stream);
	} else {
		stream->handle = stream_result(op)->handle;
		stream->open = true;
		stream->takes_compressed = o.takes_compressed;
		stream->interrupted = o.interrupted;
		stream->interrupted_arg = o.interrupted_arg;
		nexus_op_free(op);
	}
	if (!ret)
		*out = stream;
	return ret;
}

int nexus_grpc_accept(struct nexus *nx, const struct nexus_event *event, struct nexus_grpc_stream **out)
{
	struct nexus_grpc_stream *stream;

	if (!event->grpc)
		return -EINVAL;
	stream = stream_new(nx);
	if (!stream)
		return -ENOMEM;
	stream->handle = event->grpc->handle;
	stream->server = true;
	stream->open = true;
	*out = stream;
	CHANNEL_LOCK(nx);
	nx->served++;
	return 0;
}

int nexus_grpc_send(struct nexus_grpc_stream *stream, const void *message, size_t len, uint32_t flags)
{
	struct op_payload payload = { .upload = true, .buf = message, .len = len };
	struct nexus_options options = NEXUS_OPTIONS_INIT;
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__GrpcSend send = NEXUS__V1__GRPC_SEND__INIT;
	struct nexus_op *op;
	int ret;

	if (!stream->open)
		return -EPIPE;
	if (!message && !(flags & NEXUS_GRPC_SEND_END))
		return -EINVAL;
	op = op_new(stream->nx);
	if (!op)
		return -ENOMEM;
	send.handle = stream->handle;
	send.content_length = len;
	send.empty = !message;
	send.end = flags & NEXUS_GRPC_SEND_END;
	send.compressed = flags & NEXUS_GRPC_SEND_COMPRESSED;
	req.op_case = NEXUS__V1__REQUEST__OP_GRPC_SEND;
	req.grpc_send = &send;
	options.timeout_ms = GRPC_FOREVER_MS;
	op_start(op, &req, &payload, &options, true);
	ret = grpc_wait(op, stream->interrupted, stream->interrupted_arg);
	if (!ret)
		ret = op_finish(op);
	nexus_op_free(op);
	/* Whatever became of it: nexus_grpc_receive() tells. */
	return ret == -ENOENT || ret == -ECANCELED || ret == -ECONNRESET ? -EPIPE : ret;
}

/* The operation that waits for what comes next; NULL: no memory. */
static struct nexus_op *receive_start(struct nexus_grpc_stream *stream)
{
	struct nexus_options options = { .size = sizeof(options), .window = WINDOW_RECEIVE };
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__GrpcReceive receive = NEXUS__V1__GRPC_RECEIVE__INIT;
	struct nexus_op *op = op_new(stream->nx);

	if (!op)
		return NULL;
	receive.handle = stream->handle;
	receive.max_message = stream->max_message;
	op->answer_cap = NEXUS_MSG_MAX;
	req.op_case = NEXUS__V1__REQUEST__OP_GRPC_RECEIVE;
	req.grpc_receive = &receive;
	options.timeout_ms = GRPC_FOREVER_MS;
	op_start(op, &req, &(struct op_payload){ .stream = true }, &options, true);
	return op;
}

static struct grpc_reply *receive_once(struct nexus_grpc_stream *stream, int *status)
{
	struct nexus_op *op = stream->receiving ? stream->receiving : receive_start(stream);
	struct grpc_reply *reply;

	*status = -ENOMEM;
	if (!op)
		return NULL;
	stream->receiving = op;
	*status = grpc_wait(op, stream->interrupted, stream->interrupted_arg);
	if (*status)
		return NULL;
	stream->receiving = NULL;
	reply = grpc_reply_take(op, 0);
	*status = reply ? nexus_op_status(op) : -ENOMEM;
	/* A handle that is gone: by us, or with a daemon. */
	if (*status == -ENOENT) {
		reply->public.status = stream->finished ? 0 : reply->public.status;
		reply->public.details = stream->finished ? "" : "the host has lost the call";
	}
	return reply;
}

int nexus_grpc_receive(struct nexus_grpc_stream *stream, struct nexus_grpc_reply **out)
{
	struct grpc_reply *reply;
	int status;

	if (stream->end) {
		*out = &stream->end->public;
		return 0;
	}
	do {
		reply = receive_once(stream, &status);
		if (!reply)
			return status;
		/* A message that was not complete when the call ended: how it ended comes next. */
		if (status == -EPIPE)
			nexus_grpc_reply_free(&reply->public);
	} while (status == -EPIPE);
	if (*reply->public.encoding && !stream->takes_compressed) {
		/* A server that did not ask: gRPC has a status for that, and this process has no other use for it. */
		nexus_grpc_reply_free(&reply->public);
		nexus_grpc_finish(stream, UNIMPLEMENTED, "the function takes no compressed messages: use identity", NULL, 0);
		return nexus_grpc_receive(stream, out);
	}
	if (reply->public.kind == NEXUS_GRPC_END)
		stream_end(stream, reply);
	*out = &reply->public;
	return 0;
}

static int stream_cancel(struct nexus_grpc_stream *stream, bool close)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__GrpcCancel cancel = NEXUS__V1__GRPC_CANCEL__INIT;
	struct nexus_op *op;
	int ret;

	if (!stream->open)
		return 0;
	op = op_new(stream->nx);
	if (!op)
		return -ENOMEM;
	cancel.handle = stream->handle;
	cancel.close = close;
	req.op_case = NEXUS__V1__REQUEST__OP_GRPC_CANCEL;
	req.grpc_cancel = &cancel;
	ret = stream_ask(op, &req);
	nexus_op_free(op);
	return ret == -ENOENT ? 0 : ret;
}

int nexus_grpc_cancel(struct nexus_grpc_stream *stream)
{
	return stream_cancel(stream, false);
}

void nexus_grpc_close(struct nexus_grpc_stream *stream)
{
	if (!stream)
		return;
	nexus_op_free(stream->receiving);
	if (!stream->end && !stream->finished)
		stream_cancel(stream, true);
	if (stream->server) {
		CHANNEL_LOCK(stream->nx);
		stream->nx->served--;
	}
	if (stream->end) {
		stream->end->kept = false;
		nexus_grpc_reply_free(&stream->end->public);
	}
	free(stream);
}

/* ---- of a server ---- */

int nexus_grpc_set_options(struct nexus_grpc_stream *stream, const struct nexus_grpc *options)
{
	struct nexus_grpc o;

	if (!stream->server || grpc_options(&o, options) || strlen(op_text(o.encoding)) >= sizeof(stream->encoding))
		return -EINVAL;
	stream->takes_compressed = o.takes_compressed;
	strcpy(stream->encoding, op_text(o.encoding));
	stream->max_message = o.max_message;
	stream->interrupted = o.interrupted;
	stream->interrupted_arg = o.interrupted_arg;
	return 0;
}

int nexus_grpc_headers(struct nexus_grpc_stream *stream, const struct nexus_grpc_field *metadata, size_t nr)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__GrpcHeaders headers = NEXUS__V1__GRPC_HEADERS__INIT;
	struct nexus_op *op = op_new(stream->nx);
	int ret;

	if (!op)
		return -ENOMEM;
	ret = grpc_metadata(op, metadata, headers.n_metadata = nr, &headers.metadata);
	if (!ret) {
		headers.handle = stream->handle;
		headers.encoding = stream->encoding;
		req.op_case = NEXUS__V1__REQUEST__OP_GRPC_HEADERS;
		req.grpc_headers = &headers;
		ret = stream_ask(op, &req);
	}
	nexus_op_free(op);
	return ret == -ENOENT ? -EPIPE : ret;
}

int nexus_grpc_finish(struct nexus_grpc_stream *stream, int status, const char *details,
		      const struct nexus_grpc_field *trailing, size_t nr)
{
	Nexus__V1__Request req = NEXUS__V1__REQUEST__INIT;
	Nexus__V1__GrpcFinish finish = NEXUS__V1__GRPC_FINISH__INIT;
	struct nexus_op *op = op_new(stream->nx);
	int ret;

	if (!op)
		return -ENOMEM;
	ret = grpc_metadata(op, trailing, finish.n_metadata = nr, &finish.metadata);
	if (!ret) {
		finish.handle = stream->handle;
		finish.status = status;
		finish.details = op_text(details);
		req.op_case = NEXUS__V1__REQUEST__OP_GRPC_FINISH;
		req.grpc_finish = &finish;
		stream->finished = true;
		ret = stream_ask(op, &req);
	}
	nexus_op_free(op);
	return ret == -ENOENT ? -EPIPE : ret;
}
