// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "container.h"
#include "gate.h"
#include "op_memory.h"
#include "store_harness.h"

struct call_block {
	struct call_block *next;
	char memory[] __attribute__((aligned(16)));
};

static struct call *call_of(struct op *op)
{
	return container_of(op, struct call, op);
}

/* ---- op.h ---- */

/* An operation of the backend's own is no call, but has a core. */
static struct call_block **blocks_of(struct op *op)
{
	return op->core ? (struct call_block **)&op->core->blocks : &call_of(op)->blocks;
}

static void blocks_free(struct call_block **blocks)
{
	struct call_block *block;

	while ((block = *blocks)) {
		*blocks = block->next;
		free(block);
	}
}

void op_memory_reset(struct op_core *core)
{
	blocks_free((struct call_block **)&core->blocks);
}

void worker_add(struct worker *worker, struct worker_client *client)
{
	client->next = worker->core->clients;
	client->prev = &worker->core->clients;
	if (client->next)
		client->next->prev = &client->next;
	worker->core->clients = client;
}

void worker_remove(struct worker_client *client)
{
	*client->prev = client->next;
	if (client->next)
		client->next->prev = client->prev;
}

void *op_alloc(struct op *op, size_t size)
{
	struct call_block *block = malloc(sizeof(*block) + size), **blocks = blocks_of(op);

	if (!block)
		abort();
	block->next = *blocks;
	*blocks = block;
	return block->memory;
}

char *op_strndup(struct op *op, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = op_alloc(op, len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *op_strdup(struct op *op, const char *s)
{
	return op_strndup(op, s, strlen(s));
}

int op_error(struct op *op, int status, const char *code, const char *fmt, ...)
{
	Nexus__V1__Error *error = op_alloc(op, sizeof(*error));
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	nexus__v1__error__init(error);
	error->code = op_strdup(op, code);
	error->message = op_strdup(op, message);
	op->response.error = error;
	return status;
}

/* The head window goes; what a download put there is kept. */
static void window_drop(struct call *call)
{
	struct op_window *window = call->op.windows;

	call->turned |= window->fin && call->op.type->exchange;
	if ((!call->upload || call->turned) && !call->scratch) {
		call->received = realloc(call->received, call->received_len + window->done + 1);
		memcpy(call->received + call->received_len, window->data, window->done);
		call->received_len += window->done;
	}
	call->op.windows = window->next;
	if (!call->op.windows)
		call->tail = &call->op.windows;
	if (!call->scratch)
		free(window->data);
	free(window);
}

static void call_refill(void *arg)
{
	struct call *call = arg;

	call->refill_posted = false;
	if (!call->finished)
		call_window(call, call->window_size);
}

void op_window_done(struct op *op)
{
	struct call *call = call_of(op);

	if (op->windows->done != op->windows->len)
		abort();
	call->windows_done++;
	op->base += op->windows->len;
	window_drop(call);
	if (!call->manual && (!call->fin_sent || call->op.type->exchange) && !call->refill_posted) {
		call->refill_posted = true;
		loop_post(call->harness->worker.loop, call_refill, call);
	}
}

void op_finish(struct op *op, int status)
{
	struct call *call = call_of(op);

	if (call->finished)
		abort();
	call->finished = true;
	call->status = status;
	while (op->windows)
		window_drop(call);
	free(op->state);
	op->state = NULL;
	loop_stop(call->harness->worker.loop);
}

uint64_t op_time_left_ms(const struct op *op)
{
	(void)op;
	return 60000;
}

/* Calls pass no gates; a test of one has its own. */
__attribute__((weak)) void gate_open(struct op *op)
{
	(void)op;
	abort();
}

/* ---- calls ---- */

void call_window(struct call *call, uint32_t size)
{
	struct op_window *window = calloc(1, sizeof(*window));
	size_t rest = call->upload_len - call->uploaded;
	bool exchange = call->op.type->exchange;

	window->len = size;
	/* An exchange's last window may be larger than what it sends. */
	if (call->upload && !call->fin_sent && rest < size && !(exchange && (!rest || !call->late_fin)))
		window->len = rest;
	window->data = call->scratch ? call->scratch : malloc(window->len);
	if (call->upload && !call->fin_sent) {
		if (rest > window->len)
			rest = window->len;
		if (!call->scratch)
			memcpy(window->data, call->upload + call->uploaded, rest);
		call->uploaded += rest;
		window->fin = call->uploaded == call->upload_len && !(call->late_fin && rest);
		call->fin_sent = window->fin;
	}
	*call->tail = window;
	call->tail = &window->next;
	if (call->op.state && call->op.type->window)
		call->op.type->window(&call->op);
}

void call_start(struct harness *harness, struct call *call, const struct op_type *type,
		const Nexus__V1__Request *request)
{
	int ret;

	call->harness = harness;
	call->tail = &call->op.windows;
	call->op.type = type;
	call->op.worker = &harness->worker;
	call->op.tenant = harness->as;
	call->op.request = request;
	call->op.response = (Nexus__V1__Response)NEXUS__V1__RESPONSE__INIT;
	call_window(call, call->window_size);
	call->op.state = calloc(1, type->state_size);
	ret = type->start(&call->op);
	if (ret)
		op_finish(&call->op, ret);
}

void call_abort(struct call *call)
{
	if (call->finished)
		return;
	call->op.type->abort(&call->op);
	op_finish(&call->op, -ECANCELED);
}

void call_free(struct call *call)
{
	call_abort(call);
	/* A refill may be posted still; it looks at the call. */
	while (call->refill_posted)
		harness_run_ms(call->harness, 1);
	blocks_free(&call->blocks);
	free(call->received);
	memset(call, 0, sizeof(*call));
}

const char *call_code(const struct call *call)
{
	return call->op.response.error ? call->op.response.error->code : "";
}

const char *call_message(const struct call *call)
{
	return call->op.response.error ? call->op.response.error->message : "";
}

/* ---- the worker ---- */

struct limit {
	struct loop_timer timer;
	struct loop *loop;
	bool expired;
};

static void limit_expired(struct loop_timer *timer)
{
	struct limit *limit = container_of(timer, struct limit, timer);

	limit->expired = true;
	loop_stop(limit->loop);
}

bool harness_run(struct harness *harness, struct call *call, unsigned int limit_ms)
{
	struct loop *loop = harness->worker.loop;
	struct limit limit = { .timer = { .expired = limit_expired }, .loop = loop };

	loop_timer_start(loop, &limit.timer, limit_ms);
	while (!limit.expired && !(call && call->finished)) {
		if (loop_run(loop))
			abort();
	}
	loop_timer_stop(loop, &limit.timer);
	return call && call->finished;
}

void harness_run_ms(struct harness *harness, unsigned int ms)
{
	harness_run(harness, NULL, ms);
}

struct counters harness_counters(const struct harness *harness)
{
	return harness->worker.counters;
}

void harness_open(struct harness *harness, uint16_t port)
{
	static char *any[] = { "*", NULL };
	static const struct rules rules = { .buckets = any, .weight = SHARE_WEIGHT };

	memset(harness, 0, sizeof(*harness));
	snprintf(harness->url, sizeof(harness->url), "http://127.0.0.1:%u", port);
	snprintf(harness->authority, sizeof(harness->authority), "127.0.0.1:%u", port);
	harness->endpoint = (struct endpoint){
		.name = "store", .url = harness->url, .host = "127.0.0.1", .port = port,
		.authority = harness->authority, .service = "s3", .region = "us-east-1", .path_style = true,
		.connect_timeout_ms = 2000, .stall_timeout_ms = 5000, .max_connections = 8, .idle_timeout_ms = 5000,
	};
	harness->tenant = (struct tenant){
		.name = "test", .endpoints = harness->endpoints, .rules = &rules, .usage = &harness->usage, .credentials = &harness->credentials,
	};
	harness->as = &harness->tenant;
	harness->endpoints[0] = &harness->endpoint;
	harness->credentials = (struct credentials){ "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL, 0 };
	harness->worker.core = &harness->core;
	harness->worker.loop = loop_new();
	harness->worker.share = harness->worker.loop ? share_new(&harness->worker) : NULL;
	harness->worker.pools = harness->worker.share ? conn_pools_new(&harness->worker) : NULL;
	if (!harness->worker.pools) {
		perror("loop_new");
		exit(1);
	}
}

void harness_close(struct harness *harness)
{
	while (harness->core.clients)
		harness->core.clients->abandon(harness->core.clients);
	conn_pools_free(harness->worker.pools);
	share_free(harness->worker.share);
	loop_free(harness->worker.loop);
}

/* ---- requests ---- */

static const Nexus__V1__ObjectName *object_name(const char *bucket, const char *key)
{
	static Nexus__V1__ObjectName object;

	nexus__v1__object_name__init(&object);
	object.bucket = (char *)bucket;
	object.key = (char *)key;
	return &object;
}

static Nexus__V1__Request *request_of(Nexus__V1__Request__OpCase op_case)
{
	static Nexus__V1__Request request;

	nexus__v1__request__init(&request);
	request.op_case = op_case;
	return &request;
}

const Nexus__V1__Request *request_get(const char *bucket, const char *key, const char *range)
{
	static Nexus__V1__GetObject get;
	Nexus__V1__Request *request = request_of(NEXUS__V1__REQUEST__OP_GET_OBJECT);

	nexus__v1__get_object__init(&get);
	get.object = (Nexus__V1__ObjectName *)object_name(bucket, key);
	get.range = (char *)range;
	request->get_object = &get;
	return request;
}

const Nexus__V1__Request *request_put(const char *bucket, const char *key, uint64_t length)
{
	static Nexus__V1__PutObject put;
	Nexus__V1__Request *request = request_of(NEXUS__V1__REQUEST__OP_PUT_OBJECT);

	nexus__v1__put_object__init(&put);
	put.object = (Nexus__V1__ObjectName *)object_name(bucket, key);
	put.content_length = length;
	request->put_object = &put;
	return request;
}

const Nexus__V1__Request *request_head(const char *bucket, const char *key)
{
	static Nexus__V1__HeadObject head;
	Nexus__V1__Request *request = request_of(NEXUS__V1__REQUEST__OP_HEAD_OBJECT);

	nexus__v1__head_object__init(&head);
	head.object = (Nexus__V1__ObjectName *)object_name(bucket, key);
	request->head_object = &head;
	return request;
}

const Nexus__V1__Request *request_delete(const char *bucket, const char *key)
{
	static Nexus__V1__DeleteObject delete;
	Nexus__V1__Request *request = request_of(NEXUS__V1__REQUEST__OP_DELETE_OBJECT);

	nexus__v1__delete_object__init(&delete);
	delete.object = (Nexus__V1__ObjectName *)object_name(bucket, key);
	request->delete_object = &delete;
	return request;
}
