// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include "channel.h"
#include "container.h"
#include "grpc_call.h"
#include "h2.h"
#include "worker_core.h"

/* ---- life ---- */

static void call_expired(struct loop_timer *timer)
{
	struct grpc_call *call = container_of(timer, struct grpc_call, deadline);

	if (call->broken)
		grpc_call_cancel(call, GRPC_CANCELLED, "an operation was cancelled within a message");
	else
		grpc_call_cancel(call, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded");
}

static bool call_name(struct grpc_call *call, struct channel *channel)
{
	unsigned int count = 0;

	for (const struct grpc_call *other = channel->grpc_calls; other; other = other->next)
		count++;
	if (count >= GRPC_CALLS_MAX || channel->guest->grpc_calls >= GRPC_GUEST_CALLS_MAX)
		return false;
	/* Of 2^32, so that a handle that is gone is nobody else's for long. */
	do {
		call->handle = ++channel->grpc_handles;
	} while (!call->handle || grpc_call_find(channel, call->handle));
	call->channel = channel;
	call->next = channel->grpc_calls;
	call->prev = &channel->grpc_calls;
	if (call->next)
		call->next->prev = &call->next;
	channel->grpc_calls = call;
	channel->guest->grpc_calls++;
	return true;
}

struct grpc_call *grpc_call_new(struct worker *worker, struct channel *channel)
{
	struct grpc_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	if (channel && !call_name(call, channel)) {
		free(call);
		return NULL;
	}
	call->worker = worker;
	call->refs = 1;
	call->max_message = GRPC_MESSAGE_MAX;
	call->rx_encoding = call->tx_encoding = "";
	call->deadline.expired = call_expired;
	return call;
}

struct grpc_call *grpc_call_find(struct channel *channel, uint32_t handle)
{
	struct grpc_call *call = channel->grpc_calls;

	while (call && call->handle != handle)
		call = call->next;
	return call;
}

void grpc_call_get(struct grpc_call *call)
{
	call->refs++;
}

/* Not inlined: gcc would take one reference for another. */
__attribute__((noinline)) void grpc_call_put(struct grpc_call *call)
{
	if (--call->refs)
		return;
	grpc_metadata_clear(&call->initial);
	grpc_metadata_clear(&call->trailing);
	free(call->details);
	free(call->invocation);
	free(call->rx);
	free(call);
}

void grpc_call_leave(struct grpc_call *call)
{
	loop_timer_stop(call->worker->loop, &call->deadline);
	if (call->far)
		call->type->leave(call);
	call->far = NULL;
}

void grpc_call_forget(struct grpc_call *call)
{
	grpc_call_leave(call);
	if (call->prev) {
		*call->prev = call->next;
		if (call->next)
			call->next->prev = call->prev;
		call->prev = NULL;
		call->channel->guest->grpc_calls--;
		grpc_call_put(call);
	}
}

void grpc_call_close(struct grpc_call *call)
{
	grpc_call_get(call);
	if (!call->over)
		grpc_call_cancel(call, call->server ? GRPC_UNKNOWN : GRPC_CANCELLED, "the call was closed");
	grpc_call_forget(call);
	grpc_call_put(call);
}

void grpc_calls_close(struct channel *channel)
{
	struct grpc_call *call;

	while ((call = channel->grpc_calls)) {
		call->dying = true;
		grpc_call_get(call);
		grpc_call_cancel(call, GRPC_UNAVAILABLE, "the function's instance has died");
		grpc_call_forget(call);
		grpc_call_put(call);
	}
}

/* ---- from the other side ---- */

void grpc_call_initial(struct grpc_call *call)
{
	call->has_initial = true;
	grpc_call_receive(call);
}

bool grpc_call_data(struct grpc_call *call, const char *data, size_t len)
{
	char *grown;

	if (call->rx_pos) {
		memmove(call->rx, call->rx + call->rx_pos, grpc_call_waiting(call));
		call->rx_len -= call->rx_pos;
		call->rx_pos = 0;
	}
	if (len > H2_WINDOW - call->rx_len)
		return false;
	if (call->rx_len + len > call->rx_cap) {
		call->rx_cap = call->rx_len + len < 4096 ? 4096 : H2_WINDOW;
		grown = realloc(call->rx, call->rx_cap);
		if (!grown)
			return false;
		call->rx = grown;
	}
	memcpy(call->rx + call->rx_len, data, len);
	call->rx_len += len;
	grpc_call_receive(call);
	return true;
}

void grpc_call_half_close(struct grpc_call *call)
{
	call->half_closed = true;
	grpc_call_receive(call);
}

void grpc_call_over(struct grpc_call *call, enum grpc_status status, const char *details)
{
	if (call->over)
		return;
	grpc_call_get(call);
	call->over = true;
	if (!call->server)
		counter_add(&call->worker->counters.grpc_failures, status != GRPC_OK);
	call->status = status;
	call->details = strndup(details, GRPC_DETAILS_MAX);
	grpc_call_leave(call);
	grpc_call_send(call);
	grpc_call_receive(call);
	grpc_call_put(call);
}

void grpc_call_cancel(struct grpc_call *call, enum grpc_status status, const char *details)
{
	if (call->over)
		return;
	if (call->server && call->far)
		call->type->finish(call, status, details, &(struct grpc_metadata){ 0 });
	/* What came is not what was asked for any more. */
	call->cut = true;
	grpc_metadata_clear(&call->trailing);
	if (!call->in_message)
		call->rx_pos = call->rx_len = 0;
	grpc_call_over(call, status, details);
}

void grpc_call_room(struct grpc_call *call)
{
	grpc_call_send(call);
}

void grpc_call_break(struct grpc_call *call)
{
	call->broken = true;
	loop_timer_start(call->worker->loop, &call->deadline, 0);
}

void grpc_call_deadline(struct grpc_call *call, uint32_t timeout_ms)
{
	if (timeout_ms)
		loop_timer_start(call->worker->loop, &call->deadline, timeout_ms);
}
