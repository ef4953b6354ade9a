// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of an exchange: a connection, the request, the response, the end;
 * and who is waited for meanwhile, the store (bounded by stall_timeout) or the
 * guest.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include "breaker.h"
#include "config.h"
#include "container.h"
#include "http_step.h"
#include "payload.h"

static void http_run(struct http *http, unsigned int revents);
static void http_take_conn(struct http *http);
static int http_connect(struct http *http);
static void http_again(struct http *http, bool keep);

void http_moved(struct http *http, size_t n)
{
	http->moved_ms = loop_now_ms(http->op->worker->loop);
	http->turn_bytes += n;
}

/* ---- the end ---- */

/* Nothing of ours is left with the loop; the pool stays ours. */
static void http_leave(struct http *http, bool keep)
{
	struct conn *conn = http->conn;

	http->conn = NULL;
	loop_timer_stop(http->op->worker->loop, &http->stall);
	loop_timer_stop(http->op->worker->loop, &http->backoff);
	conn_get_abort(&http->waiter);
	share_leave(&http->turn);
	if (conn)
		conn_put(conn, keep);
	if (http->entered && http->probe)
		breaker_unknown(conn_pool_breaker(http->pool), loop_now_ms(http->op->worker->loop));
	http->entered = false;
}

/* What the attempt tells of the endpoint's health, and of chances for retries. */
static void http_account(struct http *http, int status)
{
	struct breaker *breaker = conn_pool_breaker(http->pool);
	bool ill = http->failure == RETRY_TRANSIENT || http->failure == RETRY_TIMEOUT;

	if (!status) {
		retry_quota_refill(conn_pool_quota(http->pool), http->retry_cost);
		http->retry_cost = 0;
	}
	if (!http->entered || (!http->lost && !http->status))
		return;
	http->entered = false;
	if (http->lost ? !http->status : ill)
		breaker_failure(breaker, http->endpoint, loop_now_ms(http->op->worker->loop),
				http->op->response.error->message);
	else
		breaker_success(breaker);
}

/* Can the span, or the windows, be moved from where they stand? */
static bool http_can_repeat(const struct http *http)
{
	bool unprocessed = http->stage == HTTP_CONNECTING || http->failure == RETRY_THROTTLED;

	if (http->once && !unprocessed)
		return false;
	if (http->parsed && http->received)
		return false;		/* type->body() had a part of it */
	if (!http->span)
		return http_can_replay(http);
	if (http->upload)
		return http->start >= http->op->base;
	return http->resumable ? http->pos >= http->op->base : !http->released && http->start >= http->op->base;
}

/* Send it again, after a while. False: that is no use. */
static bool http_try_again(struct http *http)
{
	struct op *op = http->op;
	uint64_t delay;

	if (http->failure == RETRY_NEVER || !http_can_repeat(http))
		return false;
	if (http->span && http->resumable && http->pos > http->attempt_pos)
		http->attempt = 1;
	if (http->attempt >= http->endpoint->max_attempts || http->retry_after_ms > RETRY_DELAY_MAX_MS)
		return false;
	delay = retry_delay_ms(http->attempt, http->endpoint->retry_backoff_ms, http->retry_after_ms);
	if (delay >= op_time_left_ms(op) || !retry_quota_take(conn_pool_quota(http->pool), http->failure, &http->retry_cost))
		return false;
	http->attempt++;
	counter_add(&http_counters(http)->retries, 1);
	op->response.error = NULL;
	loop_timer_start(op->worker->loop, &http->backoff, delay);
	return true;
}

static void http_leave_pool(struct http *http)
{
	if (http->pool)
		conn_pool_put(http->pool);
	http->pool = NULL;
}

static void http_over(struct http *http, int status)
{
	struct op *op = http->op;

	http_leave_pool(http);
	if (http->type->end)
		http->type->end(http);
	if (http->type->ended) {
		http->type->ended(http, status);
		return;
	}
	if (http->span)
		payload_settle(op, http->pos);
	op_finish(op, status);
}

static void http_end(struct http *http, int status, bool keep)
{
	http_account(http, status);
	http_leave(http, keep);
	if (status < 0 && http_try_again(http))
		return;
	if (status < 0 && http->attempt > 1)
		op_error(http->op, status, http->op->response.error->code, "%s; after %u attempts",
			 http->op->response.error->message, http->attempt);
	http_over(http, status);
}

static void http_complete(struct http *http)
{
	int status = http->type->complete(http, conn_in(http->conn), http->body_len);
	bool keep = http->keep && !http->surplus_len;

	if (status == HTTP_AGAIN) {
		http_account(http, 0);
		http_again(http, keep);
		return;
	}
	if (status < 0)
		http->failure = retry_classify(http->status, http->op->response.error->code);
	http_end(http, status, keep);
}

/* ---- failures ---- */

/* "while receiving, after 3 of 9 bytes" */
static int http_fail(struct http *http, int status, const char *code, const char *what)
{
	static const char *const stages[] = {
		[HTTP_CONNECTING] = "connecting",
		[HTTP_SENDING] = "sending",
		[HTTP_AWAITING] = "waiting for the answer",
		[HTTP_RECEIVING] = "receiving",
	};
	struct op_window *window = http->op->windows;
	uint64_t moved = 0, total = 0;

	if (http->span) {
		moved = http->pos - http->start;
		total = http->end == UINT64_MAX ? 0 : http->end - http->start;
	} else if (http->stage == HTTP_RECEIVING) {
		moved = http->received;
		total = http->announced;
	} else if (http->upload) {
		moved = http->base + (window ? window->done : 0);
		total = http->upload_length;
	}
	if (moved > total)
		return op_error(http->op, status, code, "%s: %s while %s, after %" PRIu64 " bytes of unknown length",
				conn_pool_url(http->pool), what, stages[http->stage], moved);
	return op_error(http->op, status, code, "%s: %s while %s, after %" PRIu64 " of %" PRIu64 " bytes",
			conn_pool_url(http->pool), what, stages[http->stage], moved, total);
}

int http_lost(struct http *http)
{
	if (conn_was_used(http->conn) && !http->answered && !http->retried && http_can_repeat(http))
		return STEP_RETRY;
	http->lost = true;
	http->failure = RETRY_TRANSIENT;
	return http_fail(http, -ECONNRESET, "NexusConnectionLost", "connection lost");
}

static void http_stalled(struct loop_timer *timer)
{
	struct http *http = container_of(timer, struct http, stall);
	struct loop *loop = http->op->worker->loop;
	uint64_t limit = http->endpoint->stall_timeout_ms;
	uint64_t idle = loop_now_ms(loop) - http->moved_ms;
	char what[96];

	if (!http->timing)
		return;
	if (idle < limit) {
		loop_timer_start(loop, timer, limit - idle);
		return;
	}
	if (http->stage == HTTP_RECEIVING && !http_body_matters(http)) {
		/* The status is known; only its explanation is cut short. */
		http->keep = false;
		http_complete(http);
		return;
	}
	snprintf(what, sizeof(what), "no byte moved for %" PRIu64 " ms (stall_timeout)", limit);
	http->lost = true;
	http->failure = RETRY_TIMEOUT;
	http_end(http, http_fail(http, -ETIMEDOUT, "NexusTimeout", what), false);
}

/* ---- waiting ---- */

static void http_ready(void *arg, unsigned int revents)
{
	http_run(arg, revents);
}

/* Wait for whatever the last step asked for. */
static int http_rest(struct http *http, int step)
{
	struct loop *loop = http->op->worker->loop;
	unsigned int events = POLLIN;
	bool was_timing = http->timing;

	http->starved = step == STEP_GUEST;
	http->timing = !http->starved && !(http->patient && http->stage == HTTP_AWAITING);
	if (http->timing && !was_timing)
		http->moved_ms = loop_now_ms(loop);
	if (http->timing && !http->stall.deadline_ms)
		loop_timer_start(loop, &http->stall, http->endpoint->stall_timeout_ms);
	if (step == STEP_GUEST && http->stage == HTTP_RECEIVING)
		return conn_wait(http->conn, 0, NULL, NULL);
	if (step == STEP_YIELD) {
		/* A socket can nearly always be written: the callback comes with the next turn. */
		http->readable = true;
		events |= POLLOUT;
	} else if (step == STEP_SOCKET && http->stage == HTTP_SENDING) {
		events |= POLLOUT;
	}
	return conn_wait(http->conn, events, http_ready, http);
}

/* ---- stages ---- */

static int http_step(struct http *http)
{
	switch (http->stage) {
	case HTTP_SENDING:
		return http_send(http);
	case HTTP_AWAITING:
		return http->readable ? http_receive_head(http) : STEP_SOCKET;
	default:
		return http_receive_body(http);
	}
}

/* To the beginning of payload of which no window was given back yet. */
static void http_rewind(struct http *http)
{
	if (http->op->windows && !http->span)
		http->op->windows->done = 0;
	http->checked = http->fin = http->has_held = http->turned = false;
	http->framed = http->framed_end = false;
	http->frame_len = http->frame_sent = 0;
	http->base = 0;
	if (http->upload)
		http->pos = http->start;
}

/* Once more, all of it. */
static void http_retry(struct http *http)
{
	struct conn *conn = http->conn;

	http->retried = true;
	http->waiter.fresh = true;
	http->conn = NULL;
	http->stage = HTTP_CONNECTING;
	http->broken = false;
	if (http->upload)
		http_rewind(http);
	loop_timer_stop(http->op->worker->loop, &http->stall);
	conn_put(conn, false);
	http_take_conn(http);
}

/* Its tenant has had its share of this turn: as little as looking at the socket until http_resume(). */
static void http_pause(struct http *http)
{
	http->timing = false;
	conn_wait(http->conn, 0, NULL, NULL);
}

static void http_resume(struct share_turn *turn)
{
	struct http *http = container_of(turn, struct http, turn);

	http->readable = true;	/* maybe: events were not looked at */
	http_run(http, 0);
}

static void http_run(struct http *http, unsigned int revents)
{
	int step, ret;

	http->readable |= (revents & ~POLLOUT) != 0;
	http->turn_bytes = 0;
	http->turn_limit = share_take(&http->turn);
	if (!http->turn_limit) {
		http_pause(http);
		return;
	}
	if (http->turn_limit > HTTP_TURN_BYTES)
		http->turn_limit = HTTP_TURN_BYTES;
	http->running = true;
	do
		step = http_step(http);
	while (step == STEP_NEXT);
	http->running = false;
	share_moved(&http->turn, http->turn_bytes);
	switch (step) {
	case STEP_COMPLETE:
		http_complete(http);
		break;
	case STEP_RETRY:
		http_retry(http);
		break;
	case STEP_AGAIN:
		http_account(http, 0);
		http_again(http, false);
		break;
	case STEP_SOCKET:
		http->readable = false;
		/* fall through */
	case STEP_GUEST:
	case STEP_YIELD:
		ret = http_rest(http, step);
		if (ret)
			http_end(http, op_error(http->op, ret, "NexusInternal", "cannot wait for a socket: %s",
						strerror(-ret)), false);
		break;
	default:
		http_end(http, step, false);
	}
}

/* ---- the beginning ---- */

static void http_begin(struct http *http, struct conn *conn)
{
	struct text out = { .data = conn_out(conn), .cap = CONN_OUT_SIZE };
	int ret;

	http->conn = conn;
	ret = http->type->request(http, &out);
	if (!ret && out.overflow)
		ret = op_error(http->op, -EMSGSIZE, "NexusLimitExceeded",
			       "the request's head is longer than %u bytes; use less metadata", CONN_OUT_SIZE);
	if (ret) {
		http_end(http, ret, true);
		return;
	}
	http->out_len = out.len;
	http->out_sent = http->own_body_sent = 0;
	http->in_len = http->in_private = 0;
	http->steps = 0;
	http->stage = HTTP_SENDING;
	http->moved_ms = loop_now_ms(http->op->worker->loop);
	counter_add(&http_counters(http)->store_requests, 1);
	http_run(http, 0);
}

static void http_granted(struct conn_waiter *waiter, struct conn *conn)
{
	struct http *http = container_of(waiter, struct http, waiter);
	const char *url = conn_pool_url(http->pool);
	int ret;

	if (conn) {
		http_begin(http, conn);
		return;
	}
	http->lost = !waiter->denied;
	http->failure = waiter->status == -ETIMEDOUT ? RETRY_TIMEOUT :
			waiter->denied || waiter->status == -EPROTO || waiter->status == -ENOMEM ? RETRY_NEVER : RETRY_TRANSIENT;
	if (waiter->status == -ETIMEDOUT)
		ret = op_error(http->op, -ETIMEDOUT, "NexusTimeout", "%s: no answer for %u ms (connect_timeout) while connecting: %s",
			       url, http->endpoint->connect_timeout_ms, waiter->reason);
	else
		ret = op_error(http->op, waiter->status, waiter->denied ? "NexusPolicyDenied" : "NexusConnectionFailed",
			       "cannot connect to %s: %s", url, waiter->reason);
	http_end(http, ret, false);
}

static int http_find_pool(struct http *http)
{
	http->pool = conn_pool_find(http->op->worker->pools, http->op->tenant, http->endpoint);
	if (http->pool)
		return 0;
	if (errno == EBUSY)
		return op_error(http->op, -EBUSY, "NexusLimitExceeded",
				"%u other HTTP origins are in use: wait for an operation to end", CONN_ORIGINS_MAX);
	return op_error(http->op, -ENOMEM, "NexusInternal", "out of memory");
}

/* As before the first attempt. */
static void http_reset(struct http *http)
{
	if (http->upload || http->download)
		http_rewind(http);
	http->broken = http->answered = http->retried = http->readable = http->timing = http->starved = false;
	http->payload = http->parsed = http->body_waits = http->body_end = http->lost = false;
	http->body_len = http->surplus_len = 0;
	http->announced = http->received = 0;
	http->chunk = (struct chunk){ 0 };
	http->status = http->verdict = 0;
	http->failure = RETRY_NEVER;
	http->retry_after_ms = 0;
	http->attempt_pos = http->pos;
	http->stage = HTTP_CONNECTING;
}

/* The next request of the same operation. */
static void http_again(struct http *http, bool keep)
{
	int ret;

	http_leave(http, keep);
	http_leave_pool(http);
	http_reset(http);
	http->waiter.fresh = http->released;	/* no second try any more */
	ret = http_find_pool(http);
	if (!ret)
		ret = http_connect(http);
	if (ret)
		http_over(http, ret);
}

static void http_backed_off(struct loop_timer *timer)
{
	struct http *http = container_of(timer, struct http, backoff);
	int ret;

	if (!http->span || !http->resumable)
		http->pos = http->start;
	if (http->pos > http->start)
		counter_add(&http_counters(http)->resumed, 1);
	http_reset(http);
	http->waiter.fresh = false;
	ret = http_connect(http);
	if (ret)
		http_over(http, ret);
}

static void http_take_conn(struct http *http)
{
	struct conn *conn = conn_get(http->pool, &http->waiter);

	if (conn)
		http_begin(http, conn);
}

/* 0; or -EHOSTDOWN after op_error(). */
static int http_connect(struct http *http)
{
	char text[384];
	int ret;

	ret = breaker_enter(conn_pool_breaker(http->pool), loop_now_ms(http->op->worker->loop), text, sizeof(text));
	if (ret < 0)
		return op_error(http->op, ret, "NexusCircuitOpen", "%s", text);
	http->entered = true;
	http->probe = ret;
	http_take_conn(http);
	return 0;
}

int http_start(struct http *http)
{
	int ret = http_check_window(http);

	if (ret)
		return ret;
	ret = http_find_pool(http);
	if (ret)
		return ret;
	http->stall.expired = http_stalled;
	http->backoff.expired = http_backed_off;
	http->turn.op = http->op;
	http->turn.resume = http_resume;
	http->waiter.granted = http_granted;
	http->waiter.fresh = false;
	http->attempt = 1;
	http->released = false;
	http->pos = http->start;
	http_reset(http);
	ret = http_connect(http);
	if (ret)
		http_leave_pool(http);
	return ret;
}

void http_window(struct http *http)
{
	if (http->conn && http->starved && !http->running)
		http_run(http, 0);
}

void http_abort(struct http *http)
{
	http_leave(http, false);
	http_leave_pool(http);
	if (http->type->end)
		http->type->end(http);
	if (http->span && !http->type->ended)
		payload_settle(http->op, http->pos);
}
