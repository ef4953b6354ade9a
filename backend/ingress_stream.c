// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lambda's InvokeWithResponseStream: the answer as it comes, in messages of AWS's event stream encoding.
 * A message is two lengths (of all of it, of its headers), their CRC, headers, a payload, and the CRC of all that,
 * numbers in network order. PayloadChunk messages carry the answer, the last one, InvokeComplete, says how it ended.
 */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "cleanup.h"
#include "ingress.h"
#include "ingress_lambda.h"

#define CHUNK_MAX	16384U	/* bytes of the answer in one message */
#define BLOCK		32768U	/* MHD asks for so much at a time: a message is not cut */
#define HEADERS_MAX	256U
#define PRELUDE		12U
#define HEADER_STRING	7	/* the type of a header's value */

/* Messages on their way into the connection. */
struct event_stream {
	size_t len, sent;
	bool complete;		/* the last one */
	char data[];		/* PRELUDE, headers, payload, CRC */
};

static size_t number_put(char *to, uint32_t number)
{
	number = htonl(number);
	memcpy(to, &number, sizeof(number));
	return sizeof(number);
}

static size_t header_put(char *to, const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value);
	uint16_t len = htons(value_len);

	*to++ = name_len;
	memcpy(to, name, name_len);
	to += name_len;
	*to++ = HEADER_STRING;
	memcpy(to, &len, sizeof(len));
	memcpy(to + sizeof(len), value, value_len);
	return 1 + name_len + 1 + sizeof(len) + value_len;
}

/* Where the payload begins. */
static char *message_begin(struct event_stream *frames, const char *type, const char *content_type)
{
	size_t n = 0;

	n += header_put(frames->data + PRELUDE + n, ":event-type", type);
	n += header_put(frames->data + PRELUDE + n, ":content-type", content_type);
	n += header_put(frames->data + PRELUDE + n, ":message-type", "event");
	frames->len = PRELUDE + n;
	frames->sent = 0;
	return frames->data + frames->len;
}

static void message_end(struct event_stream *frames, size_t payload)
{
	size_t headers = frames->len - PRELUDE;

	frames->len += payload;
	number_put(frames->data, frames->len + 4);
	number_put(frames->data + 4, headers);
	number_put(frames->data + 8, crc32(0, (unsigned char *)frames->data, 8));
	frames->len += number_put(frames->data + frames->len, crc32(0, (unsigned char *)frames->data, frames->len));
}

/* What InvokeComplete says: {} of an answer that came to its end. From malloc. */
static char *complete_text(const struct invocation *inv)
{
	const struct answer *answer = &inv->answer;
	auto_free char *log = lambda_log_result(inv);
	const char *text = answer->head ? answer->error : answer->data;
	size_t len = answer->head ? answer->error_len : answer->len;
	json_t *json = json_object(), *error, *type;
	char *out;

	if (answer->end != INVOCATION_ANSWERED) {
		error = text ? json_loadb(text, len, 0, NULL) : NULL;
		type = json_object_get(error, "errorType");
		json_object_set_new(json, "ErrorCode", json_is_string(type) ? json_incref(type) : json_string("Unhandled"));
		type = text ? json_stringn(text, len) : NULL;
		json_object_set_new(json, "ErrorDetails", type ? type : json_string(""));
		json_decref(error);
	}
	if (log)
		json_object_set_new(json, "LogResult", json_string(log));
	out = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return out;
}

/* It has ended: nobody else changes the answer. */
static bool message_complete(struct request *request)
{
	auto_free char *text = complete_text(request->inv);
	size_t len = text ? strlen(text) : 0;
	struct event_stream *grown = text ? realloc(request->frames, sizeof(*grown) + PRELUDE + HEADERS_MAX + len + 4) : NULL;

	if (!grown)
		return false;
	request->frames = grown;
	memcpy(message_begin(grown, "InvokeComplete", "application/json"), text, len);
	message_end(grown, len);
	grown->complete = true;
	return true;
}

static ssize_t stream_read(void *arg, uint64_t pos, char *data, size_t max)
{
	struct request *request = arg;
	struct event_stream *frames = request->frames;
	char *payload;
	ssize_t n;

	(void)pos;
	if (frames->sent == frames->len) {
		if (frames->complete)
			return MHD_CONTENT_READER_END_OF_STREAM;
		payload = message_begin(frames, "PayloadChunk", "application/octet-stream");
		/* Without a head there is nothing but how it ended. */
		n = request->inv->answer.head ? request_stream(request, payload, CHUNK_MAX) : MHD_CONTENT_READER_END_OF_STREAM;
		if (n > 0)
			message_end(frames, n);
		else
			frames->len = 0;
		if (!n)
			return 0;
		if (n < 0 && !message_complete(request))
			return MHD_CONTENT_READER_END_WITH_ERROR;
		frames = request->frames;
	}
	if (max > frames->len - frames->sent)
		max = frames->len - frames->sent;
	memcpy(data, frames->data + frames->sent, max);
	frames->sent += max;
	return max;
}

static bool stream_answer(struct request *request)
{
	struct answer *answer = &request->inv->answer;

	if (!answer->head && answer->end == INVOCATION_OPEN)
		return false;
	if (lambda_no_answer(request))
		return true;
	request->frames = calloc(1, sizeof(*request->frames) + PRELUDE + HEADERS_MAX + CHUNK_MAX + 4);
	if (!request->frames) {
		lambda_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "ServiceException", "the host has not enough memory");
		return true;
	}
	request_respond(request, MHD_HTTP_OK,
			MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, stream_read, request, NULL));
	request_answer_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, "application/vnd.amazon.eventstream");
	lambda_answer_headers(request);
	return true;
}

const struct route lambda_stream_route = { lambda_limit, lambda_run, stream_answer };
