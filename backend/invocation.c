// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "cleanup.h"
#include "function.h"
#include "grpc_link.h"
#include "invocation.h"
#include "worker.h"

void invocation_uuid(char id[INVOCATION_ID_SIZE])
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		abort();	/* after boot it cannot fail */
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(id, INVOCATION_ID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

struct invocation *invocation_new(struct function *function)
{
	struct invocation *inv = calloc(1, sizeof(*inv));

	if (!inv)
		return NULL;
	inv->function = function;
	inv->refs = 1;
	timeline_mark(&inv->timeline, TIMELINE_ACCEPTED);
	pthread_mutex_init(&inv->lock, NULL);
	invocation_uuid(inv->id);
	return inv;
}

struct invocation *invocation_get(struct invocation *inv)
{
	__atomic_fetch_add(&inv->refs, 1, __ATOMIC_RELAXED);
	return inv;
}

static void answer_clear(struct answer *answer)
{
	struct answer_field *field;

	while ((field = answer->fields)) {
		answer->fields = field->next;
		free(field->name);
		free(field->value);
		free(field);
	}
	free(answer->data);
	free(answer->error);
	*answer = (struct answer){ 0 };
}

void invocation_put(struct invocation *inv)
{
	if (__atomic_sub_fetch(&inv->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (inv->answer.end)
		timelines_keep(inv->function->timelines, inv);
	answer_clear(&inv->answer);
	hints_clear(&inv->hints);
	grpc_link_put(inv->grpc);
	pthread_mutex_destroy(&inv->lock);
	free(inv->event);
	free(inv->content_type);
	free(inv->client_context);
	free(inv->trace_id);
	free(inv);
}

static bool answer_reserve(struct answer *answer, size_t more)
{
	size_t cap = answer->cap ? answer->cap : 4096;
	char *grown;

	while (cap < answer->len + more)
		cap *= 2;
	if (cap == answer->cap)
		return true;
	grown = realloc(answer->data, cap);
	if (!grown)
		return false;
	answer->data = grown;
	answer->cap = cap;
	return true;
}

ssize_t invocation_write(struct invocation *inv, const char *data, size_t len)
{
	struct answer *answer = &inv->answer;
	bool streams;

	pthread_mutex_lock(&inv->lock);
	streams = inv->streams && answer->head;
	if (inv->abandoned || answer->end) {
		pthread_mutex_unlock(&inv->lock);
		return len;
	}
	if (streams && len > INVOCATION_STREAM_ROOM - answer->len)
		len = INVOCATION_STREAM_ROOM - answer->len;
	/* Up to the limit: what is beyond it is refused when it comes again. */
	if (streams && len > INVOCATION_STREAM_MAX - answer->total && answer->total < INVOCATION_STREAM_MAX)
		len = INVOCATION_STREAM_MAX - answer->total;
	if (answer->total + len > (streams ? INVOCATION_STREAM_MAX : INVOCATION_PAYLOAD_MAX) || !answer_reserve(answer, len)) {
		pthread_mutex_unlock(&inv->lock);
		return -EMSGSIZE;
	}
	memcpy(answer->data + answer->len, data, len);
	answer->len += len;
	answer->total += len;
	if (streams && len && inv->news)
		inv->news(inv);
	pthread_mutex_unlock(&inv->lock);
	return len;
}

/* Lock held. */
static bool answer_has_begun(const struct invocation *inv)
{
	return inv->streams && inv->answer.head;
}

/* Lock held. */
static void answer_error_add(struct answer *answer, const char *text, size_t len)
{
	char *grown;

	if (len > INVOCATION_ERROR_MAX - answer->error_len)
		len = INVOCATION_ERROR_MAX - answer->error_len;
	grown = realloc(answer->error, answer->error_len + len + 1);
	if (!grown)
		return;
	memcpy(grown + answer->error_len, text, len);
	answer->error = grown;
	answer->error_len += len;
}

ssize_t invocation_write_error(struct invocation *inv, const char *data, size_t len)
{
	bool begun;

	pthread_mutex_lock(&inv->lock);
	begun = answer_has_begun(inv);
	if (begun && !inv->answer.end)
		answer_error_add(&inv->answer, data, len);
	pthread_mutex_unlock(&inv->lock);
	return begun ? (ssize_t)len : invocation_write(inv, data, len);
}

void invocation_restart(struct invocation *inv)
{
	pthread_mutex_lock(&inv->lock);
	if (!inv->answer.end && !answer_has_begun(inv))
		answer_clear(&inv->answer);
	pthread_mutex_unlock(&inv->lock);
}

bool invocation_is_unwanted(struct invocation *inv)
{
	bool unwanted;

	pthread_mutex_lock(&inv->lock);
	unwanted = inv->abandoned && answer_has_begun(inv);
	pthread_mutex_unlock(&inv->lock);
	return unwanted;
}

size_t invocation_read(struct invocation *inv, char *data, size_t len)
{
	struct answer *answer = &inv->answer;

	if (len > answer->len)
		len = answer->len;
	memcpy(data, answer->data, len);
	answer->len -= len;
	memmove(answer->data, answer->data + len, answer->len);
	return len;
}

static void invocation_room(void *arg)
{
	struct invocation *inv = arg;

	if (inv->room)
		inv->room(inv);
	invocation_put(inv);
}

void invocation_drained(struct invocation *inv)
{
	if (loop_post(inv->worker->loop, invocation_room, invocation_get(inv)))
		invocation_put(inv);
}

void invocation_end(struct invocation *inv, enum invocation_end end)
{
	pthread_mutex_lock(&inv->lock);
	if (!inv->answer.end) {
		inv->answer.broken = answer_has_begun(inv) && end != INVOCATION_ANSWERED;
		inv->answer.end = end;
		if (inv->counted)
			functions_over();
		timeline_mark(&inv->timeline, TIMELINE_ENDED);
		if (inv->news)
			inv->news(inv);
	}
	pthread_mutex_unlock(&inv->lock);
}

/* What came of the answer so far gives way to the error, unless the caller has seen its head: then that goes beside it. */
static void invocation_fail_text(struct invocation *inv, const char *type, const char *message)
{
	json_t *json = json_pack("{s:s, s:o}", "errorType", type, "errorMessage",
				 json_sprintf("RequestId: %s Error: %s", inv->id, message));
	auto_free char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	pthread_mutex_lock(&inv->lock);
	if (!inv->answer.end && answer_has_begun(inv)) {
		answer_error_add(&inv->answer, text ? text : "", text ? strlen(text) : 0);
	} else if (!inv->answer.end) {
		answer_clear(&inv->answer);
		if (text && answer_reserve(&inv->answer, strlen(text))) {
			inv->answer.len = strlen(text);
			memcpy(inv->answer.data, text, inv->answer.len);
		}
	}
	pthread_mutex_unlock(&inv->lock);
}

void invocation_fail(struct invocation *inv, const char *type, const char *fmt, ...)
{
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	invocation_fail_text(inv, type, message);
	invocation_end(inv, INVOCATION_FUNCTION_ERROR);
}

void invocation_log(struct invocation *inv, const char *text, size_t len)
{
	pthread_mutex_lock(&inv->lock);
	for (size_t i = 0; inv->log_wanted && i < len; i++)
		inv->log[inv->log_len++ % INVOCATION_LOG_TAIL] = text[i];
	pthread_mutex_unlock(&inv->lock);
}

void invocation_logf(struct invocation *inv, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	invocation_log(inv, line, len < (int)sizeof(line) ? len : (int)sizeof(line) - 1);
}

size_t invocation_log_tail(const struct invocation *inv, char *out)
{
	size_t len = inv->log_len < INVOCATION_LOG_TAIL ? inv->log_len : INVOCATION_LOG_TAIL;

	for (size_t i = 0; i < len; i++)
		out[i] = inv->log[(inv->log_len - len + i) % INVOCATION_LOG_TAIL];
	return len;
}

void answer_field_add(struct answer *answer, const char *name, const char *value)
{
	struct answer_field *field = calloc(1, sizeof(*field)), **p = &answer->fields;

	if (!field)
		return;
	field->name = strdup(name);
	field->value = strdup(value);
	if (!field->name || !field->value) {
		free(field->name);
		free(field->value);
		free(field);
		return;
	}
	while (*p)
		p = &(*p)->next;
	*p = field;
}

void invocation_abandon(struct invocation *inv)
{
	bool open;

	pthread_mutex_lock(&inv->lock);
	inv->abandoned = true;
	inv->news = NULL;
	/* A stream may wait for room that nobody will make. */
	open = inv->worker && !inv->answer.end;
	pthread_mutex_unlock(&inv->lock);
	if (open)
		invocation_drained(inv);
}
