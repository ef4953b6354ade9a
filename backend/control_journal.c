// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "container.h"
#include "control_journal.h"
#include "journal.h"
#include "journal_format.h"
#include "log.h"
#include "nexus.pb-c.h"

#define LIST_MAX	1000	/* records that are told of at a time */

/* Names are the guest's: what is no UTF-8 is left out. */
static void list_add(const struct journal_refused *refused, void *arg)
{
	const struct journal_refusal *refusal = refused->refusal;
	const struct journal_header *head = refused->head;
	Nexus__V1__Request *request = nexus__v1__request__unpack(NULL, head->request_len, (const uint8_t *)(head + 1));
	const Nexus__V1__PutObject *put = request && request->op_case == NEXUS__V1__REQUEST__OP_PUT_OBJECT ?
						  request->put_object : NULL;
	json_t *object = json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:I}", "id", (json_int_t)refusal->number,
				   "tenant", head->tenant, "function", head->function,
				   "bytes", (json_int_t)head->payload_len, "time", (json_int_t)refusal->time,
				   "refusals", (json_int_t)refusal->refusals,
				   "http_status", (json_int_t)refusal->http_status);

	json_object_set_new(object, "code", json_string(refusal->code));
	json_object_set_new(object, "message", json_string(refusal->message));
	if (put && put->object) {
		json_object_set_new(object, "bucket", json_string(put->object->bucket));
		json_object_set_new(object, "key", json_string(put->object->key));
	}
	json_array_append_new(arg, object);
	if (request)
		nexus__v1__request__free_unpacked(request, NULL);
}

/* The oldest first. */
void verb_journal_list(struct control_call *call, const json_t *arguments)
{
	json_t *list = json_array();
	int ret = journal_refused_each(LIST_MAX, list_add, list);

	(void)arguments;
	if (ret) {
		json_decref(list);
		control_fail(call, "cannot read the journal: %s", strerror(-ret));
		return;
	}
	control_reply(call, list);
}

struct control_order {
	struct journal_order order;
	struct control_call *call;
};

static void order_replied(void *arg)
{
	struct control_order *order = container_of((struct journal_order *)arg, struct control_order, order);
	const struct journal_order *o = &order->order;

	if (!o->status)
		control_reply(order->call, json_pack("{s:I}", "records", (json_int_t)o->count));
	else if (o->status == -ENOENT)
		control_fail(order->call, "there is no such record: see nexusctl journal list");
	else
		control_fail(order->call, "after %u records: %s%s", o->count, strerror(-o->status),
			     o->status == -ENOSPC ? ": free some of the journal's disk" : "");
	free(order);
}

/* {"id": N}, or {} for all. */
static void order_begin(struct control_call *call, const json_t *arguments, bool drop)
{
	json_int_t id = json_integer_value(json_object_get(arguments, "id"));
	struct control_order *order = calloc(1, sizeof(*order));
	int ret = -ENOMEM;

	if (order) {
		order->call = call;
		order->order.owner = control_loop();
		order->order.reply = order_replied;
		order->order.drop = drop;
		order->order.first = id;
		order->order.last = id ? (uint64_t)id : UINT64_MAX;
		ret = journal_order(&order->order);
	}
	if (!ret)
		return;
	free(order);
	control_fail(call, ret == -ENXIO ? "no journal is configured" : "out of memory");
}

void verb_journal_retry(struct control_call *call, const json_t *arguments)
{
	order_begin(call, arguments, false);
}

void verb_journal_drop(struct control_call *call, const json_t *arguments)
{
	order_begin(call, arguments, true);
}
