// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate that keeps the order. A claim stands in its guest's list from the
 * gate until the operation's end, which the guest was told: the slot is done, so
 * that a daemon that dies now does not run an old write after a new one.
 *
 * Only claims of writes are waited for, and only by claims that came later, so
 * nobody waits in a circle. Each counts whom it waits for, and an upload is
 * waited for by those only that came after its last window: the count is the
 * same when it is made and when it is taken back.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "channel.h"
#include "config.h"
#include "function.h"
#include "gate.h"
#include "journal.h"
#include "log.h"
#include "op_core.h"
#include "order.h"
#include "order_names.h"
#include "worker.h"
#include "writes.h"

struct order_claim {
	struct order_claim *next, *prev;
	struct op *op;
	struct order_name names[ORDER_NAMES_MAX];
	unsigned int nr_names;
	uint64_t seq;
	uint64_t fin_seq;	/* newest claim when all its data was here; 0: not yet */
	uint32_t waits_for;	/* claims */
	bool deferred;		/* acknowledged when all its data is here */
	uint64_t unwritten;	/* bytes that it adds to its tenant's */
};

static struct order *order_of(const struct op *op)
{
	return &op->channel->guest->order;
}

/* ---- who waits for whom ---- */

static bool claim_has_all(const struct order_claim *claim, const struct order_claim *later)
{
	return claim->fin_seq && claim->fin_seq < later->seq;
}

static bool order_waits_for_all(enum order_kind kind)
{
	return kind == ORDER_FLUSH || kind == ORDER_WRITE;
}

static bool claim_blocks(const struct order_claim *claim, const struct order_claim *later)
{
	if (!claim_has_all(claim, later))
		return false;
	for (unsigned int i = 0; i < claim->nr_names; i++) {
		if (claim->names[i].kind != ORDER_WRITE)
			continue;
		for (unsigned int j = 0; j < later->nr_names; j++) {
			if ((claim->deferred || order_waits_for_all(later->names[j].kind)) &&
			    order_names_meet(&claim->names[i], &later->names[j]))
				return true;
		}
	}
	return false;
}

/* Its data comes in windows, the last of which has FIN. */
static bool claim_uploads(const struct op *op)
{
	switch (op->request->op_case) {
	case NEXUS__V1__REQUEST__OP_PUT_OBJECT:
	case NEXUS__V1__REQUEST__OP_DELETE_OBJECTS:
	case NEXUS__V1__REQUEST__OP_COMPLETE_MULTIPART_UPLOAD:
		return true;
	default:
		return false;
	}
}

static void claim_append(struct order *order, struct order_claim *claim)
{
	claim->next = NULL;
	claim->prev = order->last;
	if (claim->prev)
		claim->prev->next = claim;
	else
		order->first = claim;
	order->last = claim;
}

static void claim_remove(struct order *order, struct order_claim *claim)
{
	if (claim->prev)
		claim->prev->next = claim->next;
	else
		order->first = claim->next;
	if (claim->next)
		claim->next->prev = claim->prev;
	else
		order->last = claim->prev;
}

/* ---- unwritten data ---- */

static struct tenant_writes *order_writes(struct guest *guest)
{
	if (!guest->order.tenant)
		guest->order.tenant = writes_of(guest->tenant->name);
	return guest->order.tenant;
}

/* The guest's, if events come to it; else NULL. */
static const struct function_config *order_function(const struct guest *guest)
{
	const struct function *function = function_find(guest->function);

	return function && function->config->tenant == guest->tenant ? function->config : NULL;
}

/* As configured for uploads that do not say; 0: it is not. Constant for a guest, so that it and we never differ. */
static uint32_t order_configured_mode(const struct guest *guest)
{
	const struct function_config *config = order_function(guest);

	return config && config->write_mode ? config->write_mode : guest->tenant->write_mode;
}

/* The guest, who knows when it works on an event, says "deferred" itself where that is the default (NEXUS_HOST_INVOKED). */
static uint32_t order_default_mode(const struct guest *guest)
{
	uint32_t mode = order_configured_mode(guest);

	return mode ? mode : NEXUS__V1__WRITE_MODE__THROUGH;
}

void order_tell(struct channel *channel)
{
	struct nexus_ring_header *header = (struct nexus_ring_header *)channel->arena.base;
	const struct tenant *tenant = channel->guest->tenant;
	const struct tenant_writes *writes = order_writes(channel->guest);
	uint32_t mode = order_configured_mode(channel->guest);
	uint32_t flags = nexus_load(&header->host_flags) &
			 ~(NEXUS_HOST_DEFERRED | NEXUS_HOST_INVOKED | NEXUS_HOST_THROUGH);

	if (mode == NEXUS__V1__WRITE_MODE__DEFERRED)
		flags |= NEXUS_HOST_DEFERRED;
	if (!mode && order_function(channel->guest))
		flags |= NEXUS_HOST_INVOKED;
	if (writes && writes_unwritten(writes) > tenant->max_unwritten)
		flags |= NEXUS_HOST_THROUGH;
	nexus_store(&header->host_flags, flags);
}

static void order_charge(struct order_claim *claim, int64_t bytes)
{
	struct channel *channel = claim->op->channel;

	writes_add(channel->guest->order.tenant, bytes);
	if (channel->state == CHANNEL_SERVED)
		order_tell(channel);
}

static Nexus__V1__WriteMode order_write_mode(const struct op *op)
{
	Nexus__V1__WriteMode mode = op->request->put_object->write_mode;

	return mode == NEXUS__V1__WRITE_MODE__TENANT_DEFAULT ? order_default_mode(op->channel->guest) : mode;
}

static int order_journal(struct op *op, const struct tenant_writes *writes)
{
	if (!journal_enabled())
		return op_error(op, -ENOTSUP, "NexusUnsupported",
				"this host has no journal: set `journal` in [backend], or use another write mode");
	if (!writes || writes_unwritten(writes) > op->tenant->max_unwritten) {
		counter_add(&op->worker->counters.writes_degraded, 1);
		return 0;
	}
	journal_choose(op);
	return 0;
}

/* How a put is acknowledged. */
static int order_put(struct order_claim *claim)
{
	const Nexus__V1__PutObject *put = claim->op->request->put_object;
	const struct tenant_writes *writes = order_writes(claim->op->channel->guest);
	struct worker *worker = claim->op->worker;

	switch (order_write_mode(claim->op)) {
	case NEXUS__V1__WRITE_MODE__THROUGH:
		return 0;
	case NEXUS__V1__WRITE_MODE__DEFERRED:
		break;
	case NEXUS__V1__WRITE_MODE__JOURNALED:
		return order_journal(claim->op, writes);
	default:
		return op_error(claim->op, -EINVAL, "NexusBadRequest", "write mode %d is not known", put->write_mode);
	}
	if (!writes)
		return op_error(claim->op, -ENOMEM, "NexusInternal", "the host has not enough memory");
	claim->deferred = true;
	counter_add(&worker->counters.writes_deferred, 1);
	/* The guest, which saw the flag, waits for the completion. */
	if (writes_unwritten(writes) > claim->op->tenant->max_unwritten)
		counter_add(&worker->counters.writes_degraded, 1);
	claim->unwritten = put->content_length < INT64_MAX ? put->content_length : 0;
	order_charge(claim, claim->unwritten);
	return 0;
}

/* ---- the gate ---- */

static int order_enter(struct op *op)
{
	struct order *order = order_of(op);
	struct order_name names[ORDER_NAMES_MAX];
	unsigned int nr_names = order_names(op->request, names);
	struct order_claim *claim;
	bool writes = false;
	int ret;

	for (unsigned int i = 0; i < nr_names; i++)
		writes |= names[i].kind == ORDER_WRITE;
	if (!nr_names || (!writes && !order->first))
		return 0;
	claim = memset(op_alloc(op, sizeof(*claim)), 0, sizeof(*claim));
	claim->op = op;
	claim->nr_names = nr_names;
	memcpy(claim->names, names, sizeof(names));
	claim->seq = ++order->seq;
	if (!claim_uploads(op) || op->core->fin)
		claim->fin_seq = claim->seq;
	if (op->request->op_case == NEXUS__V1__REQUEST__OP_PUT_OBJECT) {
		ret = order_put(claim);
		if (ret)
			return ret;
	}
	for (const struct order_claim *earlier = order->first; earlier; earlier = earlier->next)
		claim->waits_for += claim_blocks(earlier, claim);
	if (!writes && !claim->waits_for)
		return 0;
	claim_append(order, claim);
	op->core->claim = claim;
	return claim->waits_for ? GATE_PARKED : 0;
}

void order_fin(struct op *op)
{
	struct order_claim *claim = op->core->claim;

	if (claim && !claim->fin_seq)
		claim->fin_seq = order_of(op)->seq;
}

/* What a deferred write failed of, for whoever asks; the log, if nobody can. */
static void order_remember(struct order *order, const struct order_claim *claim)
{
	const Nexus__V1__Error *error = claim->op->response.error;
	struct order_failure failure = { .status = claim->op->core->status };

	snprintf(failure.code, sizeof(failure.code), "%s", error && *error->code ? error->code : "NexusInternal");
	snprintf(failure.message, sizeof(failure.message), "the deferred write of s3://%s/%.200s failed: %.200s",
		 claim->names[0].bucket, claim->names[0].key, error ? error->message : strerror(-failure.status));
	if (claim->op->channel->state == CHANNEL_CLOSING) {
		for (char *p = failure.message; *p; p++) {
			if (iscntrl((unsigned char)*p))
				*p = '?';
		}
		log_warning("function %s of tenant %s, which has gone: %s: %s", claim->op->channel->guest->function,
			    claim->op->tenant->name, failure.code, failure.message);
	}
	if (!order->failure.status)
		order->failure = failure;
}

static void order_leave(struct op *op)
{
	struct order_claim *claim = op->core->claim;
	struct order *order = order_of(op);

	if (!claim)
		return;
	op->core->claim = NULL;
	claim_remove(order, claim);
	if (claim->deferred && claim->fin_seq && op->core->status < 0)
		order_remember(order, claim);
	if (claim->deferred)
		order_charge(claim, -(int64_t)claim->unwritten);
	for (struct order_claim *later = claim->next; later; later = later->next) {
		if (later->waits_for && claim_blocks(claim, later) && !--later->waits_for)
			gate_open(later->op);
	}
}

const struct gate order_gate = {
	.name = "order",
	.enter = order_enter,
	.leave = order_leave,
};

int order_settled(struct op *op)
{
	struct order_failure *failure = &order_of(op)->failure;
	int status = failure->status;

	if (!status)
		return 0;
	failure->status = 0;
	return op_error(op, status, failure->code, "%s", failure->message);
}
