// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "config.h"
#include "gate.h"
#include "op.h"
#include "policy.h"
#include "rules.h"
#include "tenant.h"
#include "worker.h"

/* The object that the request names; *named false: this kind names none. */
static const Nexus__V1__ObjectName *policy_object(const Nexus__V1__Request *request, bool *named)
{
	*named = true;
	switch (request->op_case) {
	case NEXUS__V1__REQUEST__OP_GET_OBJECT:
		return request->get_object->object;
	case NEXUS__V1__REQUEST__OP_PUT_OBJECT:
		return request->put_object->object;
	case NEXUS__V1__REQUEST__OP_HEAD_OBJECT:
		return request->head_object->object;
	case NEXUS__V1__REQUEST__OP_DELETE_OBJECT:
		return request->delete_object->object;
	default:
		*named = false;
		return NULL;
	}
}

static int policy_enter(struct op *op)
{
	const Nexus__V1__ObjectName *object;
	size_t len;
	bool named;

	object = policy_object(op->request, &named);
	if (!named)
		return 0;
	if (!tenant_endpoint(op->tenant, "s3")) {
		counter_add(&op->worker->counters.denied, 1);
		return op_error(op, -EACCES, "NexusPolicyDenied",
				"tenant %s has no endpoint for s3: name one in `endpoint` of [tenant %s]",
				op->tenant->name, op->tenant->name);
	}
	if (!object)
		return op_error(op, -EINVAL, "NexusBadRequest", "the request names no object");
	/* A name with other characters could leave the allow-list's prefix by its path. */
	len = strspn(object->bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-");
	if (len < 3 || len > 63 || object->bucket[len])
		return op_error(op, -EINVAL, "NexusBadRequest",
				"\"%.64s\" is no bucket's name: 3 to 63 characters of a-z 0-9 . -", object->bucket);
	if (rules_allow_key(tenant_rules(op->tenant), object->bucket, object->key))
		return 0;
	counter_add(&op->worker->counters.denied, 1);
	return op_error(op, -EACCES, "NexusPolicyDenied",
			"bucket %s is not on the allow-list of tenant %s: add it to `buckets` in [tenant %s]",
			object->bucket, op->tenant->name, op->tenant->name);
}

bool policy_allows_key(const struct op *op, const char *bucket, const char *key, const char *action)
{
	const struct rules *rules = tenant_rules(op->tenant);

	return rules_allow_action(rules, action, false) && rules_allow_key(rules, bucket, key);
}

int policy_http(struct op *op, const char *method, const struct endpoint *endpoint)
{
	const struct rules *rules = tenant_rules(op->tenant);
	char action[64];

	snprintf(action, sizeof(action), "http:%s", method);
	if (!rules_allow_action(rules, action, false)) {
		counter_add(&op->worker->counters.denied, 1);
		return op_error(op, -EACCES, "NexusPolicyDenied",
				"%.40s is not allowed for tenant %s: add http:%.40s to `operations` in [tenant %s]",
				method, op->tenant->name, method, op->tenant->name);
	}
	if (!rules_allow_host(rules, endpoint->host, endpoint->port, endpoint->tls ? 443 : 80)) {
		counter_add(&op->worker->counters.denied, 1);
		return op_error(op, -EACCES, "NexusPolicyDenied",
				"%.200s is not allowed for tenant %s: add %.200s to `http_hosts` in [tenant %s]",
				endpoint->url, op->tenant->name, endpoint->authority, op->tenant->name);
	}
	return 0;
}

const struct gate policy_gate = {
	.name = "policy",
	.enter = policy_enter,
};
